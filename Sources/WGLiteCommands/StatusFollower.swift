internal import LinuxSystem
internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelControl
internal import TunnelCore
internal import TunnelDiagnosis
internal import TunnelView
internal import WireGuardCrypto

/// Follows tunnels until somebody ends it: what their processes tell of them, as it happens, and their verdicts when they change.
struct StatusFollower {
    let names: [String]
    let json: Bool

    func run() throws {
        guard !names.isEmpty else {
            throw CommandFailure(CommandFailure.noTunnel, status: .nothingToLookAt)
        }
        var tunnels = names.map { FollowedTunnel(name: $0) }
        while true {
            for index in tunnels.indices where tunnels[index].pace.due <= Clock.now { write(tunnels[index].look()) }
            let due = tunnels.map(\.pace.due).min()
            let ready = DescriptorPoll.wait(
                tunnels.map { DescriptorPoll.Interest($0.events?.descriptor ?? -1) }, for: due.map { $0.since(Clock.now) })
            for index in tunnels.indices where ready[index] { write(tunnels[index].hear()) }
        }
    }

    private func write(_ lines: [FollowLine]) {
        guard !lines.isEmpty else { return }
        Terminal.output(lines.map { (json ? $0.json.text : $0.text) + "\n" }.joined())
    }
}

/// When a tunnel is asked for its verdict.
///
/// Events say that something has happened, so it is asked a moment after one. Some findings come without an event (a filter that begins to
/// drop, a name server that isn't routed), so it is also asked now and then; and every second where nobody tells events.
struct FollowPace {
    static let quiet = Interval.seconds(10)
    static let shortest = Interval.seconds(1)
    /// After an event, so that what comes of it is seen.
    static let moment = Interval.milliseconds(100)
    /// A look takes at most one part in so many of the time, however many peers there are.
    static let share: UInt64 = 20

    /// When to look next.
    private(set) var due = Instant(nanoseconds: 0)
    private var earliest = Instant(nanoseconds: 0)

    /// - Parameter hasEvents: whether somebody tells when something happens.
    mutating func looked(from begin: Instant, to end: Instant, hasEvents: Bool) {
        let rest = Interval(nanoseconds: max(Self.shortest.nanoseconds, end.since(begin).nanoseconds * Self.share))
        earliest = end + rest
        due = hasEvents ? end + Interval(nanoseconds: max(Self.quiet.nanoseconds, rest.nanoseconds)) : earliest
    }

    mutating func heard(at now: Instant) {
        due = min(due, max(now + Self.moment, earliest))
    }
}

/// One of the tunnels that are followed.
private struct FollowedTunnel {
    let name: String
    var pace = FollowPace()
    var events: EventStream?
    private var peerNames: [PublicKey: String] = [:]
    private var last: Set<String> = []
    private var refusal: String?

    init(name: String) {
        self.name = name
    }

    /// Asks for the verdict.
    /// - Returns: what is another now.
    mutating func look() -> [FollowLine] {
        let begin = Clock.now
        if events == nil {
            // Before the look, so that nothing falls between.
            events = TunnelQuery.events(of: name)
            if events != nil { peerNames = TunnelQuery.peerNames(of: name) }
        }
        var lines: [StatusLine]
        do throws(SetupError) {
            lines = StatusLine.lines(try TunnelQuery.report(of: name).diagnosis, names: peerNames)
        } catch {
            events = nil
            lines = [StatusLine("\(name): \(error.cause)")]
        }
        if let refusal { lines.append(StatusLine("\(name): no events: \(refusal)")) }
        let news = lines.filter { !last.contains($0.key) }
        last = Set(lines.map(\.key))
        pace.looked(from: begin, to: Clock.now, hasEvents: events != nil)
        let time = Clock.unixNanoseconds
        return news.map { FollowLine(unixNanoseconds: time, tunnel: name, content: .change($0)) }
    }

    /// Takes what has been told.
    mutating func hear() -> [FollowLine] {
        pace.heard(at: Clock.now)
        guard let told = events?.take() else {
            refusal = events?.refusal
            events = nil
            return []
        }
        refusal = nil
        return told.map { FollowLine(unixNanoseconds: $0.time.unixNanoseconds, tunnel: name, content: .event($0, names: peerNames)) }
    }
}
