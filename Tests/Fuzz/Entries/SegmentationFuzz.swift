@testable import LinuxSystem
@testable import TunAdapter

/// Super-packets from the kernel: whatever the headers say, what is cut out of one is no larger than it, and its payload is the same.
enum SegmentationFuzz {
    /// - Parameter bytes: a virtio header and a packet.
    static func run(_ bytes: [UInt8]) {
        let packets = MemoryAdapter.packets(of: bytes)
        let payload = bytes.count - VirtioNetHeader.size
        precondition(packets.count <= max(1, payload))
        for packet in packets { precondition(packet.count <= min(payload, 65535)) }
        guard packets.count > 1, let first = packets.first else { return }
        // Headers that every segment repeats, and then the payload in order.
        let header = first.count - Int(bytes[4]) - Int(bytes[5]) << 8
        precondition(header > 0 && packets.dropLast().allSatisfy { $0.count == first.count })
        precondition(packets.flatMap { $0.dropFirst(header) } == Array(bytes.dropFirst(VirtioNetHeader.size + header)))
        // Where the header says UDP and the packet TCP, no checksum is right.
        let network = bytes[VirtioNetHeader.size] >> 4 == 6 ? 6 : 9
        guard bytes[VirtioNetHeader.size + network] == (bytes[1] & 0x7f == 5 ? 17 : 6) else { return }
        for packet in packets { precondition(NaiveChecksum.hasValidChecksum(packet), "\(packet)") }
    }
}

/// Checksums as one would compute them by hand.
enum NaiveChecksum {
    static func sum(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for i in stride(from: 0, to: bytes.count, by: 2) {
            sum += UInt32(bytes[i]) << 8 | UInt32(i + 1 < bytes.count ? bytes[i + 1] : 0)
            sum = (sum & 0xffff) + sum >> 16
        }
        return UInt16(sum)
    }

    private static func transport(_ packet: [UInt8]) -> (start: Int, field: Int, pseudo: [UInt8])? {
        let isIPv6 = packet[0] >> 4 == 6
        guard packet.count >= (isIPv6 ? 40 : 20) else { return nil }
        let start = isIPv6 ? 40 : Int(packet[0] & 15) * 4
        let kind = isIPv6 ? packet[6] : packet[9]
        let field = start + (kind == 6 ? 16 : 6)
        guard kind == 6 || kind == 17, packet.count >= field + 2 else { return nil }
        let count = packet.count - start
        return (
            start, field,
            Array(isIPv6 ? packet[8..<40] : packet[12..<20]) + [0, kind, UInt8(count >> 8), UInt8(count & 255)]
        )
    }

    /// Whether a TCP or UDP packet's own checksum is right; true for anything else.
    static func hasValidChecksum(_ packet: [UInt8]) -> Bool {
        guard let (start, _, pseudo) = transport(packet) else { return true }
        return sum(pseudo + packet[start...]) == 0xffff
    }
    /// Puts the right checksum into a TCP or UDP packet.
    static func complete(_ packet: inout [UInt8]) {
        guard let (start, field, pseudo) = transport(packet) else { return }
        (packet[field], packet[field + 1]) = (0, 0)
        var checksum = ~sum(pseudo + packet[start...])
        if checksum == 0 && field == start + 6 { checksum = 0xffff }
        (packet[field], packet[field + 1]) = (UInt8(checksum >> 8), UInt8(checksum & 255))
    }
}
