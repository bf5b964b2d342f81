public import NetworkTypes
public import WireGuardCrypto

/// What an observation means: findings, the one that explains most first, a state for each peer, and a verdict.
///
/// A pure function of the observation. Each family of rules has a file of its own; a rule looks at the observation only, never at what
/// others found. What a finding explains is then left out.
public struct Diagnosis: Sendable {
    public let interface: String
    /// The one that explains most first; what it explains is left out.
    public let findings: [Finding]
    /// In the observation's order.
    public let peers: [PeerDiagnosis]
    /// The first line that a person reads.
    public let verdict: Verdict

    /// The finding that the verdict's line tells: the worst, else a remark; nil where it tells none.
    public var told: Finding? { Self.told(of: findings) }

    static func told(of findings: [Finding]) -> Finding? {
        findings.first { $0.severity > .note } ?? findings.first { $0.code.isRemark }
    }

    init(interface: String, findings: [Finding], peers: [PeerDiagnosis], verdict: Verdict) {
        self.interface = interface
        self.findings = findings
        self.peers = peers
        self.verdict = verdict
    }

    public init(_ observation: Observation) {
        interface = observation.interface
        let rules: [(Observation) -> [Finding]] = [
            FileRules.findings, LinkRules.findings, ClockRules.findings, RouteRules.findings, RefusalRules.findings, KeyRules.findings,
            FilterRules.findings, SilenceRules.findings, AnswerRules.findings, NATRules.findings, MTURules.findings, DropRules.findings,
            SetupRules.findings,
        ]
        let all = observation.isEnding ? [] : rules.flatMap { $0(observation) }
        findings = Self.explaining(all)
        let isDown = observation.link.map { !$0.isUp } ?? false
        peers = observation.peers.map { PeerDiagnosis($0, isDown: isDown) }
        verdict = Verdict(of: observation, findings: findings, states: peers.map(\.state))
    }

    /// In order, without what is explained by another: of a peer that can't be reached it is no news that it doesn't answer.
    private static func explaining(_ findings: [Finding]) -> [Finding] {
        let ordered = findings.enumerated().sorted { a, b in
            let (first, second) = (a.element, b.element)
            return (second.severity, first.code.rank, a.offset) < (first.severity, second.code.rank, b.offset)
        }.map(\.element)
        var kept: [Finding] = []
        var seen: Set<Finding> = []
        // What has been kept, of the whole tunnel (nil) and of each peer: there may be ten thousand.
        var causes: [PublicKey?: Set<FindingCode>] = [:]
        for finding in ordered {
            let earlier = (causes[nil] ?? []).union(finding.peer.flatMap { causes[$0] } ?? [])
            guard !earlier.contains(where: { finding.code.isExplained(by: $0) }), seen.insert(finding).inserted else { continue }
            kept.append(finding)
            causes[finding.peer, default: []].insert(finding.code)
        }
        return kept
    }
}

/// One peer's part of a diagnosis.
public struct PeerDiagnosis: Hashable, Sendable {
    public var publicKey: PublicKey
    /// Where the peer was heard last, or is configured to be; nil if neither.
    public var endpoint: Endpoint?
    public var state: PeerState
    /// What shows the state, for people: "heard of 2 s ago, handshake 48 s ago in 31 ms". Empty when there is nothing to show.
    public var evidence: String

    public init(publicKey: PublicKey, endpoint: Endpoint?, state: PeerState, evidence: String) {
        self.publicKey = publicKey
        self.endpoint = endpoint
        self.state = state
        self.evidence = evidence
    }

    /// - Parameter isDown: whether the interface is, through which nobody can be spoken with.
    init(_ peer: PeerObservation, isDown: Bool = false) {
        publicKey = peer.publicKey
        endpoint = peer.endpoint
        state = isDown ? .unreachable : PeerState(peer)
        var parts: [String] = []
        if state.isBroken, let handshakes = peer.handshakes, handshakes.unanswered > 0 {
            let within = handshakes.unansweredFor.map { " in \($0.inWords)" } ?? ""
            parts.append("\(counted(handshakes.unanswered, "handshake", "handshakes")) sent\(within), none completed")
        }
        if let age = peer.traffic?.lastReceived { parts.append("heard of \(age.inWords) ago") }
        if let age = peer.lastHandshake {
            parts.append("handshake \(age.inWords) ago\(peer.handshakeDuration.map { " in \($0.inWords)" } ?? "")")
        }
        evidence = parts.joined(separator: ", ")
    }
}

extension FindingCode {
    /// Whether a finding of this kind is only what another's cause looks like.
    func isExplained(by cause: FindingCode) -> Bool {
        switch self {
        case .noAnswer, .peerSilent, .natForgot, .answersLost, .nothingComesBack, .pathMTU:
            cause.keepsPeersApart && cause.rank < rank
        case .portClosed, .prohibited, .networkUnreachable, .routingLoop, .noRoute, .familyMissing, .throughOtherTunnel:
            [.linkDown, .portTaken, .noPrivateKey, .endpointIsItself, .endpointInTunnel, .ownDatagrams].contains(cause)
        case .sendFailed:
            [.linkDown, .portTaken, .noPrivateKey, .endpointInTunnel, .ownDatagrams, .noRoute, .familyMissing].contains(cause)
        case .filteredOut: cause == .connectionTableFull
        // A machine that has moved is missed where it was.
        case .hostUnreachable: [.linkDown, .portTaken, .noPrivateKey, .endpointInTunnel, .ownDatagrams, .nameMoved].contains(cause)
        case .otherKeyOfOurs: cause == .endpointIsItself
        case .endpointInTunnel: [.linkDown, .portTaken].contains(cause)
        case .ownDatagrams: cause == .endpointInTunnel
        case .unknownSender: [.otherKeyOfPeer, .otherKeyOfOurs].contains(cause)
        case .nameServerUnreachable: cause.keepsPeersApart
        case .natWithoutKeepalive: cause.keepsPeersApart || cause == .natForgot
        default: false
        }
    }

    /// Whether nothing gets through to a peer because of it.
    private var keepsPeersApart: Bool {
        rank <= FindingCode.noAnswer.rank && self != .peerIsItself
    }
}
