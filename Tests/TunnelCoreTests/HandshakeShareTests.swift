import NetworkTypes
import SeededRandom
import Testing
import TunnelSimulation
import WireGuardCrypto
import WireGuardProtocol

@testable import TunnelCore

/// Many peers that need a handshake at the same moment, as after a restart.
@Suite struct HandshakeShareTests {
    /// A hub and its peers; everybody knows where everybody is.
    static func star(_ count: Int, seed: UInt64) -> (SimulatedNetwork, SimulatedNode, [SimulatedNode]) {
        let network = SimulatedNetwork(seed: seed)
        let hub = network.addNode()
        hub.hasOneThread = true
        hub.handshakeCost = Interval(nanoseconds: 500_000)
        let peers = (0..<count).map { _ in network.addNode() }
        for peer in peers { network.connect(hub, peer) }
        return (network, hub, peers)
    }

    @Test func `a call looks at a share of the peers that are due, and the next ones at the others`() throws {
        let (network, hub, peers) = Self.star(100, seed: 1)
        var update = TunnelUpdate()
        update.peers = peers.map {
            var peer = PeerUpdate(publicKey: $0.publicKey)
            peer.persistentKeepalive = 25
            return peer
        }
        hub.tunnel.apply(update, at: hub.time)
        var called: Set<UInt32> = []
        var calls = 0
        while hub.tunnel.needsAttention || hub.tunnel.nextDeadline <= network.now {
            let steps = hub.tunnel.attend(at: hub.time, using: &hub.generator).steps
            // A scalar multiplication each, before the inbox is looked at again.
            #expect(steps.count <= 32)
            for case .initiate(_, let slot, _) in steps { called.insert(slot) }
            calls += 1
            try #require(calls < 1000)
        }
        #expect(called.count == 100)
        // Nobody has answered: all are to be called again, and a call doesn't look at all of their timers.
        let later = TimePoint(now: network.now + .seconds(6), unixNanoseconds: hub.time.unixNanoseconds)
        #expect(hub.tunnel.nextDeadline <= later.now)
        _ = hub.tunnel.attend(at: later, using: &hub.generator)
        #expect(hub.tunnel.nextDeadline <= later.now)
    }

    @Test func `everybody gets a session at once, and no friend is asked for a cookie`() {
        let (network, hub, peers) = Self.star(250, seed: 2)
        #expect(network.reaches(hub, from: peers[0], within: .seconds(1)))
        var update = TunnelUpdate()
        update.peers = peers.map {
            var peer = PeerUpdate(publicKey: $0.publicKey)
            peer.persistentKeepalive = 25
            return peer
        }
        hub.apply(update)
        // Beside traffic of one of them.
        let packets = (0..<100).map { _ in
            network.run(for: .milliseconds(10))
            return network.send(from: peers[0], to: hub)
        }
        network.run(for: .milliseconds(100))
        #expect(packets.allSatisfy(network.wasDelivered))
        #expect(peers.allSatisfy { hub.snapshot(of: $0)?.lastHandshake != nil })
        #expect(hub.sent[.cookieReply] == nil && hub.sent[.handshakeInitiation] == 249)
        #expect(hub.tunnel.drops.total == 0)
        network.expectNoViolations()
    }

    @Test func `those whom we call are let in without a cookie while strangers knock`() throws {
        let (network, hub, peers) = Self.star(20, seed: 3)
        var generator = SplitMix64(seed: 4)
        let flood = try HandshakeFloodTests.initiation(to: hub, using: &generator)
        func sendFlood() {
            for _ in 0..<4 { hub.receive(flood, from: HandshakeFloodTests.randomSource(using: &generator), trafficClass: 0) }
            network.schedule(at: network.now + .milliseconds(1), sendFlood)
        }
        sendFlood()
        network.run(for: .milliseconds(200))
        let isUnderLoad = hub.queue.isUnderLoad(at: network.now)
        #expect(isUnderLoad)
        for peer in peers { network.send(from: hub, to: peer) }
        network.run(for: .seconds(2))
        #expect(peers.allSatisfy { hub.snapshot(of: $0)?.lastHandshake != nil })
        #expect(peers.allSatisfy { ($0.delivered.count, $0.sent[.handshakeResponse]) == (1, 1) })
        network.expectNoViolations()
    }
}
