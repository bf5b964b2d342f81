import NetworkTypes
import SeededRandom
import Testing
import TunnelSimulation
import WireGuardCrypto
import WireGuardProtocol

@testable import TunnelCore

@Suite struct HandshakeFloodTests {
    /// An initiation to `node` from somebody who knows its public key, but is no peer.
    static func initiation(to node: SimulatedNode, using generator: inout SplitMix64) throws -> [UInt8] {
        let local = LocalIdentity(privateKey: PrivateKey.random(using: &generator))
        let remote = RemoteIdentity(publicKey: node.publicKey, presharedKey: .zero, local: local)
        let creation = InitiationCreation(
            local: local, remote: remote, senderIndex: 1, timestamp: TAI64N(unixNanoseconds: 0), using: &generator)
        return unsafe try creation.perform().message.withUnsafeBytes { unsafe [UInt8]($0) }
    }

    static func randomSource(using generator: inout SplitMix64) -> Endpoint {
        Endpoint(address: .v4(IPv4Address(rawValue: .random(in: 1 ... .max, using: &generator))), port: 1)
    }

    @Test func `a peer gets through a flood from made-up addresses with a cookie`() throws {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 1)
        var generator = SplitMix64(seed: 2)
        let flood = try Self.initiation(to: b, using: &generator)
        var floods = 0
        func sendFlood() {
            for _ in 0..<4 { b.receive(flood, from: Self.randomSource(using: &generator), trafficClass: 0) }
            floods += 4
            network.schedule(at: network.now + .milliseconds(1), sendFlood)
        }
        sendFlood()
        network.run(for: .milliseconds(200))
        let isUnderLoad = b.queue.isUnderLoad(at: network.now)
        #expect(isUnderLoad)
        let number = network.send(from: a, to: b)
        network.run(for: .seconds(4))
        #expect(!network.wasDelivered(number), "the first initiation has no cookie")
        #expect((b.sent[.cookieReply] ?? 0) > 10_000)
        network.run(for: .seconds(4))
        #expect(network.wasDelivered(number), "the second one has")
        // Only what came before the load was noticed, and in the instants it was not, cost a scalar multiplication.
        #expect(b.tunnel.drops[.unknownPeer] < UInt64(floods / 20), "\(b.tunnel.drops[.unknownPeer]) of \(floods)")
        network.expectNoViolations()
    }

    @Test func `sessions go on while handshakes flood in`() throws {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 3)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        var generator = SplitMix64(seed: 4)
        let flood = try Self.initiation(to: b, using: &generator)
        for _ in 0..<20 {
            for _ in 0..<2000 { b.receive(flood, from: Self.randomSource(using: &generator), trafficClass: 0) }
            #expect(network.reaches(b, from: a, within: .milliseconds(21)))
        }
        #expect(b.tunnel.drops[.handshakeQueueFull] > 0)
        network.expectNoViolations()
    }
}
