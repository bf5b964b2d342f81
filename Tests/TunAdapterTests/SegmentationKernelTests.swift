import LinuxSystem
import Testing

@testable import TunAdapter

@Suite struct SegmentationKernelTests {
    /// A packet or super-packet as the kernel might hand it over, with its virtio header.
    private static func superPacket(udp: Bool, using generator: inout SeededGenerator) -> (header: VirtioNetHeader, packet: [UInt8]) {
        var fixture = PacketFixture()
        fixture.isIPv6 = Bool.random(using: &generator)
        fixture.isTCP = Bool.random(using: &generator)
        fixture.dontFragment = Bool.random(using: &generator)
        fixture.identification = [0, 0xfffe, .random(in: 0...0xffff, using: &generator)].randomElement(using: &generator)!
        fixture.sequence = [0xffff_f000, .random(in: 0...UInt32.max, using: &generator)].randomElement(using: &generator)!
        fixture.window = .random(in: 0...0xffff, using: &generator)
        // Without congestion's marks, of which a router may have an opinion.
        fixture.trafficClass = UInt8.random(in: 0...63, using: &generator) << 2
        fixture.flags = [0x10, 0x18, 0x11, 0x19, 0x90, 0xd9].randomElement(using: &generator)!
        fixture.options = [UInt8](repeating: 1, count: 4 * Int.random(in: 0...10, using: &generator))
        if !fixture.isIPv6 { fixture.ipOptions = [UInt8](repeating: 1, count: 4 * Int.random(in: 0...3, using: &generator)) }
        let size = [8, 100, .random(in: 8...1380, using: &generator), 1380].randomElement(using: &generator)!
        var isWhole = !fixture.isTCP && !udp || Int.random(in: 0..<5, using: &generator) == 0
        let most = isWhole ? 1380 : min(60_000, 64 * size)
        fixture.payload = PacketFixture.randomBytes(Int.random(in: 0...most, using: &generator), using: &generator)
        // A last segment that is full, and one of a single byte.
        if !isWhole, fixture.payload.count > 2 * size {
            let surplus = [0, 1, fixture.payload.count % size].randomElement(using: &generator)!
            fixture.payload.removeLast(fixture.payload.count % size)
            fixture.payload += PacketFixture.randomBytes(surplus, using: &generator)
        }
        // The kernel makes no super-packet of what fits into one segment, and takes none.
        isWhole = isWhole || fixture.payload.count <= size
        var header = SegmentationTests.header(fixture, size: size)
        if isWhole {
            header.segmentation = 0
            header.segmentSize = 0
        } else if fixture.isTCP, fixture.flags & PacketFixture.cwr != 0 {
            header.segmentation |= VirtioNetHeader.Segmentation.ecn
        }
        header.headerLength = UInt16(fixture.headerLength)
        return (header, fixture.unfinishedBytes)
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `the segments and checksums of a super-packet are the kernel's, byte for byte`(seed: UInt64) throws {
        try inNewNamespace {
            let kernel = try ForwardingKernel()
            var generator = SeededGenerator(seed: seed)
            for number in 0..<150 {
                let (header, packet) = Self.superPacket(udp: kernel.offload.contains(.udp4Segmentation), using: &generator)
                let ours = SegmentationTests.split(packet, header)
                let theirs = kernel.forward([SegmentationTests.frame(packet, header)], count: ours.count)
                // What leaves one hop on has that hop less, and is otherwise the same.
                let place = zip(ours.map(ForwardingKernel.hop), theirs).enumerated().first { $1.0 != $1.1 }
                #expect(
                    ours.count == theirs.count && place == nil,
                    "seed \(seed), packet \(number): \(header), \(packet.count) bytes, ours \(ours.count), theirs \(theirs.count)")
                guard ours.count == theirs.count, place == nil else { return }
            }
        }
    }
}
