/// Allocated packets in the hands of one thread, many at a time: storage that is made once and filled again and again.
///
/// ``Session/allocate(count:size:lastSize:into:)`` appends, ``Session/send(_:)`` gives all back and empties. What is still in it when it
/// goes away is abandoned. Nothing here allocates after ``init(capacity:)``. It is a user of the session that it was last filled by, empty too.
@safe
public struct OutgoingBatch: ~Copyable {
    @unsafe
    struct Entry {
        let start: UnsafeMutableRawPointer
        let sequence: Int
        let capacity: UInt32
        /// What will be sent; 0 for an abandoned packet.
        var count: UInt32
    }

    /// The most packets that it holds.
    public let capacity: Int
    /// How many packets it holds, abandoned ones included.
    public internal(set) var count = 0
    let entries: UnsafeMutablePointer<Entry>
    /// The session of the packets.
    var session: Session?

    /// Makes room for `capacity` packets.
    public init(capacity: Int = 512) {
        precondition(capacity > 0)
        self.capacity = capacity
        unsafe entries = .allocate(capacity: capacity)
    }

    deinit {
        abandonAll()
        unsafe entries.deallocate()
    }

    /// Whether it holds nothing.
    public var isEmpty: Bool { count == 0 }

    /// The bytes of packet `index`, as many as were allocated; to be filled.
    ///
    /// The session's headroom before them, and its tailroom behind them and their padding, are the caller's too. They are valid until
    /// the batch is sent.
    public func unsafeBytes(at index: Int) -> UnsafeMutableRawBufferPointer {
        precondition(index >= 0 && index < count)
        // SAFETY: below `count`.
        return unsafe UnsafeMutableRawBufferPointer(start: entries[index].start, count: Int(entries[index].capacity))
    }

    /// Sends only the first `newCount` bytes of packet `index`, at least 1 and at most what was allocated.
    public mutating func setCount(_ index: Int, _ newCount: Int) {
        precondition(index >= 0 && index < count)
        // SAFETY: below `count`.
        unsafe precondition(newCount > 0 && newCount <= Int(entries[index].capacity))
        unsafe entries[index].count = UInt32(truncatingIfNeeded: newCount)
    }

    /// Doesn't send packet `index`: it is skipped in its place and delays nothing behind it.
    public mutating func abandon(_ index: Int) {
        precondition(index >= 0 && index < count)
        // SAFETY: below `count`.
        unsafe entries[index].count = 0
    }

    /// Appends a run; there is room for it.
    @inline(__always)
    mutating func append(_ run: PacketRing.Run, at start: UnsafeMutableRawPointer) {
        var start = unsafe start
        for i in 0..<run.count {
            let size = UInt32(truncatingIfNeeded: i == run.count &- 1 ? run.lastSize : run.size)
            // SAFETY: the caller checked that there is room.
            unsafe (entries + (count &+ i)).initialize(
                to: Entry(start: start, sequence: run.sequence &+ i, capacity: size, count: size))
            unsafe start += run.stride
        }
        count &+= run.count
    }

    private func abandonAll() {
        guard count > 0, let session else { return }
        for index in 0..<count {
            // SAFETY: `count` entries are initialized.
            unsafe entries[index].count = 0
        }
        unsafe session.sendRing.complete(entries, count: count)
        session.flush()
    }
}
