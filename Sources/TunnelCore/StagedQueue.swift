/// Packets that wait for a session, oldest first; the oldest gives way when there are too many.
///
/// It allocates for each packet, but only while a handshake is under way.
struct StagedQueue {
    /// As many packets as other implementations let wait for one peer.
    static let maximumPackets = 128
    /// And as many bytes, so that large interface MTUs don't make a peer expensive: 128 packets of 2 KiB.
    static let maximumBytes = 256 << 10

    private var packets: [[UInt8]] = []
    private var bytes = 0

    /// No packet is empty. Asked for every packet that is sent, so it is a number that lies in the peer's own memory.
    @inline(__always)
    var isEmpty: Bool { bytes == 0 }
    var count: Int { packets.count }
    /// The oldest packet.
    var first: [UInt8]? { packets.first }

    /// Copies a packet to the end.
    /// - Returns: how many of the oldest were dropped for it.
    mutating func append(_ packet: UnsafeRawBufferPointer) -> Int {
        var dropped = 0
        while !packets.isEmpty, packets.count >= Self.maximumPackets || bytes + packet.count > Self.maximumBytes {
            bytes -= packets.removeFirst().count
            dropped += 1
        }
        unsafe packets.append([UInt8](packet))
        bytes += packet.count
        return dropped
    }

    mutating func popFirst() -> [UInt8]? {
        guard !packets.isEmpty else { return nil }
        let first = packets.removeFirst()
        bytes -= first.count
        if packets.isEmpty { packets = [] }
        return first
    }

    mutating func removeAll() {
        packets = []
        bytes = 0
    }
}
