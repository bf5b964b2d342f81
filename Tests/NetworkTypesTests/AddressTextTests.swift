import NetworkTypes
import SeededRandom
import Testing

@Suite struct AddressTextTests {
    @Test(arguments: [
        ("0.0.0.0", 0 as UInt32), ("255.255.255.255", .max), ("1.2.3.4", 0x0102_0304), ("10.0.0.1", 0x0a00_0001),
        ("192.168.100.200", 0xc0a8_64c8),
    ]) func `IPv4 text round-trips`(text: String, value: UInt32) throws {
        let address = try #require(IPv4Address(text))
        #expect(address.rawValue == value)
        #expect(address.description == text)
    }

    @Test(arguments: [
        "", ".", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "256.1.1.1", "1.2.3.256", "01.2.3.4", "1.2.3.04", "00.0.0.0",
        "0x1.2.3.4", "1.2.3.4 ", " 1.2.3.4", "+1.2.3.4", "-1.2.3.4", "1.2.3.a", "1,2.3.4", "4294967296.1.1.1", "18446744073709551617.1.1.1",
        "1.2.3.٤", "1.2.3.4\n", "1.2.3.4\0",
    ]) func `what is not IPv4 text is refused`(text: String) {
        #expect(IPv4Address(text) == nil)
    }

    /// Text, its two halves, and the form it is printed in where that differs.
    @Test(arguments: [
        ("::", 0 as UInt64, 0 as UInt64, nil), ("::1", 0, 1, nil), ("1::", 1 << 48, 0, nil),
        ("2001:db8::1", 0x2001_0db8_0000_0000, 1, nil), ("2001:DB8:0:0:0:0:0:1", 0x2001_0db8_0000_0000, 1, "2001:db8::1"),
        // RFC 5952 4.2.2: a single group is not shortened.
        ("2001:db8:0:1:1:1:1:1", 0x2001_0db8_0000_0001, 0x0001_0001_0001_0001, nil),
        ("2001:db8::1:1:1:1:1", 0x2001_0db8_0000_0001, 0x0001_0001_0001_0001, "2001:db8:0:1:1:1:1:1"),
        // 4.2.3: the longest run, the first of equals.
        ("2001:0:0:1:0:0:0:1", 0x2001_0000_0000_0001, 1, "2001:0:0:1::1"),
        ("2001:db8:0:0:1:0:0:1", 0x2001_0db8_0000_0000, 0x0001_0000_0000_0001, "2001:db8::1:0:0:1"),
        ("0:0:1::", 0x0000_0000_0001_0000, 0, "0:0:1::"),
        ("1:2:3:4:5:6:7::", 0x0001_0002_0003_0004, 0x0005_0006_0007_0000, "1:2:3:4:5:6:7:0"),
        ("::2:3:4:5:6:7:8", 0x0000_0002_0003_0004, 0x0005_0006_0007_0008, "0:2:3:4:5:6:7:8"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .max, .max, nil),
        ("fe80::0001", 0xfe80_0000_0000_0000, 1, "fe80::1"), ("::ffff:1.2.3.4", 0, 0xffff_0102_0304, nil),
        ("::ffff:102:304", 0, 0xffff_0102_0304, "::ffff:1.2.3.4"),
        ("64:ff9b::192.0.2.33", 0x0064_ff9b_0000_0000, 0xc000_0221, "64:ff9b::c000:221"),
        ("1:2:3:4:5:6:1.2.3.4", 0x0001_0002_0003_0004, 0x0005_0006_0102_0304, "1:2:3:4:5:6:102:304"),
        ("::1.2.3.4", 0, 0x0102_0304, "::102:304"),
    ]) func `IPv6 text is read, and printed as RFC 5952 has it`(text: String, high: UInt64, low: UInt64, printed: String?) throws {
        let address = try #require(IPv6Address(text))
        #expect(address == IPv6Address(high: high, low: low))
        #expect(address.description == printed ?? text)
    }

    @Test(arguments: [
        "", ":", ":::", "1", "1:2", "::1::", "1::2::3", ":1", "1:", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "12345::", "g::", "::1%1", "[::1]", "::1.2.3", "::01.2.3.4", "1.2.3.4::", "::1.2.3.4:1",
        "1:2:3:4:5:6:7:1.2.3.4", "::1 ", " ::1", "::+1", "::-1", "0x1::", ":::1", "1:::2", "1.2.3.4",
    ]) func `what is not IPv6 text is refused`(text: String) {
        #expect(IPv6Address(text) == nil)
    }

    @Test(arguments: [1 as UInt64, 2, 3]) func `random addresses survive text and bytes`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<500 {
            let v4 = IPv4Address(rawValue: .random(in: 0 ... .max, using: &random))
            #expect(IPv4Address(v4.description) == v4, "seed \(seed)")
            // Groups are often zero, so that runs of zeros occur.
            func half() -> UInt64 {
                (0..<4).reduce(0) { half, _ in half << 16 | (Bool.random(using: &random) ? 0 : .random(in: 0...0xffff, using: &random)) }
            }
            let v6 = IPv6Address(high: half(), low: half())
            #expect(IPv6Address(v6.description) == v6, "seed \(seed)")
            var bytes = [UInt8](repeating: 0, count: 17)
            unsafe bytes.withUnsafeMutableBytes { bytes in
                let unaligned = unsafe bytes.baseAddress! + 1
                unsafe v6.write(to: unaligned)
                #expect(unsafe IPv6Address(bytes: unaligned) == v6)
                unsafe v4.write(to: unaligned)
                #expect(unsafe IPv4Address(bytes: unaligned) == v4)
            }
            #expect(bytes[1] == UInt8(v4.rawValue >> 24))
        }
    }

    @Test(arguments: [
        ("127.0.0.1", true, false, false, false), ("127.255.0.1", true, false, false, false), ("128.0.0.1", false, false, false, false),
        ("::1", true, false, false, false), ("::2", false, false, false, false), ("224.0.0.1", false, true, false, false),
        ("239.255.255.255", false, true, false, false), ("240.0.0.0", false, false, false, false),
        ("223.255.255.255", false, false, false, false),
        ("ff02::1", false, true, false, false), ("fe80::1", false, false, true, false), ("febf::1", false, false, true, false),
        ("fec0::1", false, false, false, false), ("169.254.0.1", false, false, true, false), ("169.255.0.1", false, false, false, false),
        ("0.0.0.0", false, false, false, true), ("::", false, false, false, true), ("0.0.0.1", false, false, false, false),
    ]) func `kinds of addresses are told apart`(text: String, loopback: Bool, multicast: Bool, linkLocal: Bool, unspecified: Bool) throws {
        let address = try #require(IPAddress(text))
        #expect(address.isLoopback == loopback)
        #expect(address.isMulticast == multicast)
        #expect(address.isLinkLocal == linkLocal)
        #expect(address.isUnspecified == unspecified)
    }
}
