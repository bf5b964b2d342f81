internal import LinuxSystem
internal import MachineState
internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelCore
internal import TunnelEngine

/// What of a tunnel's routes, rules and packet filter others have removed while it is up (`networkctl reconfigure` does), as a function of time: what has
/// vanished is put back; what vanishes again at once is only said, since somebody means it.
struct Drift: Hashable, Sendable {
    /// How soon is at once.
    static let soon = Interval.seconds(10)

    /// What was put back last.
    private(set) var lines: [String] = []
    private(set) var since: Instant?
    /// Whether it was removed again at once, and stays so.
    private(set) var isLeft = false
    /// Why it couldn't be put back; nil where it could. It is tried again at each look.
    private(set) var failure: String?

    enum Answer: Hashable {
        case putBack
        case say
        case nothing
    }

    /// What to do about these changes that the system needs.
    mutating func answer(_ missing: [String], at now: Instant) -> Answer {
        guard !missing.isEmpty else {
            failure = nil
            if let since, now.since(since) > Self.soon { isLeft = false }
            return .nothing
        }
        // That it is missing still is nobody's doing.
        if failure != nil, !isLeft { return .putBack }
        let isAgain = since.map { now.since($0) <= Self.soon } ?? false && !Set(missing).isDisjoint(with: lines)
        defer { (lines, since) = (missing, now) }
        guard isAgain || isLeft else { return .putBack }
        defer { isLeft = true }
        return isLeft ? .nothing : .say
    }

    /// What became of putting it back.
    /// - Parameter error: why it couldn't be; nil where it could.
    /// - Returns: whether that is news.
    mutating func note(_ error: String?) -> Bool {
        defer { failure = error }
        return error == nil || error != failure
    }
}

extension TunnelSetup {
    /// Looks whether everything is there that ought to be, and puts back what isn't.
    func putBack(_ cancellation: Cancellation, _ report: SetupReport) {
        inTurn(cancellation) { lookAndPutBack(cancellation, report) }
    }

    private func lookAndPutBack(_ cancellation: Cancellation, _ report: SetupReport) {
        let owned = current.owned
        guard owned.isUp,
            let observed = try? observation(cancellation).state(owned: owned, firewallMark: device.engine.snapshot().firewallMark),
            observed.isUp
        else { return }
        change { $0.seenNameServers = observed.nameServers }
        // Addresses, MTU and name servers are the administrator's to change.
        var wanted = observed
        wanted.routes.formUnion(owned.routes)
        wanted.rules.formUnion(owned.rules)
        wanted.firewall = owned.firewall
        let plan = Plan(from: observed, owned: owned, to: wanted)
        let missing = plan.steps.compactMap {
            // Its text is long, and says no more.
            $0.isFirewall ? "the firewall rules" : $0.command(interface: interface, tunnel: interface)
        }
        var answer = Drift.Answer.nothing
        change { answer = $0.drift.answer(missing, at: Clock.now) }
        switch answer {
        case .nothing: break
        case .say:
            report.warning("others removed what \(interface) needs again, and it is left so: \(missing.joined(separator: "; "))")
        case .putBack:
            do throws(SetupError) {
                try perform(plan, cancellation, report)
                change { _ = $0.drift.note(nil) }
                report.warning("others removed what \(interface) needs; put back: \(missing.joined(separator: "; "))")
            } catch {
                // Who wants something else comes first.
                guard !cancellation.isCancelled else { return }
                var isNews = false
                change { isNews = $0.drift.note("\(error)") }
                if isNews { report.warning("others removed what \(interface) needs: \(error)") }
            }
        }
    }
}
