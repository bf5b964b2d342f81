/// A number that tells flows apart: of the addresses, the protocol and the ports of a TCP or UDP packet.
///
/// Packets of one flow have the same; two flows may have the same by chance, so whoever must be sure compares the headers.
/// Inlined where a packet's headers are looked at anyway.
public enum FlowHash {
    /// The addresses' part, of an IPv4 header of at least 20 bytes.
    @inlinable @inline(__always)
    public static func addresses(ipv4 header: UnsafeRawPointer) -> UInt64 {
        // SAFETY: the addresses are bytes 12 to 19.
        unsafe header.loadUnaligned(fromByteOffset: 12, as: UInt64.self)
    }

    /// The addresses' part, of an IPv6 header of at least 40 bytes.
    @inlinable @inline(__always)
    public static func addresses(ipv6 header: UnsafeRawPointer) -> UInt64 {
        // SAFETY: the addresses are bytes 8 to 39.
        var hash = unsafe header.loadUnaligned(fromByteOffset: 8, as: UInt64.self) &* 0x9e37_79b9_7f4a_7c15
        hash = unsafe (hash ^ hash >> 29 ^ header.loadUnaligned(fromByteOffset: 16, as: UInt64.self)) &* 0xbf58_476d_1ce4_e5b9
        hash = unsafe (hash ^ hash >> 31 ^ header.loadUnaligned(fromByteOffset: 24, as: UInt64.self)) &* 0x94d0_49bb_1331_11eb
        return unsafe hash ^ hash >> 30 ^ header.loadUnaligned(fromByteOffset: 32, as: UInt64.self)
    }

    /// The whole: with the protocol's number, and both ports as they lie in memory (0 where there are none).
    @inlinable @inline(__always)
    public static func combined(_ addresses: UInt64, protocolNumber: UInt8, ports: UInt32) -> UInt64 {
        (addresses ^ addresses >> 32) &* 0x9e37_79b9_7f4a_7c15 ^ UInt64(ports) &* 0xc2b2_ae3d_27d4_eb4f ^ UInt64(protocolNumber)
    }

    /// The hash of a packet; nil for one whose flow can't be told: a fragment, or a header that may stand before TCP or UDP.
    public static func of(_ packet: UnsafeRawBufferPointer) -> UInt64? {
        guard let start = packet.baseAddress, packet.count >= IPPacketHeader.ipv4MinimumLength else { return nil }
        // SAFETY: every load below is within the count checked before it.
        let first = unsafe start.load(as: UInt8.self)
        let addresses: UInt64
        let number: UInt8
        let transport: Int
        if first >> 4 == 4 {
            let fragment = unsafe UInt16(bigEndian: start.loadUnaligned(fromByteOffset: 6, as: UInt16.self))
            guard fragment & 0x3fff == 0 else { return nil }
            (number, transport) = unsafe (start.load(fromByteOffset: 9, as: UInt8.self), Int(first & 15) &* 4)
            addresses = unsafe Self.addresses(ipv4: start)
        } else {
            guard first >> 4 == 6, packet.count >= IPPacketHeader.ipv6Length else { return nil }
            (number, transport) = unsafe (start.load(fromByteOffset: 6, as: UInt8.self), IPPacketHeader.ipv6Length)
            addresses = unsafe Self.addresses(ipv6: start)
        }
        switch number {
        case 6, 17:
            guard packet.count >= transport &+ 4 else { return nil }
            let ports = unsafe start.loadUnaligned(fromByteOffset: transport, as: UInt32.self)
            return combined(addresses, protocolNumber: number, ports: ports)
        case 1, 58, 59:
            return combined(addresses, protocolNumber: number, ports: 0)
        default:
            return nil
        }
    }
}
