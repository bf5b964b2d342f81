import NetworkTypes
import SeededRandom
import Testing
import TunnelSimulation
import WireGuardCrypto
import WireGuardProtocol

@testable import TunnelCore

/// Random events of every kind against what must always hold: a packet arrives at most once, unchanged, and only at the node that
/// it was sent to; and when the trouble is over, everybody reaches everybody again.
@Suite struct TunnelChaosTests {
    /// One thing that goes wrong, or that somebody does.
    static func trouble(_ network: SimulatedNetwork, _ random: inout SplitMix64) {
        let node = network.nodes.randomElement(using: &random)!
        let other = network.nodes.filter { $0 !== node }.randomElement(using: &random)!
        switch Int.random(in: 0..<16, using: &random) {
        case 0: network.cut(node, other)
        case 1, 2: network.mend(node, other)
        case 3:
            node.endpoint = Endpoint(
                address: .v4(IPv4Address(rawValue: .random(in: 1 ... .max, using: &random))), port: .random(in: 1 ... .max, using: &random))
        case 4: node.wallClockOffset += Int64.random(in: -30_000_000_000...30_000_000_000, using: &random)
        case 5:
            node.restart()
            for peer in network.nodes where peer !== node { configure(node, peer) }
        case 6:
            node.configure(other) { $0.removes = true }
        case 7: configure(node, other)
        case 8: node.configure(other) { $0.persistentKeepalive = .random(in: 0...30, using: &random) }
        case 9:
            // Traffic to `other` goes to somebody else, who has no use for it.
            let third = network.nodes.filter { $0 !== node }.randomElement(using: &random)!
            node.configure(third) { $0.allowedIPs = [AllowedIPChange(IPPrefix(other.address))] }
        case 10: network.conditions.loss = .random(in: 0...0.4, using: &random)
        case 11: network.conditions.jitter = .milliseconds(.random(in: 0...200, using: &random))
        case 12: network.conditions.duplication = .random(in: 0...0.3, using: &random)
        case 13: network.conditions.damage = .random(in: 0...0.1, using: &random)
        case 14: node.handshakeCost = .milliseconds(.random(in: 0...300, using: &random))
        default: network.run(for: .seconds(.random(in: 1...100, using: &random)))
        }
    }

    static func configure(_ node: SimulatedNode, _ peer: SimulatedNode) {
        node.configure(peer) {
            $0.endpoint = peer.endpoint
            $0.allowedIPs = [AllowedIPChange(IPPrefix(peer.address)), AllowedIPChange(IPPrefix(peer.addressV6))]
        }
    }

    static func heal(_ network: SimulatedNetwork) {
        network.conditions = SimulatedNetwork.Conditions()
        let latest = network.nodes.map(\.wallClockOffset).max() ?? 0
        for node in network.nodes {
            // Far enough ahead of every clock there was, so that no timestamp is an old one.
            node.wallClockOffset = max(latest, 0) + 3_600_000_000_000
            node.handshakeCost = .milliseconds(1)
            for peer in network.nodes where peer !== node {
                network.mend(node, peer)
                configure(node, peer)
            }
        }
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>) func `whatever happens, packets arrive once and everybody recovers`(seed: UInt64) {
        let network = SimulatedNetwork(seed: seed)
        var random = SplitMix64(seed: seed &* 0x1234_5678_9abc_def1)
        for _ in 0..<4 { _ = network.addNode() }
        for a in network.nodes { for b in network.nodes where a !== b { Self.configure(a, b) } }
        for _ in 0..<400 {
            for _ in 0..<Int.random(in: 0...10, using: &random) {
                let sender = network.nodes.randomElement(using: &random)!
                let receiver = network.nodes.filter { $0 !== sender }.randomElement(using: &random)!
                network.send(
                    from: sender, to: receiver, size: .random(in: InnerPacket.minimumSize...1420, using: &random),
                    isV6: Bool.random(using: &random))
                network.run(for: .milliseconds(.random(in: 0...300, using: &random)))
            }
            Self.trouble(network, &random)
        }
        Self.heal(network)
        network.run(for: .seconds(30))
        // Sessions that are still there on one side only are given up once data has gone unanswered for 15 seconds.
        for _ in 0..<30 {
            for a in network.nodes { for b in network.nodes where a !== b { network.send(from: a, to: b) } }
            network.run(for: .seconds(1))
        }
        for a in network.nodes {
            for b in network.nodes where a !== b {
                #expect(network.reaches(b, from: a, within: .seconds(2)), "seed \(seed): from \(a.number) to \(b.number)")
                #expect(a.tunnel.sessions.count <= 4 * a.tunnel.peerCount, "seed \(seed): session indices leak")
            }
        }
        for a in network.nodes { for b in network.nodes where a !== b { a.configure(b) { $0.persistentKeepalive = 0 } } }
        network.run(for: .seconds(2000))
        for node in network.nodes {
            #expect(node.tunnel.sessions.count == 0, "seed \(seed): session indices leak")
            #expect(node.tunnel.nextDeadline == .distantFuture, "seed \(seed): an idle tunnel has no deadline")
        }
        network.expectNoViolations()
    }
}
