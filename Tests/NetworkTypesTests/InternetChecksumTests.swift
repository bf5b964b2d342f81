import NetworkTypes
import SeededRandom
import Testing

@Suite struct InternetChecksumTests {
    /// RFC 1071's definition, word by word.
    static func naiveSum(_ bytes: some Collection<UInt8>, from start: UInt32 = 0) -> UInt16 {
        var sum = start
        for (index, byte) in bytes.enumerated() {
            sum += index.isMultiple(of: 2) ? UInt32(byte) << 8 : UInt32(byte)
            sum = (sum & 0xffff) + sum >> 16
        }
        return UInt16(sum)
    }

    static func sum(_ bytes: [UInt8]) -> InternetChecksum {
        var sum = InternetChecksum()
        unsafe bytes.withUnsafeBytes { unsafe sum.add($0) }
        return sum
    }

    /// Numbers that differ only as 0 and 0xffff do are the same ones' complement number.
    static func same(_ a: UInt16, _ b: UInt16) -> Bool {
        a == b || (a == 0 && b == 0xffff) || (a == 0xffff && b == 0)
    }

    @Test func `RFC 1071 section 3: the example`() {
        #expect(Self.sum([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]).folded == 0xddf2)
    }

    @Test func `a header with its own checksum sums to all ones`() {
        let header: [UInt8] = [
            0x45, 0x00, 0x00, 0x54, 0x00, 0x00, 0x40, 0x00, 0x40, 0x01, 0x26, 0x0d, 0x0a, 0x4d, 0x00, 0x01, 0x0a, 0x4d, 0x00, 0x02,
        ]
        #expect(Self.sum(header).folded == 0xffff)
        #expect(Self.sum(header).checksum == 0)
    }

    @Test(arguments: [1 as UInt64, 2]) func `any length at any alignment sums as the definition says`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for count in Array(0...200) + [1419, 1420, 1500, 65_535] {
            let offset = Int.random(in: 0...9, using: &random)
            let all = (0..<offset + count).map { _ in UInt8.random(in: 0...255, using: &random) }
            let expected = Self.naiveSum(all[offset...])
            var (sum, copying) = (InternetChecksum(), InternetChecksum())
            var copy = [UInt8](repeating: 0x55, count: count + 1)
            unsafe all.withUnsafeBytes { all in
                let part = unsafe UnsafeRawBufferPointer(rebasing: all[offset...])
                unsafe sum.add(part)
                unsafe copying.add(copying: part, to: &copy)
            }
            #expect(sum.folded == expected, "seed \(seed), \(count) bytes at \(offset)")
            #expect(copying.folded == expected, "seed \(seed), \(count) bytes at \(offset)")
            #expect(copy == Array(all[offset...]) + [0x55])
        }
    }

    @Test func `the largest sums do not overflow`() {
        let ones = [UInt8](repeating: 0xff, count: 1 << 20)
        var sum = Self.sum(ones)
        for _ in 0..<100 { sum.add(Self.sum(ones)) }
        sum.add(UInt16.max)
        sum.add(UInt32.max)
        #expect(sum.folded == 0xffff)
    }

    @Test(arguments: [3 as UInt64]) func `parts add up to the whole, at odd offsets too`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<300 {
            let bytes = (0..<Int.random(in: 1...300, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            let cut = Int.random(in: 0...bytes.count, using: &random)
            var sum = Self.sum(Array(bytes[..<cut]))
            sum.add(Self.sum(Array(bytes[cut...])), atOddOffset: !cut.isMultiple(of: 2))
            #expect(Self.same(sum.folded, Self.naiveSum(bytes)), "seed \(seed), cut \(cut) of \(bytes.count)")
        }
    }

    @Test func `pseudo-headers sum as their bytes do`() throws {
        let (a, b) = (IPv4Address(rawValue: 0x0a4d_0001), IPv4Address(rawValue: 0xc0a8_fffe))
        var sum = InternetChecksum()
        sum.addPseudoHeader(source: a, destination: b, protocolNumber: 17, length: 65_535)
        #expect(sum.folded == Self.naiveSum([10, 77, 0, 1, 192, 168, 255, 254, 0, 17, 255, 255]))
        let (c, d) = try (#require(IPv6Address("2001:db8::ff01")), #require(IPv6Address("fd00:1:2:3:4:5:6:ffff")))
        var wide = InternetChecksum()
        wide.addPseudoHeader(source: c, destination: d, protocolNumber: 58, length: 0x1_2345)
        var bytes = [UInt8](repeating: 0, count: 40)
        unsafe bytes.withUnsafeMutableBytes { bytes in
            unsafe c.write(to: bytes.baseAddress!)
            unsafe d.write(to: bytes.baseAddress! + 16)
        }
        bytes.replaceSubrange(32..., with: [0, 1, 0x23, 0x45, 0, 0, 0, 58])
        #expect(wide.folded == Self.naiveSum(bytes))
    }

    @Test(arguments: [4 as UInt64]) func `an updated checksum is that of the changed words`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<1000 {
            // A header whose words are not all zero, as RFC 1624 assumes.
            var words = (0..<10).map { _ in UInt16.random(in: 0 ... .max, using: &random) }
            words[0] |= 0x4500
            func checksum() -> UInt16 { ~Self.naiveSum(words.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }) }
            let before = checksum()
            let index = Int.random(in: 1..<10, using: &random)
            let old = words[index]
            words[index] = [0, 0xffff, UInt16.random(in: 0 ... .max, using: &random)].randomElement(using: &random)!
            #expect(InternetChecksum.updated(before, replacing: old, with: words[index]) == checksum(), "seed \(seed)")
        }
    }

    @Test func `RFC 1624 section 4: the example`() {
        #expect(InternetChecksum.updated(0xdd2f, replacing: 0x5555, with: 0x3285) == 0x0000)
    }
}
