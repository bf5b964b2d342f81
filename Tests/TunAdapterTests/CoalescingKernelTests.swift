import LinuxSystem
import Testing

@testable import TunAdapter

@Suite struct CoalescingKernelTests {
    /// A packet without what may change: with DF set the identification means nothing (RFC 6864).
    private static func meaning(_ packet: [UInt8]) -> [UInt8] {
        var packet = packet
        if packet[0] >> 4 == 4 && packet[6] & 0x40 != 0 {
            for offset in [4, 5, 10, 11] { packet[offset] = 0 }
        }
        return packet
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `the kernel takes apart what was merged into exactly what went in`(seed: UInt64) throws {
        try inNewNamespace {
            let kernel = try ForwardingKernel()
            var generator = SeededGenerator(seed: seed)
            let traffic = CoalescingTests.traffic(&generator).map(\.bytes)
            let frames = CoalescingTests.frames(traffic, udp: kernel.offload.contains(.udp4Segmentation))
            #expect(traffic.count < 60 || frames.count < traffic.count)
            let found = kernel.forward(frames, count: traffic.count)
            func flow(_ packet: [UInt8]) -> UInt8 { packet[0] >> 4 == 4 ? packet[15] : packet[23] }
            let expected = Dictionary(grouping: traffic.map(ForwardingKernel.hop).map(Self.meaning), by: flow)
            let isSame = Dictionary(grouping: found.map(Self.meaning), by: flow) == expected
            #expect(isSame, "seed \(seed): \(found.count) packets of \(traffic.count)")
        }
    }
}
