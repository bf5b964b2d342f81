public import NetworkTypes

/// How long a call may wait.
public enum WaitLimit: Hashable, Sendable {
    /// Until it happens, or the session ends.
    case forever
    /// At most so long.
    case upTo(Interval)

    /// At most so many milliseconds; 584 years where it is more than that.
    public static func milliseconds(_ n: UInt64) -> WaitLimit {
        let (nanoseconds, isTooMuch) = n.multipliedReportingOverflow(by: 1_000_000)
        return .upTo(Interval(nanoseconds: isTooMuch ? .max : nanoseconds))
    }
}
