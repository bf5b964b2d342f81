/// What became of the packets of a flush, in the order in which they were sent: for those who want to see it.
@safe
public struct DeliveryNotes: ~Copyable {
    /// What became of one packet.
    public struct Delivery: Sendable, Hashable {
        /// Which of the session's writes it went with; it may wrap.
        public var write: UInt32
        /// Its place among the packets that were merged into that write, from 0.
        public var index: UInt16
        /// How many those were.
        public var count: UInt16
        /// The kernel's answer; 0 where it took the packet.
        public var errno: Int32
    }

    // SAFETY: the notes are those of the thread that flushes, which waits for the flush.
    @unsafe struct Target: @unchecked Sendable {
        let notes: UnsafeMutablePointer<DeliveryNotes>?
    }

    let deliveries: UnsafeMutablePointer<Delivery>
    let capacity: Int
    /// How many packets were noted; those beyond the capacity are not.
    public private(set) var count = 0

    /// Makes room for `capacity` packets.
    public init(capacity: Int) {
        self.capacity = capacity
        unsafe deliveries = .allocate(capacity: capacity)
        unsafe deliveries.initialize(repeating: Delivery(write: 0, index: 0, count: 1, errno: 0), count: capacity)
    }

    deinit {
        unsafe deliveries.deallocate()
    }

    /// What became of packet `index`, below ``count``.
    public subscript(index: Int) -> Delivery {
        precondition(index < count)
        // SAFETY: just checked.
        return unsafe deliveries[index]
    }

    /// Forgets all.
    public mutating func removeAll() {
        count = 0
    }

    /// Counts packets whose fate follows.
    /// - Returns: the number of the first.
    mutating func extend(by more: Int) -> Int {
        let first = count
        count = min(capacity, count + more)
        return first
    }

    /// Notes one packet's fate, if there is room for it.
    mutating func note(_ index: Int, _ delivery: Delivery) {
        // SAFETY: below the capacity.
        if index < capacity { unsafe deliveries[index] = delivery }
    }
}
