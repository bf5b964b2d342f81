import NetworkTypes
import SeededRandom
import Testing
import TunnelSimulation
import WireGuardCrypto
import WireGuardProtocol

@testable import TunnelCore

/// What changes of the configuration do to a running tunnel.
@Suite struct TunnelConfigurationTests {
    static func presharedKey(_ bytes: [UInt8]) -> PresharedKey? {
        unsafe bytes.withUnsafeBytes { unsafe PresharedKey($0) }
    }

    @Test func `applying the same configuration again changes nothing`() {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 1)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        let before = a.snapshot(of: b)
        var update = TunnelUpdate()
        update.privateKey = a.privateKey
        a.apply(update)
        network.connect(a, b)
        #expect(a.snapshot(of: b)?.allowedIPs == before?.allowedIPs && a.snapshot(of: b)?.lastHandshake == before?.lastHandshake)
        #expect(network.reaches(b, from: a, within: .milliseconds(100)))
        #expect(a.sent[.handshakeInitiation] == 1)
    }

    @Test func `another preshared key keeps the session and counts at the next handshake`() throws {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 2)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        let key = try #require(Self.presharedKey([UInt8](repeating: 7, count: 32)))
        a.configure(b) { $0.presharedKey = key }
        #expect(network.reaches(b, from: a, within: .seconds(1)), "the session goes on")
        network.run(for: .seconds(200))
        #expect(!network.reaches(b, from: a, within: .seconds(10)), "the next handshake needs it on both sides")
        #expect(a.tunnel.drops[.handshakeRefused] > 0)
        b.configure(a) { $0.presharedKey = key }
        #expect(network.reaches(b, from: a, within: .seconds(10)))
        #expect(a.snapshot(of: b)?.presharedKey == key)
        a.configure(b) { $0.presharedKey = .zero }
        #expect(a.snapshot(of: b)?.presharedKey == nil)
        network.expectNoViolations()
    }

    @Test func `an allowed IP that moves is another peer's from the next packet on`() throws {
        let network = SimulatedNetwork(seed: 3)
        let (a, b, c) = (network.addNode(), network.addNode(), network.addNode())
        network.connect(a, b)
        network.connect(a, c)
        #expect(network.reaches(a, from: b, within: .seconds(1)) && network.reaches(a, from: c, within: .seconds(1)))
        a.configure(c) { $0.allowedIPs = [AllowedIPChange(IPPrefix(b.address))] }
        #expect(!network.reaches(a, from: b, within: .seconds(1)), "b may no longer use its address")
        #expect(a.tunnel.drops[.sourceNotAllowed] == 1)
        #expect(a.snapshot(of: b)?.allowedIPs == [IPPrefix(b.addressV6)])
        a.configure(b) { $0.allowedIPs = [AllowedIPChange(IPPrefix(b.address))] }
        #expect(network.reaches(a, from: b, within: .seconds(1)), "its session was not disturbed")
        network.expectNoViolations()
    }

    @Test func `a removed peer is gone at once, and comes back as a new one`() {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 4)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        a.configure(b) { $0.removes = true }
        #expect(a.tunnel.peerCount == 0 && a.tunnel.sessions.count == 0 && a.tunnel.allowedIPs.count == 0)
        #expect(!network.reaches(b, from: a, within: .seconds(1)))
        #expect(a.tunnel.drops[.noPeerForDestination] == 1)
        #expect(!network.reaches(a, from: b, within: .seconds(1)))
        network.connect(a, b)
        network.run(for: .seconds(5))
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        network.expectNoViolations()
    }

    @Test func `a peer that is removed while its handshake is computed gets none`() {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 5)
        a.handshakeCost = .milliseconds(500)
        network.send(from: a, to: b)
        a.configure(b) { $0.removes = true }
        let c = network.addNode()
        network.connect(a, c)
        network.run(for: .seconds(2))
        #expect(a.sent[.handshakeInitiation] == nil && a.tunnel.drops[.handshakeState] == 1)
        #expect(a.tunnel.sessions.count == 0, "its index was given back")
        #expect(network.reaches(c, from: a, within: .seconds(2)), "whose slot is now another's")
        network.expectNoViolations()
    }

    @Test func `another private key ends the sessions made with the old one`() {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 6)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        var generator = SplitMix64(seed: 99)
        var update = TunnelUpdate()
        update.privateKey = PrivateKey.random(using: &generator)
        a.apply(update)
        #expect(!network.reaches(b, from: a, within: .seconds(20)), "b does not know the new key")
        #expect(b.tunnel.drops[.unknownPeer] > 0)
        update.privateKey = a.privateKey
        a.apply(update)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        update.privateKey = .some(nil)
        a.apply(update)
        #expect(a.tunnel.sessions.count == 0)
        #expect(!network.reaches(b, from: a, within: .seconds(20)))
        network.expectNoViolations()
    }

    @Test func `a persistent keepalive goes on when the private key was taken away and given back`() {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 10, bothWays: false)
        a.configure(b) { $0.persistentKeepalive = 25 }
        network.run(for: .seconds(1))
        var update = TunnelUpdate()
        update.privateKey = .some(nil)
        a.apply(update)
        network.run(for: .seconds(300))
        let sent = a.sent
        update.privateKey = a.privateKey
        a.apply(update)
        network.run(for: .seconds(1))
        #expect(a.sent[.handshakeInitiation] == (sent[.handshakeInitiation] ?? 0) + 1, "nobody sends data")
        #expect(network.reaches(a, from: b, within: .seconds(1)))
        network.expectNoViolations()
    }

    @Test func `a tunnel is nobody's peer but others'`() {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 7)
        a.configure(a) { $0.allowedIPs = [AllowedIPChange(IPPrefix(a.address))] }
        #expect(a.tunnel.peerCount == 1)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
    }

    @Test func `an update that only updates adds no peer`() {
        let network = SimulatedNetwork(seed: 8)
        let (a, b) = (network.addNode(), network.addNode())
        a.configure(b) {
            $0.updatesOnly = true
            $0.allowedIPs = [AllowedIPChange(IPPrefix(b.address))]
        }
        #expect(a.tunnel.peerCount == 0 && a.tunnel.allowedIPs.count == 0)
    }

    @Test func `congestion is passed on inward and a mark that nobody understands drops the packet`() {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 9)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        network.remark = { $0 & 3 == 0 ? $0 : $0 | 3 }
        for isV6 in [false, true] {
            let marked = network.send(from: a, to: b, isV6: isV6, ecn: .ect0)
            network.run(for: .seconds(1))
            #expect(network.wasDelivered(marked) && b.lastTrafficClass == 3)
            let plain = network.send(from: a, to: b, isV6: isV6)
            network.run(for: .seconds(1))
            #expect(network.wasDelivered(plain) && b.lastTrafficClass == 0)
        }
        network.remark = { $0 | 3 }
        #expect(!network.reaches(b, from: a, within: .seconds(1)))
        #expect(b.tunnel.drops[.congestionNotUnderstood] == 1)
        network.expectNoViolations()
    }
}
