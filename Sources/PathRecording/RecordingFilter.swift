public import NetworkTypes
public import TunnelCore
public import WireGuardCrypto

/// Which packets are recorded: those that meet all of its conditions. Flat memory, because every packet is held against it.
///
/// Conditions on inner packets (addresses, ports, protocol) are met by no datagram whose inside was not seen.
public struct RecordingFilter: Sendable {
    /// Where an address condition looks.
    public enum End: UInt8, Sendable, Hashable {
        /// Where it says either, one end is enough.
        case source, destination, either
    }

    /// A prefix that an address has to be in.
    public struct AddressCondition: Sendable, Hashable {
        public var end: End
        public var prefix: IPPrefix
    }

    /// The beginning of a peer's key.
    public struct PeerCondition: Sendable {
        /// The key, with zeros after the beginning.
        public var key: PublicKey
        /// Bits that count.
        public var bits: Int
    }

    /// The most address conditions, and the most ports.
    public static let limit = 4

    /// Conditions on inner addresses.
    public internal(set) var addresses = InlineArray<4, AddressCondition?>(repeating: nil)
    /// Ports, each of which one of the two ends must have.
    public internal(set) var ports = InlineArray<4, UInt16?>(repeating: nil)
    /// Inner protocols, one of which it must be; none: any.
    public internal(set) var protocols = InlineArray<4, UInt8?>(repeating: nil)
    /// A prefix that the other end's address must be in.
    public internal(set) var remote: IPPrefix?
    /// Whose they must be; nil: anybody's, and nobody's.
    public internal(set) var peer: PeerCondition?
    /// Only one way.
    public internal(set) var direction: PathDirection?
    /// Only what is dropped.
    public internal(set) var dropsOnly = false
    /// Only handshake messages.
    public internal(set) var handshakesOnly = false
    /// One in so many of those that meet all conditions; 1: all.
    public internal(set) var sampling: UInt32 = 1

    /// Every packet.
    public init() {}

    /// What ICMP says to and from an address: `icmp ADDRESS`.
    public init(icmp address: IPAddress) {
        addresses[0] = AddressCondition(end: .either, prefix: IPPrefix(address))
        protocols[0] = 1
        protocols[1] = 58
    }

    /// Whether any condition is on what is inside.
    public var looksInside: Bool {
        addresses[0] != nil || ports[0] != nil || protocols[0] != nil
    }

    /// Whether what is inside meets the conditions on it.
    /// - Parameter packet: its addresses; nil if there is none, or none was seen.
    @inlinable
    public func admits(inside packet: PacketAddresses?) -> Bool {
        guard let packet else { return !looksInside }
        for index in addresses.indices {
            guard let condition = addresses[index] else { break }
            let meets =
                switch condition.end {
                case .source: condition.prefix.contains(packet.source)
                case .destination: condition.prefix.contains(packet.destination)
                case .either: condition.prefix.contains(packet.source) || condition.prefix.contains(packet.destination)
                }
            if !meets { return false }
        }
        for index in ports.indices {
            guard let port = ports[index] else { break }
            guard let found = packet.ports, found.source == port || found.destination == port else { return false }
        }
        if protocols[0] != nil {
            var isAmong = false
            for index in protocols.indices where protocols[index] == packet.protocolNumber { isAmong = true }
            if !isAmong { return false }
        }
        return true
    }

    /// Whether the other conditions are met.
    @inlinable
    public func admits(_ notes: PacketNotes) -> Bool {
        if let direction, notes.direction != direction { return false }
        if dropsOnly, notes.fate != .dropped, notes.errno == 0 { return false }
        if handshakesOnly, notes.kind == .data || notes.kind == .keepalive || notes.kind == .unknown { return false }
        if let remote {
            guard let endpoint = notes.remote, remote.contains(endpoint.address) else { return false }
        }
        if let peer {
            guard let key = notes.peer, peer.matches(key) else { return false }
        }
        return true
    }

    /// Whether a record meets all conditions but ``sampling``.
    public func admits(_ record: PacketRecord) -> Bool {
        admits(record.notes) && admits(inside: record.addresses)
    }
}

extension RecordingFilter.PeerCondition {
    /// Whether a key begins like this.
    @inlinable
    public func matches(_ other: PublicKey) -> Bool {
        let bits = bits
        return unsafe key.withUnsafeBytes { beginning in
            unsafe other.withUnsafeBytes { other in
                for index in 0..<(bits / 8) {
                    if unsafe beginning[index] != other[index] { return false }
                }
                guard bits % 8 != 0 else { return true }
                return unsafe (beginning[bits / 8] ^ other[bits / 8]) >> UInt8(8 - bits % 8) == 0
            }
        }
    }
}
