/// A generator whose whole sequence follows from its seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// Builds TCP and UDP packets the slow and obvious way: the reference for segmentation and coalescing.
struct PacketFixture {
    var isIPv6 = false
    var isTCP = true
    var source: UInt8 = 1
    var sourcePort: UInt16 = 1000
    var trafficClass: UInt8 = 0
    var hops: UInt8 = 64
    var identification: UInt16 = 0
    var dontFragment = true
    var sequence: UInt32 = 0
    var acknowledgment: UInt32 = 77
    var flags: UInt8 = 0x10
    var window: UInt16 = 500
    var options: [UInt8] = []
    var ipOptions: [UInt8] = []
    var payload: [UInt8] = []

    static let fin: UInt8 = 0x01
    static let syn: UInt8 = 0x02
    static let psh: UInt8 = 0x08
    static let ack: UInt8 = 0x10
    static let ece: UInt8 = 0x40
    static let cwr: UInt8 = 0x80

    static func be(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xff)] }
    static func be(_ value: UInt32) -> [UInt8] { be(UInt16(value >> 16)) + be(UInt16(value & 0xffff)) }

    /// RFC 1071, two bytes at a time.
    static func sum(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for i in stride(from: 0, to: bytes.count, by: 2) {
            sum += UInt32(bytes[i]) << 8 | UInt32(i + 1 < bytes.count ? bytes[i + 1] : 0)
            sum = (sum & 0xffff) + sum >> 16
        }
        return UInt16(sum)
    }

    var networkLength: Int { isIPv6 ? 40 : 20 + ipOptions.count }
    var transportLength: Int { isTCP ? 20 + options.count : 8 }
    var headerLength: Int { networkLength + transportLength }

    private var addresses: [UInt8] {
        isIPv6
            ? [0xfd] + Array(repeating: 0, count: 14) + [source] + [0xfd] + Array(repeating: 0, count: 14) + [200]
            : [10, 0, 0, source, 10, 0, 0, 200]
    }

    /// The packet with all checksums right.
    var bytes: [UInt8] { build(partialChecksum: false) }

    /// The packet with only the pseudo-header's sum in its transport checksum, as the kernel hands over what hardware shall complete.
    var unfinishedBytes: [UInt8] { build(partialChecksum: true) }

    private func build(partialChecksum: Bool) -> [UInt8] {
        let number: UInt8 = isTCP ? 6 : 17
        let length = transportLength + payload.count
        var transport: [UInt8] = Self.be(sourcePort) + Self.be(UInt16(443))
        if isTCP {
            let offset = UInt8(transportLength / 4) << 4
            transport += Self.be(sequence) + Self.be(acknowledgment) + [offset, flags] + Self.be(window) + [0, 0, 0, 0] + options
        } else {
            transport += Self.be(UInt16(truncatingIfNeeded: length)) + [0, 0]
        }
        let pseudo = addresses + [0, number] + Self.be(UInt32(length))
        let field = isTCP ? 16 : 6
        var checksum = partialChecksum ? Self.sum(pseudo) : ~Self.sum(pseudo + transport + payload)
        if !isTCP && !partialChecksum && checksum == 0 { checksum = 0xffff }
        transport.replaceSubrange(field..<field + 2, with: Self.be(checksum))
        var network: [UInt8]
        if isIPv6 {
            network = Self.be(UInt32(0x6000_0000) | UInt32(trafficClass) << 20)
            network += Self.be(UInt16(truncatingIfNeeded: length)) + [number, hops] + addresses
        } else {
            network = [UInt8(0x40 + networkLength / 4), trafficClass] + Self.be(UInt16(truncatingIfNeeded: networkLength + length))
            network += Self.be(identification) + Self.be(UInt16(dontFragment ? 0x4000 : 0)) + [hops, number, 0, 0] + addresses + ipOptions
            network.replaceSubrange(10..<12, with: Self.be(~Self.sum(network)))
        }
        return network + transport + payload
    }

    /// The single packets that a super-packet with these fields stands for.
    func segments(of size: Int) -> [PacketFixture] {
        let count = max(1, (payload.count + size - 1) / size)
        return (0..<count).map { i in
            var segment = self
            segment.payload = Array(payload[i * size..<min(payload.count, (i + 1) * size)])
            segment.identification = identification &+ UInt16(i)
            if isTCP {
                segment.sequence = sequence &+ UInt32(i * size)
                if i > 0 { segment.flags &= ~Self.cwr }
                if i < count - 1 { segment.flags &= ~(Self.psh | Self.fin) }
            }
            return segment
        }
    }

    static func randomBytes(_ count: Int, using generator: inout SeededGenerator) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }
}
