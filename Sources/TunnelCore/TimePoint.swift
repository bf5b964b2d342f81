public import NetworkTypes

/// Both clocks at one moment: the monotonic one, on which every interval is measured, and the wall clock, which the protocol's
/// timestamps and "last handshake" need and which may jump.
public struct TimePoint: Hashable, Sendable {
    /// On the monotonic clock.
    public var now: Instant
    /// Nanoseconds of the Unix epoch.
    public var unixNanoseconds: UInt64

    /// Both clocks, read together.
    @inlinable
    public init(now: Instant, unixNanoseconds: UInt64) {
        self.now = now
        self.unixNanoseconds = unixNanoseconds
    }
}
