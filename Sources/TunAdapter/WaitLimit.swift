public import NetworkTypes

/// How long a call may wait.
public enum WaitLimit: Hashable, Sendable {
    /// Until it happens, or the session ends.
    case forever
    /// At most so long.
    case upTo(Interval)

    /// At most so many milliseconds.
    public static func milliseconds(_ n: UInt64) -> WaitLimit {
        .upTo(.milliseconds(n))
    }
}
