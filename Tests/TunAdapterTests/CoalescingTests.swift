import LinuxSystem
import Testing

@testable import TunAdapter

@Suite struct CoalescingTests {
    /// What the packets leave as: frames with their virtio headers.
    static func frames(_ packets: [[UInt8]], udp: Bool = true, capacity: Int = 1024) -> [[UInt8]] {
        var coalescing = Coalescing(capacity: capacity)
        coalescing.mergesUDP = udp
        let starts = unsafe packets.map { packet in
            let start = UnsafeMutableRawPointer.allocate(byteCount: packet.count, alignment: 16)
            unsafe packet.withUnsafeBytes { unsafe start.copyMemory(from: $0.baseAddress!, byteCount: packet.count) }
            return unsafe start
        }
        defer { for i in unsafe starts.indices { unsafe starts[i].deallocate() } }
        for i in packets.indices { unsafe coalescing.add(starts[i], count: packets[i].count) }
        let header = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 16)
        let pieces = UnsafeMutablePointer<MemoryPiece>.allocate(capacity: 600)
        defer {
            unsafe header.deallocate()
            unsafe pieces.deallocate()
        }
        var frames: [[UInt8]] = []
        for item in 0..<coalescing.itemCount {
            var frame: [UInt8] = []
            let count = unsafe coalescing.gather(item, header: header, into: pieces, virtio: true)
            for i in 0..<count {
                unsafe frame += UnsafeRawBufferPointer(start: pieces[i].start, count: pieces[i].count)
            }
            frames.append(frame)
        }
        return frames
    }

    /// How many packets each frame stands for.
    static func shape(_ packets: [PacketFixture]) -> [Int] {
        frames(packets.map(\.bytes)).map { MemoryAdapter.packets(of: $0).count }
    }

    static func stream(_ count: Int, _ fixture: PacketFixture = PacketFixture(), size: Int = 100) -> [PacketFixture] {
        var whole = fixture
        whole.payload = (0..<count * size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
        return whole.segments(of: size)
    }

    @Test(arguments: [(true, false), (true, true), (false, false), (false, true)])
    func `consecutive segments of a flow become one write`(isTCP: Bool, isIPv6: Bool) {
        let packets = Self.stream(20, PacketFixture(isIPv6: isIPv6, isTCP: isTCP, dontFragment: false, options: isTCP ? [1, 1, 8, 9] : []))
        let frames = Self.frames(packets.map(\.bytes))
        #expect(frames.count == 1)
        #expect(frames.flatMap { MemoryAdapter.packets(of: $0) } == packets.map(\.bytes))
        // The kernel finds the fields that it checks.
        let header = unsafe frames[0].withUnsafeBytes { unsafe VirtioNetHeader(bytes: $0.baseAddress!) }
        #expect(header.flags == 1 && header.segmentSize == 100)
        #expect(header.segmentation == (isTCP ? (isIPv6 ? 4 : 1) : 5))
        #expect(Int(header.checksumStart) == (isIPv6 ? 40 : 20))
        var whole = packets[0]
        whole.payload = packets.flatMap(\.payload)
        #expect(Array(frames[0].dropFirst(10)) == whole.unfinishedBytes)
    }

    @Test func `interleaved flows merge each for itself`() {
        let a = Self.stream(10, PacketFixture(source: 1))
        let b = Self.stream(10, PacketFixture(isTCP: false, source: 2))
        let c = Self.stream(10, PacketFixture(isIPv6: true, source: 3))
        var mixed: [PacketFixture] = []
        for i in 0..<10 { mixed += [a[i], b[i], c[i]] }
        #expect(Self.shape(mixed) == [10, 10, 10])
    }

    @Test func `every header field that segments share must be equal`() {
        typealias Change = (String, (inout PacketFixture) -> Void)
        let changes: [Change] = [
            ("port", { $0.sourcePort += 1 }), ("address", { $0.source += 1 }), ("traffic class", { $0.trafficClass = 2 }),
            ("ECN", { $0.trafficClass = 3 }), ("hops", { $0.hops -= 1 }), ("DF", { $0.dontFragment = false }),
            ("acknowledgment", { $0.acknowledgment += 1 }), ("window", { $0.window += 1 }), ("ECE", { $0.flags |= PacketFixture.ece }),
            ("CWR", { $0.flags |= PacketFixture.cwr }), ("FIN", { $0.flags |= PacketFixture.fin }),
            ("SYN", { $0.flags |= PacketFixture.syn }),
            ("sequence", { $0.sequence += 1 }), ("options", { $0.options[3] += 1 }), ("more options", { $0.options += [1, 1, 1, 1] }),
            ("longer", { $0.payload.append(1) }), ("IP options", { $0.ipOptions = [1, 1, 1, 1] }),
        ]
        let plain = Self.stream(2, PacketFixture(options: [1, 1, 1, 1]))
        #expect(Self.shape(plain) == [2])
        for (name, change) in changes {
            var changed = plain
            change(&changed[1])
            #expect(Self.shape(changed) == [1, 1], "\(name)")
        }
    }

    @Test func `without DF the identification must count up`() {
        var packets = Self.stream(3, PacketFixture(isTCP: false, identification: 0xfffe, dontFragment: false))
        #expect(Self.shape(packets) == [3])
        packets[2].identification = 9
        #expect(Self.shape(packets) == [2, 1])
    }

    @Test func `PSH or a short segment is the last`() {
        var packets = Self.stream(5)
        packets[2].flags |= PacketFixture.psh
        #expect(Self.shape(packets) == [3, 2])
        packets = Self.stream(5)
        packets[1].payload.removeLast()
        for i in 2..<5 { packets[i].sequence -= 1 }
        #expect(Self.shape(packets) == [2, 3])
        packets = Self.stream(4, PacketFixture(isTCP: false))
        packets[1].payload.removeLast()
        #expect(Self.shape(packets) == [2, 2])
    }

    @Test(arguments: [true, false])
    func `a segment with a wrong checksum is never merged`(isTCP: Bool) {
        let packets = Self.stream(6, PacketFixture(isTCP: isTCP)).map(\.bytes)
        for bad in 0..<6 {
            // A payload byte, the transport checksum, and the IPv4 header checksum.
            for offset in [packets[0].count - 1, 36, 10] {
                var corrupted = packets
                corrupted[bad][offset] ^= 4
                let frames = Self.frames(corrupted)
                #expect(frames.contains([UInt8](repeating: 0, count: 10) + corrupted[bad]), "\(bad) at \(offset)")
                #expect(frames.count == (bad == 0 || bad == 5 ? 2 : 3), "\(bad) at \(offset)")
            }
        }
    }

    @Test(arguments: [(true, false), (true, true), (false, false), (false, true)])
    func `a checksum in the form of zero that the kernel doesn't write is never merged`(isTCP: Bool, isIPv6: Bool) {
        // Every segment's checksum comes out as zero.
        let packets = Self.stream(3, PacketFixture(isIPv6: isIPv6, isTCP: isTCP)).map { segment in
            var segment = segment
            segment.payload.replaceSubrange(0..<2, with: [0, 0])
            let field = segment.networkLength + (isTCP ? 16 : 6)
            segment.payload.replaceSubrange(0..<2, with: segment.bytes[field..<field + 2])
            return segment.bytes
        }
        let field = (isIPv6 ? 40 : 20) + (isTCP ? 16 : 6)
        let written: [UInt8] = isTCP ? [0, 0] : [0xff, 0xff]
        #expect(packets.allSatisfy { Array($0[field..<field + 2]) == written })
        #expect(Self.frames(packets).count == 1)
        for bad in 0..<3 {
            var other = packets
            other[bad].replaceSubrange(field..<field + 2, with: written.map { ~$0 })
            #expect(Self.frames(other).count == (bad == 1 ? 3 : 2), "\(bad)")
            #expect(Self.frames(other).contains([UInt8](repeating: 0, count: 10) + other[bad]))
        }
    }

    @Test func `an IPv4 header whose checksum is the other zero is never merged`() {
        var packets = Self.stream(2, PacketFixture(isTCP: false, dontFragment: true))
        // The identification takes up the sum.
        for i in 0..<2 { packets[i].identification = 0 }
        for i in 0..<2 { packets[i].identification = UInt16(packets[i].bytes[10]) << 8 | UInt16(packets[i].bytes[11]) }
        let right = packets.map(\.bytes)
        #expect(right.allSatisfy { $0[10] == 0 && $0[11] == 0 })
        #expect(Self.frames(right).count == 1)
        for bad in 0..<2 {
            var other = right
            other[bad].replaceSubrange(10..<12, with: [0xff, 0xff])
            #expect(Self.frames(other).count == 2, "\(bad)")
        }
    }

    @Test func `a datagram without checksum is left alone`() {
        var packets = Self.stream(3, PacketFixture(isTCP: false)).map(\.bytes)
        for i in 0..<3 { packets[i].replaceSubrange(26..<28, with: [0, 0]) }
        #expect(Self.frames(packets).count == 3)
    }

    @Test func `an acknowledgment keeps its place in its flow and is not merged`() {
        var packets = Self.stream(4)
        packets.insert(PacketFixture(sequence: 200), at: 2)
        #expect(Self.shape(packets) == [2, 1, 2])
        var other = Self.stream(4)
        other.insert(PacketFixture(source: 9), at: 2)
        #expect(Self.shape(other) == [4, 1])
    }

    @Test func `fragments, IP options and extension headers keep their place among all flows`() {
        let packets = Self.stream(4, PacketFixture(isTCP: false)).map(\.bytes)
        var fragment = PacketFixture(isTCP: false, payload: [1]).bytes
        fragment[6] = 0x20
        let options = PacketFixture(isTCP: false, ipOptions: [1, 1, 1, 1], payload: [1]).bytes
        var extended = PacketFixture(isIPv6: true, payload: [1]).bytes
        extended[6] = 0
        for special in [fragment, options, extended] {
            let frames = Self.frames(Array(packets[..<2]) + [special] + Array(packets[2...]))
            #expect(frames.map { MemoryAdapter.packets(of: $0).count } == [2, 1, 2])
        }
        var echo = PacketFixture(payload: [1]).bytes
        echo[9] = 1
        #expect(Self.frames(Array(packets[..<2]) + [echo] + Array(packets[2...])).count == 2)
    }

    @Test func `a super-packet has at most 64 datagrams and 65535 bytes`() {
        #expect(Self.shape(Self.stream(130, PacketFixture(isTCP: false))) == [64, 64, 2])
        let packets = Self.stream(60, size: 1400)
        let frames = Self.frames(packets.map(\.bytes))
        #expect(frames.allSatisfy { $0.count <= 65545 })
        #expect(frames.count == 2)
        #expect(Self.frames(Self.stream(600, size: 10).map(\.bytes)).count == 2)
    }

    @Test func `UDP goes one by one where the kernel can't segment it`() {
        #expect(Self.frames(Self.stream(5, PacketFixture(isTCP: false)).map(\.bytes), udp: false).count == 5)
    }

    /// Flows of every kind with losses, repetitions, corruption and noise between them.
    static func traffic(_ generator: inout SeededGenerator) -> [(flow: Int, bytes: [UInt8])] {
        var queues: [[(Int, [UInt8])]] = []
        for flow in 0..<Int.random(in: 1...30, using: &generator) {
            var queue: [(Int, [UInt8])] = []
            var fixture = PacketFixture(
                isIPv6: Bool.random(using: &generator), isTCP: Bool.random(using: &generator), source: UInt8(flow + 1),
                dontFragment: Bool.random(using: &generator))
            fixture.options = fixture.isTCP && Bool.random(using: &generator) ? [1, 1, 1, 1] : []
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                fixture.payload = PacketFixture.randomBytes(Int.random(in: 1...8000, using: &generator), using: &generator)
                if Bool.random(using: &generator) { fixture.flags |= PacketFixture.psh }
                let segments = fixture.segments(of: Int.random(in: 100...1400, using: &generator))
                for segment in segments {
                    var bytes = segment.bytes
                    switch Int.random(in: 0...40, using: &generator) {
                    case 0: continue
                    case 1: queue.append((flow, bytes))
                    case 2: bytes[Int.random(in: segment.headerLength..<bytes.count, using: &generator)] ^= 1
                    case 3:
                        var acknowledgment = segment
                        acknowledgment.payload = []
                        queue.append((flow, acknowledgment.bytes))
                    default: break
                    }
                    queue.append((flow, bytes))
                }
                fixture.sequence = segments.last!.sequence &+ UInt32(segments.last!.payload.count)
                fixture.identification = segments.last!.identification &+ 1
                fixture.flags = PacketFixture.ack
            }
            queues.append(queue)
        }
        var mixed: [(Int, [UInt8])] = []
        while !queues.isEmpty {
            let i = Int.random(in: 0..<queues.count, using: &generator)
            let burst = min(queues[i].count, Int.random(in: 1...12, using: &generator))
            mixed += queues[i].prefix(burst)
            queues[i].removeFirst(burst)
            if queues[i].isEmpty { queues.remove(at: i) }
        }
        return Array(mixed.prefix(1024))
    }

    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func `splitting what was coalesced gives every packet back, in order within each flow`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let traffic = Self.traffic(&generator)
        let result = Self.frames(traffic.map(\.bytes))
        let packets = result.flatMap { MemoryAdapter.packets(of: $0) }
        #expect(packets.count == traffic.count, "seed \(seed)")
        // The source's last byte tells the flow. With DF set the identification means nothing (RFC 6864), and it may change.
        func flow(_ packet: [UInt8]) -> UInt8 { packet[0] >> 4 == 4 ? packet[15] : packet[23] }
        func meaning(_ packet: [UInt8]) -> [UInt8] {
            var packet = packet
            if packet[0] >> 4 == 4 && packet[6] & 0x40 != 0 {
                for offset in [4, 5, 10, 11] { packet[offset] = 0 }
            }
            return packet
        }
        let expected = Dictionary(grouping: traffic.map(\.bytes).map(meaning), by: flow)
        let found = Dictionary(grouping: packets.map(meaning), by: flow)
        // Compared apart, because a failed comparison would print megabytes.
        let isSame = found == expected
        #expect(isSame, "seed \(seed)")
        #expect(traffic.count < 60 || result.count < traffic.count, "seed \(seed)")
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `hostile packets pass by unchanged`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let packets = (0..<20).map { _ in
                var packet = PacketFixture.randomBytes(Int.random(in: 1...120, using: &generator), using: &generator)
                packet[0] = [0x45, 0x60, 0x4f, packet[0]].randomElement(using: &generator)!
                // Nearly right, so that it gets far: lengths and protocol are made to fit, some of the time.
                if packet.count > 40 && Bool.random(using: &generator) {
                    let isIPv6 = packet[0] >> 4 == 6
                    let length = isIPv6 ? packet.count - 40 : packet.count
                    packet.replaceSubrange(isIPv6 ? 4..<6 : 2..<4, with: PacketFixture.be(UInt16(length)))
                    packet[isIPv6 ? 6 : 9] = [6, 17].randomElement(using: &generator)!
                    if !isIPv6 { packet.replaceSubrange(6..<8, with: [0x40, 0]) }
                }
                return packet
            }
            // No checksum is right by chance, so nothing may merge.
            let header = [UInt8](repeating: 0, count: VirtioNetHeader.size)
            let isSame = Self.frames(packets) == packets.map { header + $0 }
            #expect(isSame, "seed \(seed)")
        }
    }
}
