@testable import LinuxSystem
@testable import TunAdapter

/// Packets that an authenticated peer sends one after another: whatever is merged of them comes apart again as exactly what went in.
///
/// The one liberty is RFC 6864's: with DF set the IPv4 identification says nothing, and it may change.
enum CoalescingFuzz {
    /// - Parameter bytes: steps of a peer, each a byte for what it does, one for how much, and what that takes.
    static func run(_ bytes: [UInt8]) {
        var peer = LyingPeer(steps: bytes)
        var packets: [[UInt8]] = []
        while packets.count < 200, let packet = peer.nextPacket() { packets.append(packet) }
        for mergesUDP in [true, false] {
            let frames = frames(of: packets, mergesUDP: mergesUDP)
            let apart = frames.flatMap { frame in
                frame.prefix(VirtioNetHeader.size).contains { $0 != 0 }
                    ? MemoryAdapter.packets(of: frame) : [Array(frame.dropFirst(VirtioNetHeader.size))]
            }
            let expected = Dictionary(grouping: packets.map(meaning), by: flow)
            let found = Dictionary(grouping: apart.map(meaning), by: flow)
            precondition(found == expected, "of \(packets) became \(apart)")
        }
    }

    /// What the packets leave as, each with its virtio header.
    static func frames(of packets: [[UInt8]], mergesUDP: Bool) -> [[UInt8]] {
        var coalescing = Coalescing(capacity: max(1, packets.count))
        coalescing.mergesUDP = mergesUDP
        let whole = packets.reduce(0) { $0 + $1.count }
        return unsafe withUnsafeTemporaryAllocation(byteCount: max(1, whole), alignment: 16) { memory in
            var at = 0
            for packet in packets {
                // SAFETY: the memory has room for all packets, one behind the other.
                unsafe memory.baseAddress!.advanced(by: at).copyMemory(from: packet, byteCount: packet.count)
                unsafe coalescing.add(memory.baseAddress! + at, count: packet.count)
                at += packet.count
            }
            let header = UnsafeMutableRawPointer.allocate(byteCount: Coalescing.Limits.headerBytes, alignment: 16)
            let pieces = UnsafeMutablePointer<MemoryPiece>.allocate(capacity: Coalescing.Limits.tcpSegments + 1)
            defer {
                unsafe header.deallocate()
                unsafe pieces.deallocate()
            }
            return (0..<coalescing.itemCount).map { item in
                let count = unsafe coalescing.gather(item, header: header, into: pieces, virtio: true)
                return (0..<count).flatMap { unsafe [UInt8](UnsafeRawBufferPointer(start: pieces[$0].start, count: pieces[$0].count)) }
            }
        }
    }

    /// A packet without what may change on the way.
    private static func meaning(_ packet: [UInt8]) -> [UInt8] {
        guard packet.count >= 20, packet[0] == 0x45, packet[6] & 0x40 != 0, NaiveChecksum.sum(Array(packet[..<20])) == 0xffff else {
            return packet
        }
        var packet = packet
        // A header checksum has two forms of zero, and only one of them is what the kernel writes.
        let otherZero = packet[10] == 0xff && packet[11] == 0xff
        for at in [4, 5, 10, 11] { packet[at] = 0 }
        packet[11] = otherZero ? 1 : 0
        return packet
    }

    /// What keeps its order: the packets of one protocol between the same addresses and ports.
    private static func flow(_ packet: [UInt8]) -> [UInt8] {
        if packet.count >= 28, packet[0] == 0x45, packet[6] & 0x3f == 0, packet[7] == 0 { return [packet[9]] + packet[12..<24] }
        if packet.count >= 48, packet[0] >> 4 == 6 { return [packet[6]] + packet[8..<44] }
        return []
    }
}

/// A peer whose packets are a good stream's, but for what its steps change.
struct LyingPeer {
    private var steps: ArraySlice<UInt8>
    private var isIPv6 = false
    private var isTCP = true
    private var trafficClass: UInt8 = 0
    private var fragment: UInt16 = 0x4000
    private var identification: UInt16 = 0xfff8
    private var sequence: UInt32 = 0xffff_fc00
    private var window: UInt16 = 500
    private var port: UInt8 = 1
    private var options: [UInt8] = []

