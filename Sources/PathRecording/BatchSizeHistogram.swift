/// How large batches were, in buckets that double: 1, 2…3, 4…7, and so on; the last holds all from 256 on.
public struct BatchSizeHistogram: Sendable {
    /// How many buckets there are.
    public static let bucketCount = 9

    /// Batches by bucket.
    public var counts = InlineArray<9, UInt64>(repeating: 0)

    /// Nothing yet.
    public init() {}

    /// The bucket of a batch of `size` packets; an empty one counts as one of 1.
    @inlinable
    public static func bucket(of size: Int) -> Int {
        min(Int.bitWidth - 1 - (size | 1).leadingZeroBitCount, bucketCount - 1)
    }

    /// The sizes that a bucket holds; the last has no end.
    public static func sizes(of bucket: Int) -> ClosedRange<Int> {
        (1 << bucket)...(bucket == bucketCount - 1 ? Int.max : (2 << bucket) - 1)
    }

    /// Counts a batch.
    public mutating func record(_ size: Int) {
        counts[Self.bucket(of: size)] += 1
    }

    /// What was counted since `earlier`, a snapshot of the same histogram.
    public func since(_ earlier: BatchSizeHistogram) -> BatchSizeHistogram {
        var difference = self
        for bucket in counts.indices { difference.counts[bucket] &-= earlier.counts[bucket] }
        return difference
    }
}

extension BatchSizeHistogram: Hashable {
    public static func == (a: BatchSizeHistogram, b: BatchSizeHistogram) -> Bool {
        a.counts.indices.allSatisfy { a.counts[$0] == b.counts[$0] }
    }

    public func hash(into hasher: inout Hasher) {
        for bucket in counts.indices { hasher.combine(counts[bucket]) }
    }
}
