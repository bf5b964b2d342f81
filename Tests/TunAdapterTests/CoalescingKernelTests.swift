import Glibc
import LinuxSystem
import NetworkTypes
import Testing

@testable import TunAdapter

/// The kernel's own segmentation as the judge of coalescing: what is merged goes into one interface and is forwarded out of another that
/// takes no super-packets.
@Suite struct CoalescingKernelTests {
    private static func write(_ text: String, to path: String) throws {
        let file = unsafe fopen(path, "w")
        guard unsafe file != nil else { throw SystemError(operation: "open", subject: path) }
        unsafe fputs(text, file)
        guard unsafe fclose(file) == 0 else { throw SystemError(operation: "write", subject: path) }
    }

    /// The next packet of the streams; what the interface itself asks its neighbours is none of them.
    private static func read(_ descriptor: Int32) -> [UInt8]? {
        while true {
            let packet = unsafe [UInt8](unsafeUninitializedCapacity: 0x10000) { buffer, count in
                count = max(0, unsafe Glibc.read(descriptor, buffer.baseAddress!, 0x10000))
            }
            if packet.isEmpty { return nil }
            if packet[packet[0] >> 4 == 4 ? 19 : 39] == 200 { return packet }
        }
    }

    /// The packet one hop on. A header checksum of 0xffff is no right one's successor.
    private static func forwarded(_ packet: [UInt8]) -> [UInt8] {
        var packet = packet
        if packet[0] >> 4 == 6 {
            packet[7] -= 1
        } else {
            packet[8] -= 1
            packet.replaceSubrange(10..<12, with: [0, 0])
            packet.replaceSubrange(10..<12, with: PacketFixture.be(~PacketFixture.sum(Array(packet[..<20]))))
        }
        return packet
    }

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
            let into = try TunDescriptor()
            let out = try TunDescriptor()
            _ = try into.attach(name: "into", flags: [.tun, .noPacketInformation, .virtioNetHeader])
            _ = try out.attach(name: "out", flags: [.tun, .noPacketInformation])
            let offload = try TunDevice(attached: try into.duplicate(), offload: true).offload
            for name in ["all", "into", "out"] { try Self.write("0", to: "/proc/sys/net/ipv4/conf/\(name)/rp_filter") }
            try Self.write("1", to: "/proc/sys/net/ipv4/ip_forward")
            try Self.write("1", to: "/proc/sys/net/ipv6/conf/all/forwarding")
            for name in ["into", "out"] {
                #expect(try run("ip", "link", "set", name, "addrgenmode", "none", "txqueuelen", "10000", "up") == 0)
            }
            #expect(try run("ip", "route", "add", "10.0.0.200/32", "dev", "out") == 0)
            #expect(try run("ip", "-6", "route", "add", "fd00::c8/128", "dev", "out") == 0)
            #expect(try run("ip", "-6", "route", "add", "fd00::/64", "dev", "into") == 0)

            var generator = SeededGenerator(seed: seed)
            let traffic = CoalescingTests.traffic(&generator).map(\.bytes)
            let frames = CoalescingTests.frames(traffic, udp: offload.contains(.udp4Segmentation))
            #expect(traffic.count < 60 || frames.count < traffic.count)
            var found: [[UInt8]] = []
            for frame in frames {
                let written = unsafe frame.withUnsafeBytes { unsafe Glibc.write(into.descriptor.rawValue, $0.baseAddress!, frame.count) }
                #expect(written == frame.count)
                while let packet = Self.read(out.descriptor.rawValue) { found.append(packet) }
            }
            for _ in 0..<100 where found.count < traffic.count {
                SystemThread.sleep(.milliseconds(10))
                while let packet = Self.read(out.descriptor.rawValue) { found.append(packet) }
            }
            func flow(_ packet: [UInt8]) -> UInt8 { packet[0] >> 4 == 4 ? packet[15] : packet[23] }
            let expected = Dictionary(grouping: traffic.map(Self.forwarded).map(Self.meaning), by: flow)
            let isSame = Dictionary(grouping: found.map(Self.meaning), by: flow) == expected
            #expect(isSame, "seed \(seed): \(found.count) packets of \(traffic.count)")
        }
    }
}
