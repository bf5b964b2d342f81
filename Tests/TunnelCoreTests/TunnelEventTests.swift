import NetworkTypes
import Testing
import TunnelSimulation
import WireGuardCrypto
import WireGuardProtocol

@testable import TunnelCore

@Suite struct TunnelEventTests {
    static func kinds(_ node: SimulatedNode) -> [TunnelEvent.Kind] {
        defer { node.events = [] }
        return node.events.map(\.kind)
    }

    @Test func `a tunnel's day is told in order`() {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 1, bothWays: false)
        #expect(Self.kinds(a) == [.keyChanged(a.publicKey)])
        _ = Self.kinds(b)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        let took = Interval(nanoseconds: 44_000_000)
        #expect(Self.kinds(a) == [.handshakeBegun, .handshakeCompleted(took: took, role: .initiator)])
        let told = b.events
        #expect(told.allSatisfy { $0.peer == a.publicKey })
        #expect(Self.kinds(b).contains(.endpointMoved(from: nil, to: a.endpoint)))
        #expect(told.contains { if case .handshakeCompleted(_, .responder) = $0.kind { true } else { false } })
        // It moves.
        let old = a.endpoint
        a.endpoint.port = 4711
        network.run(for: .seconds(1))
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        #expect(Self.kinds(b) == [.endpointMoved(from: old, to: a.endpoint)])
        // It renews its session.
        network.run(for: .seconds(120))
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        network.run(for: .seconds(1))
        #expect(Self.kinds(a).last == .sessionRenewed(took: took, role: .initiator))
        #expect(Self.kinds(b).last.map { if case .sessionRenewed(_, .responder) = $0 { true } else { false } } == true)
        // Nobody answers, and then somebody does.
        network.cut(a, b)
        network.send(from: a, to: b)
        network.run(for: .seconds(30))
        let silent = Self.kinds(a)
        #expect(silent.contains { if case .peerSilent(let time) = $0 { time >= Limits.newHandshakeTimeout } else { false } }, "\(silent)")
        #expect(silent.filter { $0 == .handshakeBegun }.count == 1, "tries are not told one by one")
        network.run(for: .seconds(80))
        #expect(Self.kinds(a).contains { if case .handshakeGivenUp(let time) = $0 { time > .seconds(85) } else { false } })
        network.mend(a, b)
        #expect(network.reaches(b, from: a, within: .seconds(1)), "the session is still good")
        // Its keepalive is the first that is heard.
        network.run(for: .seconds(11))
        let back = Self.kinds(a)
        #expect(back.contains { if case .peerBack(let time) = $0 { time > .seconds(100) } else { false } }, "\(back)")
        // All is quiet until the keys are wiped.
        network.run(for: .seconds(600))
        #expect(Self.kinds(a) == [.sessionExpired] && Self.kinds(b) == [.sessionExpired])
        network.expectNoViolations()
    }

    @Test func `a session that is too old is told before the next one`() {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 2)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        network.run(for: .seconds(200))
        _ = Self.kinds(a)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        let kinds = Self.kinds(a)
        #expect(Array(kinds.prefix(2)) == [.sessionExpired, .handshakeBegun] && kinds.count == 3)
    }

    @Test func `a refused handshake is told once in five seconds`() throws {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 3)
        var initiation: [UInt8]?
        network.filter = { datagram, sender, _ in
            if sender === a, initiation == nil { initiation = datagram }
            return true
        }
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        _ = Self.kinds(b)
        let recorded = try #require(initiation)
        for _ in 0..<100 {
            b.receive(recorded, from: a.endpoint, trafficClass: 0)
            network.run(for: .milliseconds(100))
        }
        #expect(b.tunnel.drops[.handshakeReplay] == 100)
        #expect(Self.kinds(b) == [TunnelEvent.Kind](repeating: .handshakeRefused(.replay, role: .responder), count: 2))
    }

    @Test func `a peer that moves with every packet is told of once a second`() {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 4)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        network.run(for: .seconds(2))
        _ = Self.kinds(b)
        for number in 0..<100 {
            a.endpoint.port = UInt16(1000 + number)
            network.send(from: a, to: b)
            network.run(for: .milliseconds(30))
        }
        let moves = Self.kinds(b)
        #expect((3...5).contains(moves.count), "\(moves)")
    }

    @Test func `events that nobody takes are counted, not kept without bound`() {
        var events = PendingEvents()
        let time = TimePoint(now: Instant(nanoseconds: 1), unixNanoseconds: 1)
        for _ in 0..<PendingEvents.capacity + 7 { events.add(.handshakeBegun, of: nil, at: time) }
        let taken = events.take(at: time)
        #expect(taken.count == PendingEvents.capacity + 1 && taken.last?.kind == .missed(7))
        #expect(events.isEmpty && events.take(at: time).isEmpty)
    }
}
