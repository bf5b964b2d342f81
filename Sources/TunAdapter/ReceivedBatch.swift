/// Received packets in the hands of one thread, many at a time: storage that is made once and filled again and again.
///
/// ``Session/receive(into:superPackets:)`` appends, ``Session/release(_:)`` gives all back and empties. What is still in it when it
/// goes away is released. Nothing here allocates after ``init(capacity:)``. It is a user of the session that it was last filled by, empty too.
@safe
public struct ReceivedBatch: ~Copyable {
    @unsafe
    struct Entry {
        let start: UnsafeMutableRawPointer
        let sequence: Int
        let count: UInt32
        let superPacket: UInt32
    }

    /// The most packets that it holds.
    public let capacity: Int
    /// How many packets it holds.
    public internal(set) var count = 0
    /// The bytes of all its packets.
    public internal(set) var byteCount = 0
    let entries: UnsafeMutablePointer<Entry>
    /// The session of the packets.
    var session: Session?

    /// Makes room for `capacity` packets; 512 hold what eight reads of TCP traffic bring.
    public init(capacity: Int = 512) {
        precondition(capacity > 0)
        self.capacity = capacity
        unsafe entries = .allocate(capacity: capacity)
    }

    deinit {
        // SAFETY: `count` entries are initialized.
        if count > 0 { unsafe session?.receiveRing.release(entries, count: count) }
        unsafe entries.deallocate()
    }

    /// Whether it holds nothing.
    public var isEmpty: Bool { count == 0 }

    /// The bytes of packet `index`.
    ///
    /// They may be written. The session's headroom before them, and its tailroom behind them and their padding, are the caller's too.
    /// They are valid until the batch is released.
    public func unsafeBytes(at index: Int) -> UnsafeMutableRawBufferPointer {
        precondition(index >= 0 && index < count)
        // SAFETY: below `count`.
        return unsafe UnsafeMutableRawBufferPointer(start: entries[index].start, count: Int(entries[index].count))
    }

    /// Which super-packet packet `index` is from: neighbours with the same number have the same flow and the same size, but for a
    /// shorter last one, and lie back to back, headroom, rounded size and tailroom apart.
    public func superPacket(at index: Int) -> UInt32 {
        precondition(index >= 0 && index < count)
        // SAFETY: below `count`.
        return unsafe entries[index].superPacket
    }

    /// The packets from `index` on that are of the same super-packet.
    public func run(from index: Int) -> Range<Int> {
        let number = superPacket(at: index)
        var end = index &+ 1
        // SAFETY: below `count`.
        while unsafe end < count && entries[end].superPacket == number { end &+= 1 }
        return index..<end
    }

    /// Appends a run; there is room for it.
    @inline(__always)
    mutating func append(_ run: PacketRing.Run, superPacket: UInt32, at start: UnsafeMutableRawPointer) {
        var start = unsafe start
        for i in 0..<run.count {
            // SAFETY: the caller asked for at most `capacity - count` packets.
            unsafe (entries + (count &+ i)).initialize(
                to: Entry(
                    start: start, sequence: run.sequence &+ i,
                    count: UInt32(truncatingIfNeeded: i == run.count &- 1 ? run.lastSize : run.size), superPacket: superPacket))
            unsafe start += run.stride
        }
        count &+= run.count
        byteCount &+= (run.count &- 1) &* run.size &+ run.lastSize
    }
}
