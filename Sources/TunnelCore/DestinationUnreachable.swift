internal import NetworkTypes

/// Writes the ICMP or ICMPv6 "destination unreachable" that answers an inner packet no peer takes, so that programs learn at
/// once instead of timing out.
///
/// Its source is the packet's own destination: the tunnel has no address of its own at this layer, and this one passes the
/// reverse path filter of the interface it is sent into. Source: RFC 792, RFC 1122 section 3.2.2, RFC 4443 section 2.4 and 3.1.
public enum DestinationUnreachable {
    /// The most bytes ``write(answering:to:)`` writes: an IPv6 error is at most the minimum MTU (RFC 4443 section 2.4 c).
    public static let maximumSize = 1280
    /// An IPv4 error stays within the datagram size that every host takes (RFC 1812 section 4.3.2.3).
    static let maximumSizeV4 = 576

    private static let icmp: UInt8 = 1
    private static let icmpV6: UInt8 = 58

    /// Writes the answer to a packet.
    /// - Parameters:
    ///   - packet: whole, and well-formed IP.
    ///   - answer: room for ``maximumSize`` bytes.
    /// - Returns: the answer's size; 0 if the packet must not be answered: an ICMP error itself, a later fragment, or one to or
    ///   from a multicast or unspecified address.
    public static func write(answering packet: UnsafeRawBufferPointer, to answer: UnsafeMutableRawBufferPointer) -> Int {
        guard packet.count >= 20, answer.count >= maximumSize else { return 0 }
        return unsafe packet[0] >> 4 == 4 ? writeV4(packet, answer) : writeV6(packet, answer)
    }

    private static func writeV4(_ packet: UnsafeRawBufferPointer, _ answer: UnsafeMutableRawBufferPointer) -> Int {
        // SAFETY: the caller's packet is well-formed, so its header is inside; every index into `answer` is below maximumSize.
        let headerSize = unsafe Int(packet[0] & 15) * 4
        guard packet.count >= headerSize else { return 0 }
        let source = unsafe IPv4Address(bytes: packet.baseAddress! + 12)
        let destination = unsafe IPv4Address(bytes: packet.baseAddress! + 16)
        let isLaterFragment = unsafe (UInt16(packet[6]) << 8 | UInt16(packet[7])) & 0x1fff != 0
        guard !isLaterFragment, answerable(.v4(source), .v4(destination)) else { return 0 }
        if unsafe packet[9] == icmp {
            // Echo and the like may be answered; errors (3, 4, 5, 11, 12) may not.
            guard packet.count > headerSize else { return 0 }
            let type = unsafe packet[headerSize]
            guard type == 8 || type == 0 || type == 13 || type == 14 else { return 0 }
        }
        let quoted = min(packet.count, maximumSizeV4 - 28)
        let size = 28 + quoted
        unsafe zero(answer, 28)
        unsafe answer[0] = 0x45
        unsafe put16(UInt16(size), answer, 2)
        unsafe answer[8] = 64
        unsafe answer[9] = icmp
        unsafe destination.write(to: answer.baseAddress! + 12)
        unsafe source.write(to: answer.baseAddress! + 16)
        unsafe put16(checksum(answer, 0, 20, 0), answer, 10)
        unsafe answer[20] = 3  // destination unreachable
        unsafe answer[21] = 1  // host
        unsafe (answer.baseAddress! + 28).copyMemory(from: packet.baseAddress!, byteCount: quoted)
        unsafe put16(checksum(answer, 20, size, 0), answer, 22)
        return size
    }

    private static func writeV6(_ packet: UnsafeRawBufferPointer, _ answer: UnsafeMutableRawBufferPointer) -> Int {
        guard packet.count >= 40 else { return 0 }
        // SAFETY: as above.
        let source = unsafe IPv6Address(bytes: packet.baseAddress! + 8)
        let destination = unsafe IPv6Address(bytes: packet.baseAddress! + 24)
        guard answerable(.v6(source), .v6(destination)) else { return 0 }
        if unsafe packet[6] == icmpV6 {
            // ICMPv6 errors are types below 128.
            guard packet.count > 40, unsafe packet[40] >= 128 else { return 0 }
        }
        let quoted = min(packet.count, maximumSize - 48)
        let size = 48 + quoted
        unsafe zero(answer, 48)
        unsafe answer[0] = 0x60
        unsafe put16(UInt16(8 + quoted), answer, 4)
        unsafe answer[6] = icmpV6
        unsafe answer[7] = 64
        unsafe destination.write(to: answer.baseAddress! + 8)
        unsafe source.write(to: answer.baseAddress! + 24)
        unsafe answer[40] = 1  // destination unreachable
        unsafe answer[41] = 3  // address
        unsafe (answer.baseAddress! + 48).copyMemory(from: packet.baseAddress!, byteCount: quoted)
        // The pseudo-header: both addresses, the length and the next header.
        let pseudo = unsafe sum(answer, 8, 40) + UInt32(8 + quoted) + UInt32(icmpV6)
        unsafe put16(checksum(answer, 40, size, pseudo), answer, 42)
        return size
    }

    private static func answerable(_ source: IPAddress, _ destination: IPAddress) -> Bool {
        !source.isMulticast && !source.isUnspecified && !destination.isMulticast && destination != .v4(IPv4Address(rawValue: .max))
    }

    private static func zero(_ buffer: UnsafeMutableRawBufferPointer, _ count: Int) {
        for i in 0..<count { unsafe buffer[i] = 0 }
    }

    private static func put16(_ value: UInt16, _ buffer: UnsafeMutableRawBufferPointer, _ at: Int) {
        unsafe buffer[at] = UInt8(value >> 8)
        unsafe buffer[at + 1] = UInt8(value & 0xff)
    }

    /// The plain sum of the 16-bit words; at most 640 of them, so 32 bits are wide enough.
    private static func sum(_ buffer: UnsafeMutableRawBufferPointer, _ from: Int, _ to: Int) -> UInt32 {
        var total: UInt32 = 0
        for i in from..<to {
            total += unsafe (i - from) & 1 == 0 ? UInt32(buffer[i]) << 8 : UInt32(buffer[i])
        }
        return total
    }

    private static func checksum(_ buffer: UnsafeMutableRawBufferPointer, _ from: Int, _ to: Int, _ initial: UInt32) -> UInt16 {
        var total = unsafe initial + sum(buffer, from, to)
        while total > 0xffff { total = (total & 0xffff) + (total >> 16) }
        return ~UInt16(total)
    }
}
