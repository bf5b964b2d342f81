internal import CLinuxShims
public import NetworkTypes

/// Sees the UDP datagrams to one port that arrive on any interface, before filters and reverse path checks drop them. Needs CAP_NET_RAW.
/// Source: packet(7).
public struct ArrivalTap: ~Copyable {
    /// A datagram that arrived.
    public struct Arrival: Hashable, Sendable {
        /// The index of the interface.
        public var interface: UInt32
        /// Its outer source address; ports aren't told apart.
        public var sender: IPAddress
    }

    private let descriptor: FileDescriptor

    /// - Throws: EPERM without the privilege.
    public init(port: UInt16) throws(SystemError) {
        let number = clinux_open_arrival_tap(port)
        guard number >= 0 else { throw SystemError(operation: "socket", subject: "AF_PACKET") }
        descriptor = FileDescriptor(owning: number)
    }

    /// The next one, without waiting; nil when none waits.
    public func next() -> Arrival? {
        while true {
            var arrival = clinux_arrival()
            guard unsafe clinux_next_arrival(descriptor.rawValue, &arrival) == 1 else { return nil }
            let count = min(Int(arrival.count), 64)
            // SAFETY: `count` bytes of the array have been filled, and the header is copied out of them.
            let sender = unsafe withUnsafeBytes(of: &arrival.packet) { bytes in
                unsafe IPPacketHeader.source(of: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            }
            if let sender { return Arrival(interface: UInt32(bitPattern: arrival.interface_index), sender: sender) }
        }
    }
}

extension IPPacketHeader {
    /// The source address of a packet of which there may be only the beginning.
    static func source(of bytes: UnsafeRawBufferPointer) -> IPAddress? {
        guard let first = unsafe bytes.first, let base = bytes.baseAddress else { return nil }
        // SAFETY: the addresses lie in the fixed headers of 20 and 40 bytes.
        switch first >> 4 {
        case 4 where bytes.count >= 20: return unsafe .v4(IPv4Address(bytes: base + 12))
        case 6 where bytes.count >= 40: return unsafe .v6(IPv6Address(bytes: base + 8))
        default: return nil
        }
    }
}
