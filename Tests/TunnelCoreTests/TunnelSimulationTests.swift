import NetworkTypes
import Testing
import TunnelSimulation
import WireGuardCrypto
import WireGuardProtocol

@testable import TunnelCore

/// Whole tunnels over a simulated network, in virtual time.
@Suite struct TunnelSimulationTests {
    static func pair(seed: UInt64, bothWays: Bool = true) -> (SimulatedNetwork, SimulatedNode, SimulatedNode) {
        let network = SimulatedNetwork(seed: seed)
        let (a, b) = (network.addNode(), network.addNode())
        network.connect(a, b, bothWays: bothWays)
        return (network, a, b)
    }

    @Test func `packets that waited for the handshake arrive in order`() {
        let (network, a, b) = Self.pair(seed: 1)
        let numbers = (0..<100).map { network.send(from: a, to: b, size: 60 + $0 * 13, isV6: !$0.isMultiple(of: 3)) }
        network.run(for: .milliseconds(200))
        #expect(b.delivered == numbers)
        #expect(a.sent[.handshakeInitiation] == 1 && b.sent[.handshakeResponse] == 1)
        #expect(network.reaches(a, from: b, within: .milliseconds(100)), "the responder may send once it has received")
        network.expectNoViolations()
    }

    @Test func `the newest 128 packets wait, older ones are counted as dropped`() {
        let (network, a, b) = Self.pair(seed: 2)
        let numbers = (0..<200).map { _ in network.send(from: a, to: b) }
        network.run(for: .milliseconds(200))
        #expect(b.delivered == Array(numbers.suffix(128)))
        #expect(a.tunnel.drops[.stagedQueueFull] == 72)
        network.expectNoViolations()
    }

    @Test func `an idle tunnel falls silent and makes no more wake-ups`() {
        let (network, a, b) = Self.pair(seed: 3)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        network.run(for: .seconds(30))
        // One keepalive answers the data.
        #expect(b.sent[.transport] == 1 && a.sent[.transport] == 1)
        network.run(for: .seconds(600))
        let (before, datagrams) = (a.wakeUps + b.wakeUps, [a, b].map(\.sent))
        network.run(for: .seconds(100_000))
        #expect(a.wakeUps + b.wakeUps == before)
        #expect([a, b].map(\.sent) == datagrams)
        #expect(a.tunnel.nextDeadline == .distantFuture && b.tunnel.nextDeadline == .distantFuture)
        #expect(a.tunnel.sessions.count == 0 && b.tunnel.sessions.count == 0, "keys are wiped after 540 seconds")
        network.expectNoViolations()
    }

    @Test func `a steady stream renews its session every two minutes without losing a packet`() {
        let (network, a, b) = Self.pair(seed: 4)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        for _ in 0..<3600 * 4 {
            network.send(from: a, to: b)
            network.run(for: .milliseconds(250))
        }
        network.run(for: .seconds(1))
        #expect(b.delivered.count == 1 + 3600 * 4)
        #expect((29...31).contains(a.sent[.handshakeInitiation] ?? 0), "\(a.sent)")
        #expect(b.sent[.handshakeInitiation] == nil, "only the initiator renews because of age")
        #expect(b.tunnel.drops.total == 0 && a.tunnel.drops.total == 0)
        #expect(a.tunnel.sessions.count <= 3 && b.tunnel.sessions.count <= 3)
        network.expectNoViolations()
    }

    @Test func `an initiator that only receives renews its session before it ends`() {
        let (network, a, b) = Self.pair(seed: 5)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        for _ in 0..<1000 {
            network.send(from: b, to: a)
            network.run(for: .seconds(1))
        }
        #expect(a.delivered.count == 1000)
        #expect(b.sent[.handshakeInitiation] == nil)
        network.expectNoViolations()
    }

    @Test func `an unanswered handshake is tried 18 times in 90 seconds and then given up`() {
        let (network, a, b) = Self.pair(seed: 6)
        network.cut(a, b)
        network.send(from: a, to: b)
        network.run(for: .seconds(89))
        #expect(a.tunnel.drops.total == 0)
        network.run(for: .seconds(10))
        #expect(a.sent[.handshakeInitiation] == Limits.maximumHandshakeTries)
        #expect(a.tunnel.drops[.handshakeGivenUp] == 1)
        network.mend(a, b)
        network.run(for: .seconds(600))
        #expect(a.sent[.handshakeInitiation] == Limits.maximumHandshakeTries, "nothing asks for it any more")
        #expect(a.tunnel.nextDeadline == .distantFuture && a.tunnel.sessions.count == 0)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        network.expectNoViolations()
    }

    @Test func `a persistent keepalive restores the tunnel after a long outage`() {
        let (network, a, b) = Self.pair(seed: 7, bothWays: false)
        a.configure(b) { $0.persistentKeepalive = 25 }
        network.run(for: .seconds(1))
        #expect(a.snapshot(of: b)?.lastHandshake != nil, "the first keepalive is due at once")
        #expect(network.reaches(a, from: b, within: .seconds(1)))
        network.cut(a, b)
        network.run(for: .seconds(3600))
        network.mend(a, b)
        network.run(for: .seconds(31))
        #expect(network.reaches(a, from: b, within: .seconds(1)), "the side that cannot be reached first")
        network.expectNoViolations()
    }