    init(steps: [UInt8]) { self.steps = steps[...] }

    private mutating func next() -> UInt8? { steps.popFirst() }

    /// The next packet; nil when the steps are at their end.
    mutating func nextPacket() -> [UInt8]? {
        guard let step = next(), let amount = next() else { return nil }
        var flags: UInt8 = 0x10
        var change: (at: Int, by: UInt8)?
        switch step & 31 {
        case 0: isTCP.toggle()
        case 1: isIPv6.toggle()
        case 2: fragment ^= UInt16(next() ?? 0x40) << 8
        case 3: identification &+= UInt16(next() ?? 1)
        case 4: sequence &+= UInt32(next() ?? 1)
        case 5: flags = next() ?? 0x18
        case 6: trafficClass ^= next() ?? 1
        case 7: port ^= 1 + (next() ?? 0) & 3
        case 8: options = (0..<(next() ?? 4) % 11).flatMap { [1, 1, 1, $0] }
        case 9: window &+= UInt16(next() ?? 1)
        case 10: identification = UInt16(next() ?? 0) << 8 | UInt16(next() ?? 0)
        case 11:
            // Anything at all.
            let noise = Array(steps.prefix(Int(amount)))
            steps = steps.dropFirst(Int(amount))
            return noise.isEmpty ? nil : noise
        case 12...15: change = (Int(next() ?? 0), next() ?? 1)
        default: break
        }
        var packet = build(payload: Int(step & 0x80) << 3 + Int(amount), flags: flags)
        let network = isIPv6 ? 40 : 20
        if let change, change.at < packet.count { packet[change.at] ^= change.by }
        if step & 0x40 != 0, change == nil {
            // The other form of a checksum's zero, or a payload that makes the checksum zero.
            makeChecksumZero(&packet, network: network, field: network + (isTCP ? 16 : 6), otherForm: step & 0x20 != 0)
        }
        identification &+= 1
        if isTCP { sequence &+= UInt32(packet.count - network - 20 - options.count) }
        return packet
    }

    private func build(payload: Int, flags: UInt8) -> [UInt8] {
        func number(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }
        let length = (isTCP ? 20 + options.count : 8) + payload
        var transport: [UInt8] = [0x03, port, 0x01, 0xbb]
        if isTCP {
            transport += number(Int(sequence >> 16)) + number(Int(sequence & 0xffff)) + [0, 0, 0, 77]
            transport += [UInt8(20 + options.count) << 2, flags] + number(Int(window)) + [0, 0, 0, 0] + options
        } else {
            transport += number(length) + [0, 0]
        }
        transport += (0..<payload).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ Int(identification)) }
        var header: [UInt8]
        if isIPv6 {
            header = [0x60 | trafficClass >> 4, trafficClass << 4, 0, 0] + number(length) + [isTCP ? 6 : 17, 64]
            header += [UInt8](repeating: 0xfd, count: 31) + [port]
        } else {
            header = [0x45, trafficClass] + number(20 + length) + number(Int(identification)) + number(Int(fragment))
            header += [64, isTCP ? 6 : 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]
            header.replaceSubrange(10..<12, with: number(Int(~NaiveChecksum.sum(header))))
        }
        var packet = header + transport
        NaiveChecksum.complete(&packet)
        return packet
    }

    /// Makes the payload's first two bytes, where there are any, such that the transport checksum becomes zero, in the form asked for.
    private func makeChecksumZero(_ packet: inout [UInt8], network: Int, field: Int, otherForm: Bool) {
        let payload = network + (isTCP ? 20 + options.count : 8)
        guard packet.count >= payload + 2 else { return }
        let checksum = UInt32(packet[field]) << 8 | UInt32(packet[field + 1])
        var word = UInt32(packet[payload]) << 8 | UInt32(packet[payload + 1])
        word += checksum
        word = (word & 0xffff) + word >> 16
        (packet[payload], packet[payload + 1]) = (UInt8(word >> 8), UInt8(word & 255))
        (packet[field], packet[field + 1]) = otherForm ? (0xff, 0xff) : (0, 0)
    }
}
