internal import NetworkTypes

/// Bounds the log lines about peers: with ten thousand of them one pulled cable is ten thousand troubles.
struct LineBudget {
    /// Lines that may come at once.
    static let lines = 16
    /// How long until there is room for as many again.
    static let interval = Interval.seconds(30)

    enum Verdict: Hashable {
        case say
        /// It may be said, and is the last for now.
        case sayAsLast
        case mute
    }

    private var left = LineBudget.lines
    private var begun: Instant?

    /// Whether another line may be written at `now`.
    mutating func take(at now: Instant) -> Verdict {
        if let start = begun, now.since(start) >= Self.interval { begun = nil }
        if begun == nil {
            begun = now
            left = Self.lines
        }
        guard left > 0 else { return .mute }
        left -= 1
        return left == 0 ? .sayAsLast : .say
    }
}
