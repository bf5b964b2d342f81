import NetworkTypes
import Testing

@Suite struct FlowHashTests {
    private func hash(_ packet: [UInt8]) -> UInt64? {
        unsafe packet.withUnsafeBytes { unsafe FlowHash.of($0) }
    }

    private func ipv4(protocolNumber: UInt8, ports: [UInt8] = [0, 1, 0, 2], fragment: UInt16 = 0x4000) -> [UInt8] {
        [0x45, 0, 0, 28, 0, 0, UInt8(fragment >> 8), UInt8(fragment & 255), 64, protocolNumber, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2] + ports
            + [0, 8, 0, 0]
    }

    private func ipv6(nextHeader: UInt8, ports: [UInt8] = [0, 1, 0, 2]) -> [UInt8] {
        [0x60, 0, 0, 0, 0, 8, nextHeader, 64] + [UInt8](1...32) + ports + [0, 8, 0, 0]
    }

    @Test func `ports and protocol tell flows apart`() throws {
        for packets in [
            [ipv4(protocolNumber: 6), ipv4(protocolNumber: 17), ipv4(protocolNumber: 17, ports: [0, 1, 0, 3]), ipv4(protocolNumber: 1)],
            [ipv6(nextHeader: 6), ipv6(nextHeader: 17), ipv6(nextHeader: 17, ports: [0, 1, 0, 3]), ipv6(nextHeader: 58)],
        ] {
            let hashes = try packets.map { try #require(hash($0)) }
            #expect(Set(hashes).count == hashes.count)
        }
    }

    @Test func `what is no part of the flow changes nothing`() {
        var other = ipv4(protocolNumber: 17)
        other[8] = 63
        other[26] = 77
        #expect(hash(other) == hash(ipv4(protocolNumber: 17)))
        // An echo's identifier is no port.
        #expect(hash(ipv4(protocolNumber: 1)) == hash(ipv4(protocolNumber: 1, ports: [8, 0, 9, 9])))
    }

    @Test func `fragments, unknown protocols and short packets have no flow`() {
        #expect(hash(ipv4(protocolNumber: 17, fragment: 0x2000)) == nil)
        #expect(hash(ipv4(protocolNumber: 17, fragment: 0x0001)) == nil)
        #expect(hash(ipv4(protocolNumber: 50)) == nil)
        #expect(hash(ipv6(nextHeader: 44)) == nil)
        #expect(hash(Array(ipv4(protocolNumber: 17).prefix(22))) == nil)
        #expect(hash(Array(ipv6(nextHeader: 17).prefix(30))) == nil)
        #expect(hash([]) == nil)
    }
}
