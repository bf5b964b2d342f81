import NetworkTypes
import TunnelCore
import TunnelSimulation

@testable import WireGuardProtocol

/// A datagram at a tunnel that has a session with a peer: noise, or a genuine message with changes.
enum MessageFuzz {
    /// - Parameter bytes: what the datagram starts from (noise, or the n-th genuine one), then noise, or changes of two bytes: where and what.
    ///   With 0x20 in the first byte a handshake message gets the first MAC that its receiver expects, which anybody can make who knows the
    ///   public key: what stands behind that check has to bear any content, too.
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
            // Only the first MAC protects the sender's index: whoever makes that right may change the one, and the rest is genuine.
            if first & 0x20 != 0, datagram.count >= 8, genuine.count >= 8 { datagram.replaceSubrange(4..<8, with: genuine[4..<8]) }
        }
        let elsewhere = Endpoint(address: .v4(IPv4Address(rawValue: 0x0102_0304)), port: 9)
        for node in [a, b] {
            network.inject(
                SimulatedNetwork.Recording(
                    bytes: first & 0x20 == 0 ? datagram : withMAC1(datagram, to: node), source: elsewhere, destination: node.endpoint),
                sender: nil)
        }
        network.run(for: .seconds(1))
        for node in [a, b] { network.oracle?.compare(node, wasSuspended: false) }
        precondition(network.violations.isEmpty, "\(network.violations)")
    }
}

extension MessageFuzz {
    private static func withMAC1(_ datagram: [UInt8], to node: SimulatedNode) -> [UInt8] {
        guard [HandshakeInitiation.byteCount, HandshakeResponse.byteCount].contains(datagram.count) else { return datagram }
        let end = datagram.count - MessagePart.macs
        let mac = unsafe datagram.withUnsafeBytes { unsafe MAC.over($0[..<end], key: LabeledKey.mac1(of: node.publicKey)) }
        var changed = datagram
        for i in 0..<MessagePart.mac { changed[end + i] = mac[i] }
        return changed
    }
}

/// What an authenticated peer puts into a data message: delivered if it is an IP packet from an address of the peer's, and not otherwise.
enum InnerFuzz {
    static func run(_ bytes: [UInt8]) {
        checkUnreachable(bytes)
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

    /// The answer to a packet that nobody takes: to its source, with right sums, and the packet's beginning as it was.
    private static func checkUnreachable(_ bytes: [UInt8]) {
        guard unsafe OwnBlock.with(bytes, { unsafe IPPacketHeader($0) }) != nil else { return }
        let room = [UInt8](repeating: 0xee, count: DestinationUnreachable.maximumSize)
        let answer: [UInt8] = unsafe OwnBlock.with(bytes) { packet in
            unsafe OwnBlock.with(room) { memory in
                let count = unsafe DestinationUnreachable.write(answering: packet, to: UnsafeMutableRawBufferPointer(mutating: memory))
                return unsafe Array(memory.prefix(count))
            }
        }
        guard !answer.isEmpty else { return }
        let isIPv6 = bytes[0] >> 4 == 6
        let header = isIPv6 ? 40 : 20
        precondition(answer[0] >> 4 == bytes[0] >> 4 && answer.dropFirst(header + 8).elementsEqual(bytes.prefix(answer.count - header - 8)))
        let (source, width) = isIPv6 ? (8, 16) : (12, 4)
        precondition(answer[source..<(source + width)].elementsEqual(bytes[(source + width)..<(source + 2 * width)]))
        precondition(answer[(source + width)..<(source + 2 * width)].elementsEqual(bytes[source..<(source + width)]))
        let count = answer.count - header
        let message = Array(answer[header...])
        let pseudo: [UInt8] = Array(answer[source..<header]) + [0, 0, UInt8(count >> 8), UInt8(count & 255), 0, 0, 0, 58]
        precondition(NaiveChecksum.sum(isIPv6 ? pseudo + message : message) == 0xffff)
        precondition(isIPv6 || NaiveChecksum.sum(Array(answer[..<header])) == 0xffff)
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
