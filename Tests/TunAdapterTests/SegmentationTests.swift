import Testing

@testable import TunAdapter

@Suite struct SegmentationTests {
    static func header(_ fixture: PacketFixture, size: Int) -> VirtioNetHeader {
        var header = VirtioNetHeader()
        header.flags = VirtioNetHeader.needsChecksum
        header.segmentation = fixture.isTCP ? (fixture.isIPv6 ? 4 : 1) : 5
        header.segmentSize = UInt16(size)
        header.checksumStart = UInt16(fixture.networkLength)
        header.checksumOffset = fixture.isTCP ? 16 : 6
        return header
    }

    /// A packet behind its header, as on the queue.
    static func frame(_ packet: [UInt8], _ header: VirtioNetHeader) -> [UInt8] {
        var frame = [UInt8](repeating: 0, count: VirtioNetHeader.size)
        unsafe frame.withUnsafeMutableBytes { unsafe header.write(to: $0.baseAddress!) }
        return frame + packet
    }

    static func split(_ packet: [UInt8], _ header: VirtioNetHeader) -> [[UInt8]] {
        MemoryAdapter.packets(of: frame(packet, header))
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `the segments of a super-packet are those of the slow reference`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<40 {
            var fixture = PacketFixture()
            fixture.isIPv6 = Bool.random(using: &generator)
            fixture.isTCP = Bool.random(using: &generator)
            fixture.identification = UInt16.random(in: 0...0xffff, using: &generator)
            fixture.sequence = UInt32.random(in: 0...UInt32.max, using: &generator)
            fixture.trafficClass = UInt8.random(in: 0...255, using: &generator)
            fixture.flags = [0x10, 0x18, 0x11, 0x90, 0x59].randomElement(using: &generator)!
            fixture.options = PacketFixture.randomBytes(4 * Int.random(in: 0...10, using: &generator), using: &generator)
            if !fixture.isIPv6 && fixture.isTCP {
                fixture.ipOptions = Array(repeating: 1, count: 4 * Int.random(in: 0...2, using: &generator))
            }
            fixture.payload = PacketFixture.randomBytes(Int.random(in: 0...9000, using: &generator), using: &generator)
            let size = Int.random(in: 1...1500, using: &generator)
            var packet = fixture.unfinishedBytes
            // The IPv6 length, and both lengths of a super-packet in general, may be stale.
            if fixture.isIPv6 { packet.replaceSubrange(4..<6, with: [0, 0]) } else { packet.replaceSubrange(2..<4, with: [0, 0]) }
            let expected = fixture.segments(of: size).map(\.bytes)
            #expect(Self.split(packet, Self.header(fixture, size: size)) == expected, "seed \(seed)")
        }
    }

    @Test func `a checksum left to the hardware is completed`() {
        for (isTCP, isIPv6) in [(true, true), (true, false), (false, true), (false, false)] {
            var fixture = PacketFixture(isIPv6: isIPv6, isTCP: isTCP)
            fixture.payload = [1, 2, 3, 4, 5]
            var header = Self.header(fixture, size: 0)
            header.segmentation = 0
            #expect(Self.split(fixture.unfinishedBytes, header) == [fixture.bytes])
        }
    }

    @Test func `a UDP checksum that comes out as zero is sent as all ones`() {
        var fixture = PacketFixture(isTCP: false, payload: [0, 0])
        let sum = fixture.bytes[26...27].reduce(0) { $0 << 8 | UInt16($1) }
        fixture.payload = PacketFixture.be(sum)
        #expect(Array(fixture.bytes[26...27]) == [0xff, 0xff])
        var header = Self.header(fixture, size: 0)
        header.segmentation = 0
        #expect(Self.split(fixture.unfinishedBytes, header) == [fixture.bytes])
        #expect(Self.split(fixture.unfinishedBytes, Self.header(fixture, size: 2)) == [fixture.bytes])
    }

    @Test func `what contradicts itself yields no packets`() {
        let fixture = PacketFixture(payload: [UInt8](repeating: 9, count: 100))
        let good = Self.header(fixture, size: 10)
        #expect(Self.split(fixture.unfinishedBytes, good).count == 10)
        var bad: [VirtioNetHeader] = []
        bad.append(good)
        bad[0].segmentSize = 0
        for (start, offset, type) in [
            (0, 16, 0), (19, 16, 1), (24, 16, 1), (200, 16, 1), (20, 16, 4), (20, 16, 3), (20, 16, 2), (0xffff, 16, 0), (20, 0xffff, 0),
        ] {
            var header = good
            header.checksumStart = UInt16(start)
            header.checksumOffset = UInt16(offset)
            header.segmentation = UInt8(type)
            bad.append(header)
        }
        for header in bad { #expect(Self.split(fixture.unfinishedBytes, header).isEmpty, "\(header)") }
        #expect(Self.split(Array(fixture.unfinishedBytes.prefix(39)), good).isEmpty)
        #expect(Self.split([0x45, 0], VirtioNetHeader()).isEmpty)
    }

    @Test func `an IPv6 packet whose header names TCP has its TCP header there and not further on`() {
        var fixture = PacketFixture(payload: [UInt8](repeating: 9, count: 100))
        fixture.isIPv6 = true
        var header = Self.header(fixture, size: 10)
        #expect(Self.split(fixture.unfinishedBytes, header).count == 10)
        // 20 bytes of what follows look enough like a header.
        var bytes = fixture.unfinishedBytes
        bytes[48 + TCPHeader.offsetAndFlags] = 0x50
        header.checksumStart = 48
        #expect(Self.split(bytes, header).isEmpty)
        bytes[IPv6Header.nextHeader] = 60
        #expect(!Self.split(bytes, header).isEmpty)
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `hostile bytes never read or write out of bounds`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            var packet = PacketFixture.randomBytes(Int.random(in: 0...200, using: &generator), using: &generator)
            if let first = packet.first, Bool.random(using: &generator) { packet[0] = (first & 1 == 0 ? 0x40 : 0x60) | first & 0xf }
            var header = VirtioNetHeader()
            header.flags = UInt8.random(in: 0...1, using: &generator)
            header.segmentation = [0, 1, 4, 5, 0x81, 0x84].randomElement(using: &generator)!
            header.segmentSize = UInt16.random(in: 0...100, using: &generator)
            header.checksumStart = UInt16.random(in: 0...60, using: &generator)
            header.checksumOffset = [6, 16, 100].randomElement(using: &generator)!
            let total = Self.split(packet, header).reduce(0) { $0 + $1.count }
            #expect(total == 0 || total >= packet.count, "seed \(seed)")
        }
    }
}
