import NetworkTypes
import TunnelSimulation

/// A datagram at a tunnel that has a session with a peer: noise, or a genuine message with changes.
enum MessageFuzz {
    /// - Parameter bytes: what the datagram starts from (noise, or the n-th genuine one), then noise, or changes of two bytes: where and what.
    static func run(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let network = SimulatedNetwork(seed: 1)
        network.oracle = HandshakeOracle()
        let (a, b) = (network.addNode(), network.addNode())
        network.connect(a, b)
        // An initiation that waits, or a whole session.
        if first & 0x40 == 0 { network.cutOneWay(from: b, to: a) }
        precondition(network.reaches(b, from: a, within: .seconds(1)) == (first & 0x40 != 0))
        var datagram = Array(bytes.dropFirst())
        if first & 0x80 != 0, let genuine = network.recordings.dropFirst(Int(first & 3)).first?.bytes {
            datagram = genuine
            for at in stride(from: 1, to: bytes.count - 1, by: 2) {
                let place = Int(bytes[at])
                if place < datagram.count {
                    datagram[place] ^= bytes[at + 1]
                } else if place == 255 {
                    datagram.removeLast(min(datagram.count, Int(bytes[at + 1])))
                } else {
                    datagram += repeatElement(bytes[at + 1], count: place - datagram.count + 1)
                }
            }
        }
        let elsewhere = Endpoint(address: .v4(IPv4Address(rawValue: 0x0102_0304)), port: 9)
        for node in [a, b] {
            network.inject(
                SimulatedNetwork.Recording(bytes: datagram, source: elsewhere, destination: node.endpoint), sender: nil)
        }
        network.run(for: .seconds(1))
        for node in [a, b] { network.oracle?.compare(node, wasSuspended: false) }
        precondition(network.violations.isEmpty, "\(network.violations)")
    }
}

/// What an authenticated peer puts into a data message: delivered if it is an IP packet from an address of the peer's, and not otherwise.
enum InnerFuzz {
    static func run(_ bytes: [UInt8]) {
        guard bytes.count <= 1420 else { return }
        let network = SimulatedNetwork(seed: 2)
        let (a, b) = (network.addNode(), network.addNode())
        network.connect(a, b)
        precondition(network.reaches(b, from: a, within: .seconds(1)))
        var taken: [[UInt8]] = []
        network.taker = { packet in taken.append(packet) }
        a.sendUnchecked(bytes, to: b)
        network.run(for: .seconds(1))
        // The liar pads as everybody does.
        let padded = bytes + [UInt8](repeating: 0, count: min(1420, (bytes.count + 15) / 16 * 16) - bytes.count)
        let expected = naivePacket(padded, from: a)
        precondition(taken == (expected.map { [$0] } ?? []), "took \(taken), expected \(String(describing: expected))")
        network.taker = nil
        precondition(network.reaches(b, from: a, within: .seconds(1)) && network.reaches(a, from: b, within: .seconds(1)))
        precondition(network.violations.isEmpty, "\(network.violations)")
    }

    /// The packet in a payload, told from its two headers alone.
    private static func naivePacket(_ bytes: [UInt8], from peer: SimulatedNode) -> [UInt8]? {
        func number(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }
        if bytes.count >= 20, bytes[0] >> 4 == 4 {
            let (header, total) = (Int(bytes[0] & 15) * 4, Int(number(2..<4)))
            guard header >= 20, total >= header, total <= bytes.count else { return nil }
            return .v4(IPv4Address(rawValue: UInt32(number(12..<16)))) == peer.address ? Array(bytes[..<total]) : nil
        }
        if bytes.count >= 40, bytes[0] >> 4 == 6 {
            let total = 40 + Int(number(4..<6))
            guard total <= bytes.count else { return nil }
            let source = IPv6Address(high: number(8..<16), low: number(16..<24))
            return .v6(source) == peer.addressV6 ? Array(bytes[..<total]) : nil
        }
        return nil
    }
}
