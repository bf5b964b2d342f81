internal import NetworkTypes

/// How a session's rings are laid out and how it moves packets.
public struct SessionOptions: Hashable, Sendable {
    /// The capacities that a ring may have: powers of two from here …
    public static let minimumCapacity = 0x2_0000
    /// … to here.
    public static let maximumCapacity = 0x400_0000

    /// Bytes of each of the two rings, a power of two from ``minimumCapacity`` to ``maximumCapacity``.
    ///
    /// The default of 4 MiB holds a burst of 64 super-packets of 64 KiB, a few milliseconds at 10 Gb/s, which is how long a busy
    /// system keeps a thread waiting; with 1 MiB that wait loses packets. It costs address space only: a ring that its user
    /// keeps up with starts again at its beginning, and never touches more memory than one burst needs.
    public var capacity = 0x40_0000

    /// Bytes before every packet that belong to the packet's holder, for example for an encapsulation's header.
    public var headroom = 0

    /// Bytes behind every packet and its padding that belong to the packet's holder, for example for an authentication tag.
    public var tailroom = 0

    /// A packet's bytes in the ring are rounded up to a multiple of this power of two (at most 64); the padding belongs to the
    /// packet's holder.
    ///
    /// A slot has ``headroom`` + the rounded size + ``tailroom`` bytes, and the packets of one super-packet lie back to back in such slots:
    /// with 16, 16 and 16 a run of packets can be encrypted in place into a run of datagrams without gaps.
    public var payloadAlignment = 16

    /// Whether the kernel may hand over, and take, super-packets (segmentation offload). The packets in the rings are the same.
    public var offload = true

    /// How long a wait watches for a packet, giving way to other threads, before it sleeps. Zero is best on shared processors.
    public var spinMicroseconds: UInt32 = 0

    /// The defaults, which suit everybody who doesn't encapsulate.
    public init() {}

    /// The defaults with another ring capacity and perhaps room around the packets.
    public init(capacity: Int = 0x40_0000, headroom: Int = 0, tailroom: Int = 0, offload: Bool = true) {
        self.capacity = capacity
        self.headroom = headroom
        self.tailroom = tailroom
        self.offload = offload
    }

    /// The largest packet.
    static let maximumPacketSize = 0xffff
    private static let maximumRoom = 4096
    private static let maximumAlignment = 64

    /// Checks the limits.
    func validate() throws(AdapterError) {
        guard capacity >= Self.minimumCapacity, capacity <= Self.maximumCapacity, capacity.nonzeroBitCount == 1 else {
            throw AdapterError(
                .invalidParameter, "a ring capacity of \(capacity) bytes", remedy: "use a power of two from 0x20000 to 0x4000000")
        }
        guard (0...Self.maximumRoom).contains(headroom), (0...Self.maximumRoom).contains(tailroom) else {
            throw AdapterError(
                .invalidParameter, "headroom \(headroom), tailroom \(tailroom)", remedy: "use 0 to \(Self.maximumRoom) bytes")
        }
        guard (1...Self.maximumAlignment).contains(payloadAlignment), payloadAlignment.nonzeroBitCount == 1 else {
            throw AdapterError(
                .invalidParameter, "a payload alignment of \(payloadAlignment)",
                remedy: "use a power of two from 1 to \(Self.maximumAlignment)")
        }
    }
}
