/// An ICMP or ICMPv6 echo request (RFC 792, RFC 4443), found in an IP packet.
struct EchoRequest {
    /// Where the source address is; the destination's comes next.
    private let addressOffset: Int
    private let addressCount: Int
    private let messageOffset: Int
    private let replyType: UInt8
    /// What is added to the checksum, because the type changed (RFC 1624).
    private let checksumChange: UInt16

    /// Nil for every other packet, and for fragments.
    init?(_ packet: RawSpan) {
        switch packet.byteCount >= 28 ? packet.byte(0) >> 4 : 0 {
        case 4:
            let header = Int(packet.byte(0) & 0xf) * 4
            let isFragment = packet.byte(6) & 0x3f != 0 || packet.byte(7) != 0
            guard packet.byte(9) == 1, !isFragment, packet.byteCount >= header + 8, packet.byte(header) == 8 else { return nil }
            // The type was 8 and is 0: the checksum grows by 0x0800.
            (addressOffset, addressCount, messageOffset, replyType, checksumChange) = (12, 4, header, 0, 0x0800)
        case 6:
            guard packet.byteCount >= 48, packet.byte(6) == 58, packet.byte(40) == 128 else { return nil }
            // The type was 128 and is 129: the checksum shrinks by 0x0100, in ones' complement.
            (addressOffset, addressCount, messageOffset, replyType, checksumChange) = (8, 16, 40, 129, ~0x0100)
        default:
            return nil
        }
    }

    /// Writes the reply to `packet`, which has the same size.
    func answer(_ packet: RawSpan, into reply: inout MutableRawSpan) {
        // SAFETY: the copy checks that it has room.
        unsafe reply.withUnsafeMutableBytes { to in unsafe packet.withUnsafeBytes { unsafe to.copyMemory(from: $0) } }
        for i in 0..<addressCount {
            reply.storeBytes(of: packet.byte(addressOffset + addressCount + i), toByteOffset: addressOffset + i, as: UInt8.self)
            reply.storeBytes(of: packet.byte(addressOffset + i), toByteOffset: addressOffset + addressCount + i, as: UInt8.self)
        }
        reply.storeBytes(of: replyType, toByteOffset: messageOffset, as: UInt8.self)
        let checksum = UInt16(packet.byte(messageOffset + 2)) << 8 | UInt16(packet.byte(messageOffset + 3))
        let (sum, carries) = checksum.addingReportingOverflow(checksumChange)
        let folded = carries ? sum &+ 1 : sum
        reply.storeBytes(of: folded.bigEndian, toByteOffset: messageOffset + 2, as: UInt16.self)
    }
}

extension RawSpan {
    /// The byte at `offset`, which must be below the count.
    func byte(_ offset: Int) -> UInt8 {
        // SAFETY: the load checks its bounds, and every pattern of bits is a UInt8.
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }
}
