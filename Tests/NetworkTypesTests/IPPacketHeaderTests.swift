import NetworkTypes
import Testing

@Suite struct IPPacketHeaderTests {
    static let ipv4: [UInt8] = [
        0x45, 0xb9, 0x00, 0x1c, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0x00, 0x00, 0x0a, 0x4d, 0x00, 0x01, 0x0a, 0x4d, 0x00, 0x02,
        1, 2, 3, 4, 5, 6, 7, 8,
    ]
    static let ipv6: [UInt8] =
        [0x6b, 0x91, 0x23, 0x45, 0x00, 0x04, 0x3a, 0x40] + [0xfd] + [UInt8](repeating: 0, count: 14) + [1, 0xfd]
        + [UInt8](repeating: 0, count: 14) + [2, 9, 8, 7, 6]

    static func parse(_ bytes: [UInt8]) -> Result<IPPacketHeader, IPPacketHeader.Malformation> {
        unsafe bytes.withUnsafeBytes { unsafe IPPacketHeader.parse($0) }
    }

    @Test func `an IPv4 header is read`() throws {
        let header = try Self.parse(Self.ipv4 + [0, 0, 0]).get()
        #expect(header.source.description == "10.77.0.1" && header.destination.description == "10.77.0.2")
        #expect(header.totalLength == 28 && header.headerLength == 20 && header.protocolNumber == 17)
        #expect(header.trafficClass == 0xb9 && header.ecn == .ect1 && !header.isIPv6)
    }

    @Test func `an IPv6 header is read`() throws {
        let header = try Self.parse(Self.ipv6 + [0, 0, 0]).get()
        #expect(header.source.description == "fd00::1" && header.destination.description == "fd00::2")
        #expect(header.totalLength == 44 && header.headerLength == 40 && header.protocolNumber == 58)
        #expect(header.trafficClass == 0xb9 && header.ecn == .ect1 && header.isIPv6)
    }

    @Test func `options count as header`() throws {
        var bytes = Self.ipv4
        bytes[0] = 0x47
        #expect(try Self.parse(bytes).get().headerLength == 28)
        bytes[0] = 0x48
        #expect(Self.parse(bytes) == .failure(.headerLength))
        bytes[0] = 0x44
        #expect(Self.parse(bytes) == .failure(.headerLength))
    }

    @Test func `cut and mislabeled packets are refused with the reason`() {
        #expect(Self.parse([]) == .failure(.tooShort))
        #expect(Self.parse(Array(Self.ipv4.prefix(19))) == .failure(.tooShort))
        #expect(Self.parse(Array(Self.ipv6.prefix(39))) == .failure(.tooShort))
        #expect(Self.parse(Array(Self.ipv4.prefix(27))) == .failure(.totalLength))
        #expect(Self.parse(Array(Self.ipv6.prefix(43))) == .failure(.totalLength))
        for version in 0...15 where version != 4 && version != 6 {
            var bytes = Self.ipv4
            bytes[0] = UInt8(version << 4 | 5)
            #expect(Self.parse(bytes) == .failure(.version))
        }
        var short = Self.ipv4
        short[3] = 19
        #expect(Self.parse(short) == .failure(.totalLength))
        short[3] = 20
        #expect(throws: Never.self) { try Self.parse(short).get() }
    }

    @Test(arguments: [65_495, 65_496, 65_535]) func `an IPv6 length near 65535 does not wrap`(payload: Int) throws {
        var bytes = Self.ipv6
        bytes[4] = UInt8(payload >> 8)
        bytes[5] = UInt8(payload & 255)
        #expect(Self.parse(bytes) == .failure(.totalLength))
        bytes += [UInt8](repeating: 0, count: payload - 4)
        #expect(try Self.parse(bytes).get().totalLength == payload + 40)
    }

    @Test(arguments: [ECNCodepoint.notECT, .ect0, .ect1, .ce]) func `setting ECN changes nothing else and keeps the checksum right`(
        codepoint: ECNCodepoint
    ) throws {
        for identification in [UInt8(0), 1, 0x7f, 0xff] {
            var bytes = Self.ipv4
            bytes[4] = identification
            let checksum = InternetChecksumTests.sum(Array(bytes.prefix(20))).checksum
            bytes[10] = UInt8(checksum >> 8)
            bytes[11] = UInt8(checksum & 255)
            let header = try Self.parse(bytes).get()
            var changed = bytes
            unsafe changed.withUnsafeMutableBytes { unsafe header.setECN(codepoint, in: $0.baseAddress!) }
            #expect(InternetChecksumTests.sum(Array(changed.prefix(20))).folded == 0xffff)
            #expect(changed[1] == 0xb8 | codepoint.rawValue)
            for index in bytes.indices where ![1, 10, 11].contains(index) { #expect(changed[index] == bytes[index]) }
        }
        var wide = Self.ipv6
        let header = try Self.parse(wide).get()
        unsafe wide.withUnsafeMutableBytes { unsafe header.setECN(codepoint, in: $0.baseAddress!) }
        #expect(try Self.parse(wide).get().trafficClass == 0xb8 | codepoint.rawValue)
        #expect(wide[0] == 0x6b && wide[1] & 0xcf == 0x81 && wide[2...] == Self.ipv6[2...])
    }

    @Test func `decapsulation follows RFC 6040 figure 4`() {
        let outer: [ECNCodepoint] = [.notECT, .ect0, .ect1, .ce]
        let table: [ECNCodepoint: [ECNCodepoint?]] = [
            .notECT: [.notECT, .notECT, .notECT, nil],
            .ect0: [.ect0, .ect0, .ect1, .ce],
            .ect1: [.ect1, .ect1, .ect1, .ce],
            .ce: [.ce, .ce, .ce, .ce],
        ]
        for (inner, row) in table {
            for (outer, expected) in zip(outer, row) {
                #expect(ECNCodepoint.decapsulated(inner: inner, outer: outer) == expected, "\(inner) in \(outer)")
            }
        }
    }
}
