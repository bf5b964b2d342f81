/// A point on a monotonic clock, in nanoseconds since some fixed origin.
///
/// The tunnel measures all its intervals on one such clock, handed in as an argument; the sans-IO targets never read one.
/// 64 bits hold 584 years.
public struct Instant: Hashable, Comparable, Sendable {
    /// Nanoseconds since the clock's origin.
    public var nanoseconds: UInt64

    /// So many nanoseconds after the clock's origin.
    @inlinable
    public init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    /// Whether `a` is before `b`.
    @inlinable
    public static func < (a: Instant, b: Instant) -> Bool {
        a.nanoseconds < b.nanoseconds
    }

    /// The instant `interval` nanoseconds after `instant`, or the end of time.
    @inlinable
    public static func + (instant: Instant, interval: Interval) -> Instant {
        let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(interval.nanoseconds)
        return Instant(nanoseconds: overflow ? .max : sum)
    }

    /// How long after `earlier` this instant is; zero if it isn't after it.
    @inlinable
    public func since(_ earlier: Instant) -> Interval {
        Interval(nanoseconds: nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0)
    }

    /// The end of time: never reached.
    public static let distantFuture = Instant(nanoseconds: .max)
}

/// A length of time in nanoseconds.
public struct Interval: Hashable, Comparable, Sendable {
    /// Its nanoseconds.
    public var nanoseconds: UInt64

    /// So many nanoseconds.
    @inlinable
    public init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    /// So many seconds, at most 584 years of them.
    @inlinable
    public static func seconds(_ n: UInt64) -> Interval {
        Interval(nanoseconds: n * 1_000_000_000)
    }

    /// So many milliseconds, at most 584 years of them.
    @inlinable
    public static func milliseconds(_ n: UInt64) -> Interval {
        Interval(nanoseconds: n * 1_000_000)
    }

    /// Whether `a` is shorter.
    @inlinable
    public static func < (a: Interval, b: Interval) -> Bool {
        a.nanoseconds < b.nanoseconds
    }

    /// Both together; it traps beyond 584 years.
    @inlinable
    public static func + (a: Interval, b: Interval) -> Interval {
        Interval(nanoseconds: a.nanoseconds + b.nanoseconds)
    }
}
