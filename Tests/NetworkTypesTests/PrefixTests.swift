import NetworkTypes
import SeededRandom
import Testing

@Suite struct PrefixTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.0.0.0/8"), ("10.1.2.3/8", "10.0.0.0/8"), ("1.2.3.4", "1.2.3.4/32"), ("1.2.3.4/32", "1.2.3.4/32"),
        ("1.2.3.4/0", "0.0.0.0/0"),
        ("255.255.255.255/31", "255.255.255.254/31"), ("::/0", "::/0"), ("fd00::1/64", "fd00::/64"), ("fd00::1", "fd00::1/128"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/63", "ffff:ffff:ffff:fffe::/63"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/65", "ffff:ffff:ffff:ffff:8000::/65"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"),
    ]) func `a prefix is read without its host bits`(text: String, printed: String) throws {
        let prefix = try #require(IPPrefix(text))
        #expect(prefix.description == printed)
        #expect(IPPrefix(printed) == prefix)
    }

    @Test(arguments: [
        "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8",
        "10.0.0.0/255.0.0.0", "::/ 1", "fe80::1%1/64",
    ])
    func `what is not a prefix is refused`(text: String) {
        #expect(IPPrefix(text) == nil)
        #expect(IPInterfaceAddress(text) == nil)
    }

    @Test func `an interface address keeps its host bits`() throws {
        let address = try #require(IPInterfaceAddress("10.8.0.1/24"))
        #expect(address.description == "10.8.0.1/24")
        #expect(address.network == IPPrefix("10.8.0.0/24"))
        #expect(address.hasHostBits)
        #expect(try !#require(IPInterfaceAddress("10.8.0.0/24")).hasHostBits)
        #expect(try !#require(IPInterfaceAddress("10.8.0.1")).hasHostBits)
    }

    @Test(arguments: [4 as UInt64, 5]) func `containment is agreement in every leading bit`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<200 {
            let base = IPv6Address(high: random.next(), low: random.next())
            let length = Int.random(in: 0...128, using: &random)
            let prefix = IPPrefix(.v6(base), length: UInt8(length))
            for bit in [0, length - 1, length, 63, 64, 127] where (0..<128).contains(bit) {
                var other = base
                if bit < 64 { other.high ^= 1 << UInt64(63 - bit) } else { other.low ^= 1 << UInt64(127 - bit) }
                #expect(prefix.contains(.v6(other)) == (bit >= length), "seed \(seed), \(prefix), bit \(bit)")
            }
            let v4 = IPv4Address(rawValue: .random(in: 0 ... .max, using: &random))
            let short = IPPrefix(.v4(v4), length: UInt8(length / 4))
            for bit in 0..<32 {
                let other = IPv4Address(rawValue: v4.rawValue ^ 1 << UInt32(31 - bit))
                #expect(short.contains(.v4(other)) == (bit >= length / 4), "seed \(seed), \(short), bit \(bit)")
            }
            #expect(!short.contains(.v6(base)))
        }
    }

    @Test func `a prefix contains the longer ones in it`() throws {
        let wide = try #require(IPPrefix("10.0.0.0/8"))
        #expect(try wide.contains(#require(IPPrefix("10.1.0.0/16"))))
        #expect(wide.contains(wide))
        #expect(try !wide.contains(#require(IPPrefix("0.0.0.0/0"))))
        #expect(try !wide.contains(#require(IPPrefix("11.0.0.0/16"))))
    }
}
