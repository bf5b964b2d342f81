internal import NetworkTypes

/// How many lines may be written: a burst, then some each second.
struct LogBudget {
    enum Verdict: Hashable {
        /// Write it, after saying how many were left out before.
        case write(omitted: Int)
        case omit
    }

    static let burst = 50.0
    static let perSecond = 5.0

    private var tokens = Self.burst
    private var last: Instant?
    private var omitted = 0

    mutating func admit(at now: Instant) -> Verdict {
        if let last { tokens = min(Self.burst, tokens + Double(now.since(last).nanoseconds) * Self.perSecond / 1e9) }
        last = now
        guard tokens >= 1 else {
            omitted += 1
            return .omit
        }
        tokens -= 1
        defer { omitted = 0 }
        return .write(omitted: omitted)
    }
}
