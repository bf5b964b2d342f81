import NetworkTypes
import Testing
import TunnelSimulation
import WireGuardCrypto
import WireGuardProtocol

@testable import TunnelCore

/// Steps are performed without the lock: what comes back may no longer fit.
@Suite struct HandshakeStateTests {
    /// A pair whose first response was held back before it reached the initiator.
    static func heldResponse(seed: UInt64) throws -> (SimulatedNetwork, SimulatedNode, SimulatedNode, HandshakeDatagram) {
        let (network, a, b) = TunnelSimulationTests.pair(seed: seed)
        var held: [UInt8]?
        network.filter = { datagram, sender, _ in
            guard sender === b, held == nil else { return true }
            held = datagram
            return false
        }
        network.send(from: a, to: b)
        network.run(for: .seconds(1))
        let response = try #require(held)
        let datagram = unsafe response.withUnsafeBytes { unsafe HandshakeDatagram($0, from: b.endpoint, at: nil) }
        return (network, a, b, try #require(datagram))
    }

    static func take(_ response: HandshakeDatagram, at node: SimulatedNode) throws -> HandshakeStep.Outcome {
        let step = node.tunnel.receive(response, at: node.time)
        return try #require(step).perform()
    }

    @Test func `a response that is computed twice makes one session`() throws {
        let (network, a, b, response) = try Self.heldResponse(seed: 1)
        let outcomes = try [Self.take(response, at: a), Self.take(response, at: a)]
        _ = a.tunnel.resume(outcomes[0], at: a.time, using: &a.generator)
        a.attend()
        #expect(network.reaches(b, from: a, within: .milliseconds(100)))
        // Another session with the same keys would use every nonce a second time.
        _ = a.tunnel.resume(outcomes[1], at: a.time, using: &a.generator)
        a.attend()
        #expect(a.tunnel.drops[.handshakeState] == 1)
        #expect(network.reaches(b, from: a, within: .milliseconds(100)))
        #expect(b.tunnel.drops[.replay] == 0 && a.tunnel.sessions.count == 1)
        network.expectNoViolations()
    }

    @Test func `no packet overtakes those that waited for the session`() throws {
        let (network, a, b, response) = try Self.heldResponse(seed: 4)
        let outcome = try Self.take(response, at: a)
        let waiting = (0..<20).map { _ in network.send(from: a, to: b) }
        _ = a.tunnel.resume(outcome, at: a.time, using: &a.generator)
        let needsSending = a.tunnel.needsSending
        #expect(needsSending)
        // The session is there, and what waited has not been sent yet.
        let packet = InnerPacket.make(number: 1, from: a.address, to: b.address, size: 100)
        var room = [UInt8](repeating: 0, count: 16) + packet + [UInt8](repeating: 0, count: 31)
        let routed = a.tunnel.route(b.address)
        let slot = try #require(routed)
        let isStaged = unsafe room.withUnsafeMutableBytes { bytes in
            if case .staged = unsafe a.tunnel.prepare(bytes.baseAddress! + 16, count: 100, to: slot, at: a.time) { true } else { false }
        }
        #expect(isStaged)
        a.tunnel.finishOutbound(at: a.time)
        a.attend()
        network.run(for: .seconds(1))
        // The packet with which the handshake began is the first.
        #expect(b.delivered == [1] + waiting + [1])
    }

    @Test func `a response to a handshake that was begun with another preshared key makes no session`() throws {
        let (network, a, b, response) = try Self.heldResponse(seed: 2)
        let outcome = try Self.take(response, at: a)
        let key = try #require(TunnelConfigurationTests.presharedKey([UInt8](repeating: 1, count: 32)))
        a.configure(b) { $0.presharedKey = key }
        _ = a.tunnel.resume(outcome, at: a.time, using: &a.generator)
        #expect(a.tunnel.drops[.handshakeState] == 1 && a.snapshot(of: b)?.lastHandshake == nil)
        b.configure(a) { $0.presharedKey = key }
        network.run(for: .seconds(6))
        #expect(network.reaches(b, from: a, within: .milliseconds(100)))
        network.expectNoViolations()
    }

    @Test func `a response to an initiation that was sent again is too late`() throws {
        let (network, a, b, response) = try Self.heldResponse(seed: 3)
        network.cut(a, b)
        let outcome = try Self.take(response, at: a)
        network.run(for: .seconds(6))
        #expect(a.sent[.handshakeInitiation] == 2)
        _ = a.tunnel.resume(outcome, at: a.time, using: &a.generator)
        #expect(a.tunnel.drops[.handshakeState] == 1 && a.snapshot(of: b)?.lastHandshake == nil)
        let late = a.tunnel.receive(response, at: a.time)
        #expect(late == nil)
        #expect(a.tunnel.drops[.handshakeIndex] == 1, "its index was given back")
        network.mend(a, b)
        network.run(for: .seconds(10))
        #expect(network.reaches(b, from: a, within: .milliseconds(100)))
        network.expectNoViolations()
    }

    @Test func `sessions are renewed for somebody who has to see them made, and what there is goes on meanwhile`() throws {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 9)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        // An initiation was sent less than 5 s ago: the wish is kept, not lost.
        for wait in [Interval.milliseconds(0), .seconds(30)] {
            network.run(for: wait)
            let before = try #require(a.snapshot(of: b)?.lastHandshake)
            a.tunnel.renewSessions(atMost: 1, at: a.time)
            #expect(network.reaches(b, from: a, within: .milliseconds(100)))
            network.run(for: .seconds(6))
            let after = try #require(a.snapshot(of: b)?.lastHandshake)
            #expect(after > before)
        }
        let before = a.snapshot(of: b)?.lastHandshake
        a.tunnel.renewSessions(atMost: 0, at: a.time)
        network.run(for: .seconds(6))
        #expect(a.snapshot(of: b)?.lastHandshake == before)
        network.expectNoViolations()
    }
}
