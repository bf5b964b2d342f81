import NetworkTypes
import PacketCapture
import Testing

struct OuterPacketTests {
    @Test func `a datagram over IPv4 gets its headers, byte by byte`() throws {
        let packet = OuterPacket.bytes(
            from: try endpoint("192.0.2.1:51820"), to: try endpoint("198.51.100.7:443"), trafficClass: 0x88, payload: [1, 2, 3])
        // Header sum: 4588+001f+0000+0000+4011+c000+0201+c633+6407 = 271f3 -> 71f5, complement 8e0a.
        // UDP sum: c000+0201+c633+6407+0011+000b + ca6c+01bb+000b+0102+0300 = 2bc8b -> bc8d, complement 4372.
        #expect(
            packet == [
                0x45, 0x88, 0, 31, 0, 0, 0, 0, 64, 17, 0x8e, 0x0a, 192, 0, 2, 1, 198, 51, 100, 7, 0xca, 0x6c, 0x01, 0xbb, 0, 11, 0x43, 0x72,
                1, 2, 3,
            ])
    }

    @Test func `a datagram over IPv6 gets its headers, and its traffic class over two bytes`() throws {
        let packet = OuterPacket.bytes(
            from: try endpoint("[2001:db8::1]:1"), to: try endpoint("[2001:db8::2]:2"), trafficClass: 0x8a, payload: [0xff, 0xff])
        // Sum: 2*(2001+0db8)+1+2 + 0a+11 + 1+2+a + ffff = 5b9d (carried around), complement a462.
        #expect(
            packet == [0x68, 0xa0, 0, 0, 0, 10, 17, 64]
                + [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
                + [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]
                + [0, 1, 0, 2, 0, 10, 0xa4, 0x62, 0xff, 0xff])
    }

    @Test func `both checksums hold for payloads of every small size`() throws {
        for count in 0..<70 {
            for (from, to) in [("192.0.2.1:51820", "198.51.100.7:443"), ("[2001:db8::1]:51820", "[2001:db8::2]:9")] {
                let payload = (0..<count).map { UInt8(truncatingIfNeeded: 37 &* $0 &+ count) }
                let packet = OuterPacket.bytes(from: try endpoint(from), to: try endpoint(to), trafficClass: 2, payload: payload)
                let header = try #require(unsafe packet.withUnsafeBytes { unsafe IPPacketHeader($0) })
                #expect(header.totalLength == packet.count && header.trafficClass == 2 && header.protocolNumber == 17)
                if !header.isIPv6 { #expect(sum(packet[..<20]) == 0xffff) }
                let addresses = header.isIPv6 ? packet[8..<40] : packet[12..<20]
                let udp = packet[header.headerLength...]
                #expect(sum(addresses + [0, 17, 0, UInt8(udp.count)] + udp) == 0xffff)
                #expect(udp.dropFirst(8).elementsEqual(payload))
            }
        }
    }

    @Test func `a source that isn't known is unspecified, in the destination's family`() throws {
        let unknown = Endpoint(address: .v6(.unspecified), port: 7)
        let packet = OuterPacket.bytes(from: unknown, to: try endpoint("198.51.100.7:443"), trafficClass: 0, payload: [])
        #expect(packet.count == 28 && packet[12..<16].elementsEqual([0, 0, 0, 0]) && packet[21] == 7)
    }

    /// The naive sum of big-endian words, with the carries taken around.
    private func sum(_ bytes: some Collection<UInt8>) -> Int {
        var sum = 0
        for (offset, byte) in bytes.enumerated() { sum += offset.isMultiple(of: 2) ? Int(byte) << 8 : Int(byte) }
        while sum > 0xffff { sum = (sum & 0xffff) + sum >> 16 }
        return sum
    }

    private func endpoint(_ text: String) throws -> Endpoint { try #require(Endpoint(text)) }
}
