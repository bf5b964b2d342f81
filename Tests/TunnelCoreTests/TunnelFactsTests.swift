import NetworkTypes
import SeededRandom
import Testing
import TunnelSimulation
import WireGuardCrypto
import WireGuardProtocol

@testable import TunnelCore

/// The evidence that a tunnel gives of what works and what doesn't.
@Suite struct TunnelFactsTests {
    static func facts(_ node: SimulatedNode, of peer: SimulatedNode) throws -> PeerFacts {
        try #require(node.tunnel.facts(at: node.time).peers.first { $0.publicKey == peer.publicKey })
    }

    @Test func `a handshake is counted at both ends, stage by stage`() throws {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 1)
        let start = network.now
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        let (called, answered) = (try Self.facts(a, of: b), try Self.facts(b, of: a))
        #expect((called.handshakes.begun.count, called.handshakes.sent.count, called.handshakes.completed.count) == (1, 1, 1))
        #expect(called.handshakes.unanswered == 0 && called.handshakes.callingSince == nil && called.hasSession)
        // Two ways of 20 ms, and four steps of one.
        #expect(called.handshakes.completed.last == start + Interval(nanoseconds: 44_000_000))
        #expect(called.handshakes.duration == Interval(nanoseconds: 44_000_000))
        #expect((answered.handshakes.received.count, answered.handshakes.answered.count, answered.handshakes.confirmed.count) == (1, 1, 1))
        #expect(answered.handshakes.unconfirmed == 0 && answered.handshakes.begun.count == 0)
        #expect((called.traffic.sentSinceHandshake, called.traffic.receivedSinceHandshake) == (1, 0))
        #expect((answered.traffic.sentSinceHandshake, answered.traffic.receivedSinceHandshake) == (0, 1))
        #expect(called.newHandshakeDeadline != nil && answered.newHandshakeDeadline == nil)
        #expect(called.traffic.unansweredSince == called.traffic.lastDataSent)
    }

    @Test func `a response made with another preshared key is a refusal with its reason`() throws {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 2)
        let key = try #require(TunnelConfigurationTests.presharedKey([UInt8](repeating: 7, count: 32)))
        b.configure(a) { $0.presharedKey = key }
        #expect(!network.reaches(b, from: a, within: .seconds(6)))
        let (called, answered) = (try Self.facts(a, of: b), try Self.facts(b, of: a))
        #expect(called.handshakes.refusedResponses.tally.count == 2 && called.handshakes.refusedResponses.reason == .empty)
        #expect(called.handshakes.unanswered == 2 && called.handshakes.callingSince == called.handshakes.begun.last)
        #expect(answered.handshakes.unconfirmed == 2 && answered.handshakes.confirmed.count == 0)
    }

    @Test func `answers that don't arrive are counted as unconfirmed`() throws {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 3)
        network.filter = { _, sender, _ in sender !== b }
        #expect(!network.reaches(b, from: a, within: .seconds(11)))
        let answered = try Self.facts(b, of: a)
        #expect(answered.handshakes.unconfirmed == answered.handshakes.answered.count && answered.handshakes.unconfirmed == 3)
        let first = try #require(answered.handshakes.unconfirmedSince)
        #expect(network.now.since(first) > .seconds(10))
        #expect(answered.traffic.lastAuthentic == answered.handshakes.received.last)
        network.filter = nil
        #expect(network.reaches(b, from: a, within: .seconds(6)))
        #expect(try Self.facts(b, of: a).handshakes.unconfirmed == 0)
    }

    @Test func `a peer whose clock was set back says how far it is behind`() throws {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 4)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        a.wallClockOffset = -3_540_000_000_000
        a.restart()
        network.connect(a, b)
        #expect(!network.reaches(b, from: a, within: .seconds(5)))
        let greatest = try #require(a.tunnel.facts(at: a.time).greatestTimestampSent)
        #expect(a.time.unixNanoseconds - greatest <= 6_000_000_000, "it restarted, and has no later one")
        let facts = try Self.facts(b, of: a)
        #expect(facts.handshakes.refusedInitiations.reason == .replay)
        let lag = try #require(facts.handshakes.timestampLag)
        #expect((3530...3540).contains(lag.nanoseconds / 1_000_000_000))
        a.wallClockOffset = 0
        #expect(network.reaches(b, from: a, within: .seconds(6)))
        #expect(try Self.facts(b, of: a).handshakes.timestampLag == nil)
    }

    @Test func `an endpoint says where it came from and how often it moved`() throws {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 5, bothWays: false)
        #expect(try Self.facts(b, of: a).location == LocationFacts())
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        #expect(try Self.facts(a, of: b).location.origin == .configured)
        var location = try Self.facts(b, of: a).location
        #expect(location.origin == .heard && location.moves.count == 0 && location.endpoint == a.endpoint && location.previous == nil)
        let old = a.endpoint
        a.endpoint.port = 4711
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        location = try Self.facts(b, of: a).location
        #expect(location.moves.count == 1 && location.previous == old && location.endpoint == a.endpoint && location.configured == nil)
        b.configure(a) { $0.endpoint = old }
        location = try Self.facts(b, of: a).location
        #expect(location.origin == .configured && location.configured == old)
    }

    @Test func `strangers are kept with their keys, the last few of them`() throws {
        let network = SimulatedNetwork(seed: 6)
        let node = network.addNode()
        var generator = SplitMix64(seed: 7)
        for number in 0..<RecentSenders.capacity + 4 {
            let sender = Endpoint(address: .v4(IPv4Address(rawValue: UInt32(number + 1))), port: 1)
            let stranger = try HandshakeFloodTests.initiation(to: node, using: &generator)
            node.receive(stranger, from: sender, trafficClass: 0)
            network.run(for: .milliseconds(10))
            var damaged = stranger
            damaged[40] ^= 1
            for _ in 0..<2 {
                node.receive(damaged, from: sender, trafficClass: 0)
                network.run(for: .milliseconds(10))
            }
        }
        let facts = node.tunnel.facts(at: node.time)
        #expect(facts.unknownPeers.count == RecentSenders.capacity && facts.misaddressed.count == RecentSenders.capacity)
        #expect(facts.unknownPeers.allSatisfy { $0.publicKey != nil && $0.tally.count == 1 })
        #expect(facts.misaddressed.allSatisfy { $0.publicKey == nil && $0.tally.count == 2 })
        #expect(facts.misaddressed.last?.sender.address == .v4(IPv4Address(rawValue: UInt32(RecentSenders.capacity + 4))))
        #expect(facts.drops[.unknownPeer] == 12 && facts.drops[.mac1] == 24)
    }

    @Test func `each reason to drop has an example with addresses and ports`() throws {
        let network = SimulatedNetwork(seed: 8)
        let (a, b, c) = (network.addNode(), network.addNode(), network.addNode())
        network.connect(a, b)
        network.connect(b, c)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        // c's address is no business of a's.
        var inner = InnerPacket.make(number: 99, from: c.address, to: b.address, size: 100)
        inner.replaceSubrange(20..<24, with: [0x12, 0x34, 0x00, 0x35])
        a.send(inner)
        network.run(for: .seconds(1))
        let example = try #require(b.tunnel.facts(at: b.time).examples.first { $0.reason == .sourceNotAllowed })
        #expect(example.peer == a.publicKey && example.sender == a.endpoint)
        let packet = try #require(example.packet)
        #expect(packet.source == c.address && packet.destination == b.address && packet.protocolNumber == 17)
        #expect(packet.ports == PacketAddresses.Ports(source: 0x1234, destination: 53))
        var nobody = [UInt8](repeating: 4, count: 48)
        nobody[3] = 0
        b.receive(nobody, from: a.endpoint, trafficClass: 0)
        let unknown = b.tunnel.facts(at: b.time).examples.map(\.reason)
        #expect(unknown.contains(.unknownType))
    }

    @Test func `one example a turn is kept, however many packets are dropped`() {
        var examples = DropExamples()
        let now = Instant(nanoseconds: 5)
        #expect(examples.wants(.replay, at: now))
        examples.keep(DropExample(reason: .replay, time: now))
        #expect(!examples.wants(.replay, at: now) && examples.wants(.badTag, at: now))
        #expect(examples.wants(.replay, at: Instant(nanoseconds: 6)) && examples.all.count == 1)
    }

    @Test func `a receiver whose port has changed is followed before the sender's timer asks`() {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 9)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        b.endpoint.port = 4711
        _ = b.tunnel.announce(0..<1, at: b.time)
        b.attend()
        network.run(for: .milliseconds(100))
        #expect(network.reaches(b, from: a, within: .milliseconds(100)), "nothing but a's packets went either way")
        #expect(a.sent[.handshakeInitiation] == 1)
    }
}
