public import NetworkTypes
public import WireGuardCrypto

/// One packet or message that was not forwarded: who sent it to whom, never what was in it.
public struct DropExample: Hashable, Sendable {
    /// Why it was dropped.
    public var reason: DropReason
    /// When, on the tunnel's monotonic clock.
    public var time: Instant
    /// The peer that it was for or from, where that is known.
    public var peer: PublicKey?
    /// Where the datagram came from; nil for a packet from the interface.
    public var sender: Endpoint?
    /// The inner packet's addresses, where it could be read.
    public var packet: PacketAddresses?
}

/// The addresses and ports of an IP packet.
public struct PacketAddresses: Hashable, Sendable {
    /// Where it comes from.
    public var source: IPAddress
    /// Where it is to go.
    public var destination: IPAddress
    /// The IPv4 protocol, or IPv6's first next header.
    public var protocolNumber: UInt8
    /// The ports of TCP and UDP; nil for anything else and for later fragments.
    public var ports: Ports?

    /// The ports of a TCP or UDP packet.
    public struct Ports: Hashable, Sendable {
        /// The sender's.
        public var source: UInt16
        /// The receiver's.
        public var destination: UInt16
    }

    /// The addresses of a packet; nil if it is none.
    public init?(_ packet: UnsafeRawBufferPointer) {
        guard let header = unsafe IPPacketHeader(packet) else { return nil }
        unsafe self.init(header, packet)
    }

    /// The addresses of a packet of which only the beginning is at hand; nil if it is none.
    public init?(beginning packet: UnsafeRawBufferPointer) {
        guard let header = unsafe IPPacketHeader(beginning: packet) else { return nil }
        unsafe self.init(header, packet)
    }

    private init(_ header: IPPacketHeader, _ packet: UnsafeRawBufferPointer) {
        source = header.source
        destination = header.destination
        protocolNumber = header.protocolNumber
        // A later IPv4 fragment has other bytes where the ports would be.
        let isLaterFragment =
            unsafe !header.isIPv6 && UInt16(bigEndian: packet.loadUnaligned(fromByteOffset: 6, as: UInt16.self)) & 0x1fff != 0
        guard protocolNumber == 6 || protocolNumber == 17, !isLaterFragment,
            min(header.totalLength, packet.count) >= header.headerLength + 4
        else {
            return
        }
        let start = header.headerLength
        ports = unsafe Ports(
            source: UInt16(bigEndian: packet.loadUnaligned(fromByteOffset: start, as: UInt16.self)),
            destination: UInt16(bigEndian: packet.loadUnaligned(fromByteOffset: start + 2, as: UInt16.self)))
    }
}

/// The last example of each reason. Flat memory, so that noting one costs no reference count.
struct DropExamples {
    private var examples = InlineArray<32, DropExample?>(repeating: nil)

    init() {
        precondition(DropReason.allCases.count == examples.count)
    }

    /// Whether there is none yet from this turn: one a turn is enough, however many packets are dropped.
    @inline(__always)
    func wants(_ reason: DropReason, at now: Instant) -> Bool {
        examples[reason.rawValue]?.time != now
    }

    mutating func keep(_ example: DropExample) {
        examples[example.reason.rawValue] = example
    }

    var all: [DropExample] {
        var all: [DropExample] = []
        for index in examples.indices {
            if let example = examples[index] { all.append(example) }
        }
        return all
    }
}
