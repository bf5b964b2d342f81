import Glibc
import LinuxSystem
import NetworkTypes
import Testing

@testable import TunAdapter

/// The kernel's own segmentation and checksums as the judge of ours: what goes into one interface, super-packets too, is forwarded out of
/// another that takes only whole packets. Lives in the calling thread's namespace.
struct ForwardingKernel: ~Copyable {
    private let into: TunDescriptor
    private let out: TunDescriptor
    /// What may be written into it unfinished.
    let offload: TunDescriptor.Offload

    init() throws {
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
        self.into = into
        self.out = out
        self.offload = offload
    }

    /// Writes frames, each with its virtio header, and reads what comes of them, up to `count` packets: fewer when a second brings none.
    func forward(_ frames: [[UInt8]], count: Int) -> [[UInt8]] {
        var found: [[UInt8]] = []
        for frame in frames {
            let written = unsafe frame.withUnsafeBytes { unsafe Glibc.write(into.descriptor.rawValue, $0.baseAddress!, frame.count) }
            #expect(written == frame.count)
            while let packet = next() { found.append(packet) }
        }
        for _ in 0..<100 where found.count < count {
            SystemThread.sleep(.milliseconds(10))
            while let packet = next() { found.append(packet) }
        }
        return found
    }

    /// The packet one hop on. A header checksum of 0xffff is no right one's successor.
    static func hop(_ packet: [UInt8]) -> [UInt8] {
        var packet = packet
        if packet[0] >> 4 == 6 {
            packet[7] -= 1
        } else {
            let length = Int(packet[0] & 15) * 4
            packet[8] -= 1
            packet.replaceSubrange(10..<12, with: [0, 0])
            packet.replaceSubrange(10..<12, with: PacketFixture.be(~PacketFixture.sum(Array(packet[..<length]))))
        }
        return packet
    }

    /// The next packet of the streams; what the interface itself asks its neighbours is none of them.
    private func next() -> [UInt8]? {
        while true {
            let packet = unsafe [UInt8](unsafeUninitializedCapacity: 0x10000) { buffer, count in
                count = max(0, unsafe Glibc.read(out.descriptor.rawValue, buffer.baseAddress!, 0x10000))
            }
            if packet.isEmpty { return nil }
            if packet[packet[0] >> 4 == 4 ? 19 : 39] == 200 { return packet }
        }
    }

    private static func write(_ text: String, to path: String) throws {
        let file = unsafe fopen(path, "w")
        guard unsafe file != nil else { throw SystemError(operation: "open", subject: path) }
        unsafe fputs(text, file)
        guard unsafe fclose(file) == 0 else { throw SystemError(operation: "write", subject: path) }
    }
}
