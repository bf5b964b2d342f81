/// The first line: how it is with the whole tunnel, and the exit status that says the same.
public struct Verdict: Hashable, Sendable {
    /// How it is in a word, for colours and machines.
    public enum Outcome: String, Hashable, Sendable, CaseIterable {
        /// It works, or would if there were something to send.
        case works
        /// It works, and something is to be looked at.
        case worksWithFindings = "works-with-findings"
        /// Some peers can be spoken with, others not.
        case worksInPart = "works-in-part"
        /// Nothing can be said yet: no peer has been heard of, and nothing was tried or it has just begun; or nobody answers who may be mute.
        /// Nor is anything said while it is being taken down.
        case waits
        /// There is an error, of the whole tunnel or of peers beside whom no other can be spoken with.
        case doesNotWork = "does-not-work"
    }

    /// What ``exitStatus`` comes from.
    public let outcome: Outcome
    /// The whole line.
    public let line: String
    /// 0: works; 1: there is an error finding.
    public var exitStatus: Int32 { outcome == .doesNotWork || outcome == .worksInPart ? 1 : 0 }

    /// Of a tunnel that is being taken down.
    public static func ending(_ interface: String) -> Verdict { Verdict(.waits, line: "\(interface) is being taken down") }

    public init(_ outcome: Outcome, line: String) {
        self.outcome = outcome
        self.line = line
    }

    init(of observation: Observation, findings: [Finding], states: [PeerState]) {
        let name = observation.interface
        guard !observation.isEnding else {
            self = .ending(name)
            return
        }
        let errors = findings.filter { $0.severity == .error }
        let warnings = findings.filter { $0.severity == .warning }
        if let first = errors.first {
            let isOfOnePeer = errors.allSatisfy { $0.peer != nil }
            let broken = Set(errors.compactMap(\.peer)).count
            let others = states.count - broken
            if isOfOnePeer, others > 0, states.contains(where: { $0 == .working || $0 == .idle || $0 == .waitingToBeCalled }) {
                self.init(
                    .worksInPart,
                    line:
                        "\(name) works in part, \(broken) of \(counted(states.count, "peer", "peers")) \(broken == 1 ? "does" : "do") not: \(first.sentence)"
                )
            } else {
                self.init(.doesNotWork, line: "\(name) does not work: \(first.sentence)")
            }
        } else if let first = warnings.first {
            let how = states.contains(.working) || states.isEmpty ? "works" : "is up"
            let count = warnings.count == 1 ? "one thing" : "\(warnings.count) things"
            self.init(.worksWithFindings, line: "\(name) \(how), with \(count) to look at: \(first.sentence)")
        } else if let remark = Diagnosis.told(of: findings) {
            let base = Verdict(of: observation, findings: [], states: states)
            // Nobody is said to work who may as well not take in what we send.
            let isCertain = zip(observation.peers, states).contains { peer, state in
                state == .working && (peer.publicKey != remark.peer || peer.hasSpoken)
            }
            if remark.code == .nothingComesBack, !isCertain {
                self.init(.waits, line: "\(name) is up: \(remark.sentence)")
            } else {
                self.init(base.outcome, line: "\(base.line); \(remark.sentence)")
            }
        } else if states.contains(.working) {
            self.init(.works, line: "\(name) works")
        } else if observation.settings.peers.isEmpty {
            self.init(.waits, line: "\(name) is up, without a peer")
        } else if !states.isEmpty, states.allSatisfy({ $0 == .waitingToBeCalled }) {
            self.init(.waits, line: "\(name) is up and waits to be called: no peer has an Endpoint")
        } else if observation.peers.contains(where: { $0.lastHandshake != nil }) {
            self.init(.works, line: "\(name) works and is idle: nothing to send")
        } else if observation.peers.contains(where: { ($0.handshakes?.unanswered ?? 0) > 0 }) {
            self.init(.waits, line: "\(name) is up; its first handshake is under way")
        } else {
            self.init(.waits, line: "\(name) is up and idle: nothing has been sent yet, so nobody has been heard of")
        }
    }
}
