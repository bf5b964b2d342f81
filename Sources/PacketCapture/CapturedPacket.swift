/// A packet as a capture shows it.
public struct CapturedPacket: Hashable, Sendable {
    /// Where it was seen. The raw values are the numbers of the capture's interfaces.
    public enum Side: UInt32, CaseIterable, Sendable {
        /// Between the programs and the tunnel: plain IP packets.
        case inner = 0
        /// Between the tunnel and the network: datagrams, with IP and UDP headers in front.
        case outer = 1
    }

    /// Which way it went.
    public enum Direction: UInt32, Sendable {
        /// From the network to the programs.
        case inbound = 1
        /// From the programs to the network.
        case outbound = 2
    }

    /// Where it was seen.
    public var side: Side
    /// Which way it went.
    public var direction: Direction
    /// When, in nanoseconds of the Unix epoch.
    public var unixNanoseconds: UInt64
    /// The packet from its IP header on, or its beginning.
    public var bytes: [UInt8]
    /// Bytes of the whole packet.
    public var originalCount: Int
    /// The same for a packet and the datagram that carried it, and for nothing else; nil: unknown.
    public var identity: UInt64?
    /// What the tunnel did with it, in the words of a trace.
    public var comment: String

    /// A packet, whole unless `originalCount` says otherwise.
    public init(
        _ side: Side, _ direction: Direction, unixNanoseconds: UInt64, bytes: [UInt8], originalCount: Int? = nil,
        identity: UInt64? = nil, comment: String = ""
    ) {
        self.side = side
        self.direction = direction
        self.unixNanoseconds = unixNanoseconds
        self.bytes = bytes
        self.originalCount = originalCount ?? bytes.count
        self.identity = identity
        self.comment = comment
    }
}
