public import NetworkTypes

/// The time label of an initiation: 12 bytes, big-endian, ordered as numbers (whitepaper, section 5.4.2; cr.yp.to/libtai/tai64.html).
///
/// A responder accepts an initiation only if its label is greater than every earlier one of that peer, so a recording can't be replayed.
/// The lowest 24 bits of the nanoseconds are cleared, as other implementations do: a step of about 16.8 ms is below the rate at
/// which initiations are accepted and gives nothing away about the sender's clock and load.
public struct TAI64N: Hashable, Comparable, Sendable {
    /// Seconds on the TAI64 scale: 2^62 + 10 at the Unix epoch, leap seconds ignored.
    public let seconds: UInt64
    /// Nanoseconds within the second.
    public let nanoseconds: UInt32

    /// Eight bytes of seconds and four of nanoseconds.
    public static let byteCount = MemoryLayout<UInt64>.size + MemoryLayout<UInt32>.size

    static let unixEpoch: UInt64 = (1 << 62) + 10
    static let whitenedBits: UInt32 = (1 << 24) - 1

    /// The label that is sent at a time.
    ///
    /// - Parameter unixNanoseconds: nanoseconds since 1970-01-01 00:00:00 UTC.
    public init(unixNanoseconds: UInt64) {
        let (seconds, nanoseconds) = unixNanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        self.init(unixSeconds: seconds, nanoseconds: UInt32(truncatingIfNeeded: nanoseconds))
    }

    /// The label that is sent at a time, also after the year 2554, when 64 bits of nanoseconds run out.
    ///
    /// - Parameters:
    ///   - unixSeconds: seconds since 1970-01-01 00:00:00 UTC, below 2^62.
    ///   - nanoseconds: below 10^9.
    public init(unixSeconds: UInt64, nanoseconds: UInt32) {
        seconds = Self.unixEpoch + unixSeconds
        self.nanoseconds = nanoseconds & ~Self.whitenedBits
    }

    /// The label in 12 received bytes, taken as it is.
    init(_ bytes: FixedBytes<12>) {
        seconds = bytes.bigEndianUInt64(at: 0)
        nanoseconds = UInt32(truncatingIfNeeded: bytes.bigEndianUInt64(at: 4))
    }

    /// The 12 bytes that are sent.
    package var bytes: FixedBytes<12> {
        var bytes = FixedBytes<12>()
        for i in 0..<8 { bytes[i] = UInt8(truncatingIfNeeded: seconds >> UInt64(56 - 8 * i)) }
        for i in 0..<4 { bytes[8 + i] = UInt8(truncatingIfNeeded: nanoseconds >> UInt32(24 - 8 * i)) }
        return bytes
    }

    /// How long after `earlier` this label is; zero if it isn't after it, and at most some 584 years.
    public func since(_ earlier: TAI64N) -> Interval {
        guard self > earlier else { return Interval(nanoseconds: 0) }
        let (whole, overflow) = (seconds - earlier.seconds).multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return Interval(nanoseconds: .max) }
        // Received nanoseconds may be anything.
        let (sum, isTooLarge) = (whole &+ UInt64(nanoseconds)).subtractingReportingOverflow(UInt64(earlier.nanoseconds))
        return Interval(nanoseconds: isTooLarge ? 0 : sum)
    }

    /// Whether `a` is the earlier label: seconds first, then nanoseconds.
    public static func < (a: TAI64N, b: TAI64N) -> Bool {
        (a.seconds, a.nanoseconds) < (b.seconds, b.nanoseconds)
    }
}
