public import NetworkTypes

/// How long packets took, counted in buckets that double: bucket *i* holds what took from 2^i to 2^(i+1) nanoseconds.
public struct LatencyHistogram: Sendable {
    /// Bucket 35 and last holds all from 34 seconds on.
    public static let bucketCount = 36

    /// The percentiles that people are shown.
    public static let shownPercentiles = [50, 99]

    /// Packets by bucket.
    public var counts = InlineArray<36, UInt64>(repeating: 0)

    /// Nothing yet.
    public init() {}

    /// The bucket of a duration; less than a nanosecond counts as one.
    @inlinable
    public static func bucket(of interval: Interval) -> Int {
        min(63 - (interval.nanoseconds | 1).leadingZeroBitCount, bucketCount - 1)
    }

    /// The shortest duration of a bucket.
    public static func start(of bucket: Int) -> Interval {
        Interval(nanoseconds: 1 << UInt64(bucket))
    }

    /// Counts `packets` that took `interval`.
    public mutating func record(_ interval: Interval, packets: Int) {
        counts[Self.bucket(of: interval)] += UInt64(packets)
    }

    /// How many packets were counted.
    public var total: UInt64 {
        var total: UInt64 = 0
        // They may be another process's word, which may say anything.
        for bucket in counts.indices { total &+= counts[bucket] }
        return total
    }

    /// What the given share of the packets took at most, as far as the buckets tell: within one, packets are taken to be spread
    /// evenly, so it may be wrong by a factor below two.
    /// - Parameter share: from 0 to 1; 0.5 is the median.
    /// - Returns: nil if nothing was counted.
    public func percentile(_ share: Double) -> Interval? {
        let total = total
        guard total > 0 else { return nil }
        let wanted = max(1, Double(total) * min(max(share, 0), 1))
        var before = 0.0
        for bucket in counts.indices where counts[bucket] > 0 {
            let count = Double(counts[bucket])
            if before + count >= wanted {
                let start = Double(Self.start(of: bucket).nanoseconds)
                return Interval(nanoseconds: UInt64(start + start * (wanted - before) / count))
            }
            before += count
        }
        return nil
    }

    /// What was counted since `earlier`, a snapshot of the same histogram.
    public func since(_ earlier: LatencyHistogram) -> LatencyHistogram {
        var difference = self
        for bucket in counts.indices { difference.counts[bucket] &-= earlier.counts[bucket] }
        return difference
    }
}

extension LatencyHistogram: Hashable {
    public static func == (a: LatencyHistogram, b: LatencyHistogram) -> Bool {
        a.counts.indices.allSatisfy { a.counts[$0] == b.counts[$0] }
    }

    public func hash(into hasher: inout Hasher) {
        for bucket in counts.indices { hasher.combine(counts[bucket]) }
    }
}
