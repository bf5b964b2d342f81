import LinuxSystem
import NetworkTypes
import Testing
import TunnelDiagnosis
import TunnelEngine
import WireGuardCrypto
import WireGuardProtocol

@testable import TunnelControl
@testable import TunnelCore

/// How the engine's facts become an observation.
@Suite struct ObserverTests {
    static let second = UInt64(1_000_000_000)

    @Test func `drops have the example's addresses, and only those that rules are made for`() throws {
        var tunnel = Tunnel(mtu: 1420, seed: 1)
        // A packet to nobody's address.
        var packet = [UInt8](repeating: 0, count: 28)
        packet.replaceSubrange(0..<4, with: [0x45, 0, 0, 28])
        packet[9] = 17
        packet.replaceSubrange(12..<20, with: [10, 8, 0, 1, 10, 20, 0, 7])
        let start = TimePoint(now: Instant(nanoseconds: Self.second), unixNanoseconds: Self.second)
        unsafe packet.withUnsafeBytes { unsafe tunnel.drop(.noPeerForDestination, packet: $0, to: nil, at: start) }
        tunnel.drop(.replay, from: Endpoint("192.0.2.1:1"), at: start)
        var observation = Observation(interface: "wg0", settings: TunnelSettings())
        observation.complete(with: tunnel.facts(at: TimePoint(now: Instant(nanoseconds: 4 * Self.second), unixNanoseconds: 0)))
        let drop = try #require(observation.drops.first)
        #expect(observation.drops.count == 1)
        #expect(drop.reason == .noPeerForDestination && drop.count == 1 && drop.age == .seconds(3))
        #expect(drop.destination == IPAddress("10.20.0.7") && drop.source == IPAddress("10.8.0.1"))
    }

    @Test func `handshakes that are refused count only in the call that is under way`() {
        var facts = HandshakeFacts()
        let now = Instant(nanoseconds: 100 * Self.second)
        (facts.unanswered, facts.unansweredSince) = (3, Instant(nanoseconds: 89 * Self.second))
        facts.refusedResponses.reason = .empty
        facts.refusedResponses.tally.count = 2
        facts.refusedResponses.tally.last = Instant(nanoseconds: 99 * Self.second)
        var handshakes = HandshakeObservation(facts, at: now)
        #expect(handshakes.unanswered == 3 && handshakes.unansweredFor == .seconds(11))
        #expect(handshakes.refusedResponses == 2 && handshakes.lastRefusedResponse == .seconds(1))
        facts.refusedResponses.tally.last = Instant(nanoseconds: 50 * Self.second)
        handshakes = HandshakeObservation(facts, at: now)
        #expect(handshakes.refusedResponses == 0)
    }

    @Test func `a stranger of long ago is forgotten`() {
        var sender = UnknownSender(sender: Endpoint("192.0.2.9:1")!, publicKey: nil, tally: Tally())
        sender.tally.count = 2
        sender.tally.last = Instant(nanoseconds: 0)
        #expect(Stranger(sender, at: Instant(nanoseconds: 5 * Self.second))?.age == .seconds(5))
        #expect(Stranger(sender, at: Instant(nanoseconds: 5000 * Self.second)) == nil)
    }
}
