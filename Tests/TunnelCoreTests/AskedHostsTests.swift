import NetworkTypes
import Testing
import TunnelSimulation

@testable import TunnelCore

/// Whether what was asked through the tunnel is answered.
@Suite struct AskedHostsTests {
    static let here = IPAddress("10.8.0.1")!
    static let there = IPAddress("10.30.0.9")!

    /// A packet with the first bytes of what is behind its IP header.
    static func packet(
        _ protocolNumber: UInt8, _ payload: [Int: UInt8] = [:], from source: IPAddress = here, to destination: IPAddress = there
    ) -> [UInt8] {
        var bytes = InnerPacket.make(number: 1, from: source, to: destination, size: 80)
        let start = source.bitWidth == 32 ? 20 : 40
        bytes[source.bitWidth == 32 ? 9 : 6] = protocolNumber
        for offset in start..<bytes.count { bytes[offset] = payload[offset - start] ?? 0 }
        return bytes
    }

    static let syn = packet(6, [13: 0x02])
    static let ping = packet(1, [0: 8])

    static func question(_ packet: [UInt8]) -> Question? {
        unsafe packet.withUnsafeBytes { unsafe Question($0, IPPacketHeader($0)!) }
    }

    static func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    static func send(_ packet: [UInt8], _ hosts: inout AskedHosts, at seconds: UInt64 = 1) {
        unsafe packet.withUnsafeBytes { unsafe hosts.sent($0, IPPacketHeader($0)!, at: at(seconds)) }
    }

    static func receive(_ packet: [UInt8], _ hosts: inout AskedHosts) {
        unsafe packet.withUnsafeBytes { unsafe hosts.received($0, IPPacketHeader($0)!) }
    }

    @Test func `echo requests, new connections and queries ask, and nothing else does`() {
        let (v6, other) = (IPAddress("fd08::1")!, IPAddress("fd08::2")!)
        #expect(Self.question(Self.ping) == .echo)
        #expect(Self.question(Self.packet(58, [0: 128], from: v6, to: other)) == .echo)
        #expect(Self.question(Self.syn) == .connection)
        #expect(Self.question(Self.packet(17, [3: 53])) == .query)
        // A log, a stream, an answer, a segment of a connection, a router's solicitation, names asked of everybody.
        #expect(Self.question(Self.packet(17, [2: 2, 3: 2])) == nil)
        #expect(Self.question(Self.packet(17, [2: 1, 3: 53])) == nil)
        #expect(Self.question(Self.packet(1, [0: 0])) == nil)
        #expect(Self.question(Self.packet(6, [13: 0x12])) == nil)
        #expect(Self.question(Self.packet(6, [13: 0x18])) == nil)
        #expect(Self.question(Self.packet(58, [0: 133], from: v6, to: IPAddress("ff02::2")!)) == nil)
        #expect(Self.question(Self.packet(1, [0: 8], to: IPAddress("224.0.0.1")!)) == nil)
        #expect(Self.question(Self.packet(1, [0: 8], to: IPAddress("169.254.0.9")!)) == nil)
        // Not IPv4's number for it in IPv6, and nothing of what a later fragment begins with.
        #expect(Self.question(Self.packet(1, [0: 8], from: v6, to: other)) == nil)
        var fragment = Self.syn
        fragment[7] = 3
        #expect(Self.question(fragment) == nil)
        let short = InnerPacket.make(number: 1, from: Self.here, to: Self.there, size: 30)
        #expect(Self.question(short) == nil)
    }

    @Test func `a host that is asked again and again counts from the first time, until it answers`() {
        var asked = AskedHosts()
        for second in 5..<9 { Self.send(Self.syn, &asked, at: UInt64(second)) }
        #expect(asked.isWaiting && asked.hosts.count == 1)
        let host = asked.hosts[0]
        #expect(host.address == Self.there && host.question == .connection && host.unanswered == 4)
        #expect(host.since == Self.at(5) && host.last == Self.at(8))
        // Somebody else says something.
        Self.receive(Self.packet(17, from: IPAddress("10.8.0.2")!, to: Self.here), &asked)
        #expect(asked.isWaiting)
        Self.receive(Self.packet(6, [13: 0x12], from: Self.there, to: Self.here), &asked)
        #expect(!asked.isWaiting && asked.hosts[0].unanswered == 0 && asked.hosts[0].since == nil)
        #expect(asked.hosts[0].answered == Question.connection.rawValue)
    }

    @Test func `an error from anybody on the way is an answer`() {
        for (number, type) in [(UInt8(1), UInt8(3)), (1, 11)] {
            var asked = AskedHosts()
            Self.send(Self.ping, &asked)
            Self.receive(Self.packet(number, [0: type], from: IPAddress("10.8.0.2")!, to: Self.here), &asked)
            #expect(!asked.isWaiting, "\(type)")
        }
    }

    @Test func `a connection that goes on was answered by another way`() {
        var asked = AskedHosts()
        Self.send(Self.syn, &asked)
        Self.send(Self.packet(6, [13: 0x10]), &asked)
        #expect(!asked.isWaiting && asked.hosts[0].answered == Question.connection.rawValue)
    }

    @Test func `questions without end leave room for those that answer`() {
        var asked = AskedHosts()
        Self.send(Self.ping, &asked, at: 1)
        Self.receive(Self.packet(1, from: Self.there, to: Self.here), &asked)
        for number in 1..<200 { Self.send(Self.packet(1, [0: 8], to: IPAddress("10.30.1.\(number)")!), &asked, at: UInt64(number) + 1) }
        #expect(asked.hosts.count == 6)
        #expect(asked.hosts.contains { $0.address == Self.there && $0.unanswered == 0 })
        // And those that answer leave room for one that doesn't.
        for number in 1..<200 {
            let other = IPAddress("10.30.2.\(number)")!
            Self.send(Self.packet(1, [0: 8], to: other), &asked, at: UInt64(number) + 300)
            Self.receive(Self.packet(1, from: other, to: Self.here), &asked)
        }
        Self.send(Self.ping, &asked, at: 600)
        #expect(asked.hosts.contains { $0.address == Self.there && $0.unanswered == 1 })
    }

    @Test func `peers that nobody asks anything take no room for hosts`() {
        #expect(MemoryLayout<AskedHosts>.stride <= 16)
        var asked = AskedHosts()
        Self.send(Self.packet(17), &asked, at: 1)
        #expect(asked.hosts.capacity == 0)
    }

    @Test func `what was asked while the peer was away begins again when it is back`() throws {
        let (network, a, b) = TunnelSimulationTests.pair(seed: 7)
        #expect(network.reaches(b, from: a, within: .seconds(1)))
        network.filter = { _, sender, _ in sender !== b }
        let ping = Self.packet(1, [0: 8], from: a.address, to: b.address)
        for _ in 0..<8 {
            a.send(ping)
            network.run(for: .seconds(2))
        }
        let waiting = try #require(try TunnelFactsTests.facts(a, of: b).asked.first)
        #expect(waiting.unanswered == 8)
        network.filter = nil
        // Anything from there, of another host: the peer lives.
        network.run(for: .seconds(6))
        let facts = try TunnelFactsTests.facts(a, of: b)
        #expect(try #require(facts.asked.first).unanswered == 0)
    }
}