    @Test func `a peer that roams is followed by its next packet`() {
        let (network, a, b) = Self.pair(seed: 8, bothWays: false)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        for port in 40_000..<40_010 as Range<UInt16> {
            a.endpoint = Endpoint(address: .v4(IPv4Address(rawValue: 0xcb00_7100 + UInt32(port & 7))), port: port)
            #expect(!network.reaches(a, from: b, within: .seconds(1)), "nobody is at the old address")
            #expect(network.reaches(b, from: a, within: .seconds(1)))
            #expect(b.snapshot(of: a)?.endpoint == a.endpoint)
            #expect(network.reaches(a, from: b, within: .seconds(1)))
        }
        #expect(a.sent[.handshakeInitiation] == 1, "roaming needs no handshake")
        network.expectNoViolations()
    }

    @Test func `a forged or repeated datagram from elsewhere moves no endpoint`() {
        let (network, a, b) = Self.pair(seed: 9)
        var recorded: [[UInt8]] = []
        network.filter = { datagram, sender, _ in
            if sender === a { recorded.append(datagram) }
            return true
        }
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        let attacker = Endpoint(address: .v4(IPv4Address(rawValue: 0x0808_0808)), port: 666)
        let before = (b.snapshot(of: a)?.endpoint, b.delivered.count, b.sent)
        for datagram in recorded {
            b.receive(datagram, from: attacker, trafficClass: 0)
            network.run(for: .milliseconds(100))
            for position in [0, 1, 4, 8, 15, 16, datagram.count - 1] {
                var changed = datagram
                changed[position] ^= 1
                b.receive(changed, from: attacker, trafficClass: 0)
                network.run(for: .milliseconds(100))
            }
        }
        #expect(b.snapshot(of: a)?.endpoint == before.0 && b.delivered.count == before.1)
        #expect(b.sent[.handshakeResponse] == before.2[.handshakeResponse], "an old initiation is not answered")
        #expect(b.tunnel.drops[.replay] == 1 && b.tunnel.drops[.badTag] >= 1)
        // The initiation as it was, and with another mac2, which nobody looks at without load.
        #expect(b.tunnel.drops[.handshakeReplay] == 2 && b.tunnel.drops[.mac1] == 4)
        network.expectNoViolations()
    }

    @Test(arguments: [10 as UInt64, 11, 12, 13]) func `two ends that begin at once agree on a session`(seed: UInt64) {
        let (network, a, b) = Self.pair(seed: seed)
        network.conditions.jitter = .milliseconds(10)
        let numbers = [network.send(from: a, to: b), network.send(from: b, to: a)]
        network.run(for: .seconds(6))
        for _ in 0..<50 {
            #expect(network.reaches(b, from: a, within: .milliseconds(100)), "seed \(seed)")
            #expect(network.reaches(a, from: b, within: .milliseconds(100)), "seed \(seed)")
        }
        #expect(numbers.allSatisfy(network.wasDelivered), "seed \(seed)")
        network.expectNoViolations()
    }

    @Test func `a peer that lost its memory is heard of again within 25 seconds`() {
        let (network, a, b) = Self.pair(seed: 14)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        b.restart()
        network.connect(b, a)
        for _ in 0..<25 {
            network.send(from: a, to: b)
            network.run(for: .seconds(1))
        }
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        #expect(b.tunnel.drops[.unknownIndex] > 0)
        network.expectNoViolations()
    }

    @Test func `a wall clock that was set back stops handshakes only until it has caught up`() {
        let (network, a, b) = Self.pair(seed: 15)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        a.wallClockOffset = -100_000_000_000
        #expect(network.reaches(b, from: a, within: .seconds(1)), "a session does not depend on it")
        network.run(for: .seconds(40))
        a.restart()
        network.connect(a, b)
        #expect(!network.reaches(b, from: a, within: .seconds(30)))
        #expect(b.tunnel.drops[.handshakeReplay] > 0)
        network.run(for: .seconds(40))
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        network.expectNoViolations()
    }

    @Test func `a message that was held back longer than its session is refused`() {
        let (network, a, b) = Self.pair(seed: 16)
        var held: [UInt8]?
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        network.filter = { datagram, sender, _ in
            guard sender === a, held == nil else { return true }
            held = datagram
            return false
        }
        network.send(from: a, to: b)
        network.run(for: .seconds(181))
        let expired = b.tunnel.drops[.sessionExpired] + b.tunnel.drops[.unknownIndex]
        b.receive(held ?? [], from: a.endpoint, trafficClass: 0)
        #expect(b.tunnel.drops[.sessionExpired] + b.tunnel.drops[.unknownIndex] == expired + 1)
        #expect(b.delivered.count == 1)
        network.expectNoViolations()
    }

    @Test func `a session whose counters are used up is renewed, and nothing is sent under a used one`() {
        let (network, a, b) = Self.pair(seed: 17)
        #expect(network.reaches(b, from: a, within: .seconds(6)))
        guard let slot = a.tunnel.route(b.address), let keypair = unsafe a.tunnel.peers[slot]?.pointee.peer.keypairs.current else {
            _ = Issue.record("there is no session")
            return
        }
        for _ in 0..<3 { _ = unsafe keypair.pointee.reserveCounters(.max) }
        #expect(network.reaches(b, from: a, within: .seconds(6)))
        #expect(a.sent[.handshakeInitiation] == 2)
        network.expectNoViolations()
    }
}
