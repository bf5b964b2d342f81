import NetworkTypes
import PathRecording
import Testing
import TunnelCore

@Suite struct StoryTests {
    private static func story(_ record: PacketRecord) -> [String] {
        record.story { _ in "xTIB…Dg=" }.map { "\($0.stage): \($0.text)" }
    }

    @Test func `a packet's way out is told in order`() {
        #expect(Samples.sent.title == "10.8.0.1:1234 > 10.8.0.5:443 tcp, 1420 bytes")
        #expect(
            Self.story(Samples.sent) == [
                "read: read as number 4 of a super-packet of 45", "arrange: number 3 of 45 to leave, ahead of others",
                "route: to xTIB…Dg= by 10.8.0.0/24, counter 18204 of session 7f3a0102", "seal: by libipsec-mb on helper 2",
                "send: left as number 4 of a super-datagram of 45 to 192.0.2.7:51820, 1452 bytes", "release: its place in the ring is free",
            ])
    }

    @Test func `a packet's way in is told in order`() {
        var record = Samples.sent
        record.notes.direction = .inbound
        record.notes.superPacket = PacketNotes.Part(number: 1, index: 0, count: 1)
        record.notes.worker = PacketNotes.Worker(library: .libsodium, thread: 0)
        record.notes.moved = true
        #expect(
            Self.story(record) == [
                "receive: came as number 4 of a super-datagram of 45 from 192.0.2.7:51820, 1452 bytes",
                "sort: a data message; it gets its place in the ring", "find: from xTIB…Dg=, counter 18204 of session 7f3a0102",
                "open: by libsodium on the packet thread",
                "accept: new, and its source is allowed by 10.8.0.0/24; the peer has moved to 192.0.2.7:51820", "deliver: written alone",
            ])
    }

    @Test func `where its way ends, the story says why`() {
        var record = Samples.sent
        record.notes.drop(for: .noPeerForDestination)
        for stage in 3..<6 { record.notes.stages.ends[stage] = 0 }
        #expect(Self.story(record).last == "route: dropped: no peer's AllowedIPs include the destination")
        #expect(record.story { _ in "" }.last?.isDrop == true)
        record = Samples.sent
        record.notes.fate = .waiting
        for stage in 3..<6 { record.notes.stages.ends[stage] = 0 }
        #expect(Self.story(record).last == "route: to xTIB…Dg= by 10.8.0.0/24; there is no session yet, so it waits for one")
        record = Samples.sent
        record.notes.drop(for: .sendFailed)
        record.notes.errno = 101
        record.notes.stages.ends[5] = 0
        #expect(Self.story(record).last == "send: dropped: the network refused the datagram (errno 101)")
    }

    @Test func `handshake messages have a line of their own`() {
        var notes = PacketNotes(.inbound, .initiation, .consumed, unixNanoseconds: 1)
        notes.remote = Endpoint("192.0.2.7:51820")
        notes.datagramLength = 148
        var record = PacketRecord(notes)
        #expect(record.title == "handshake initiation, 148 bytes")
        #expect(Self.story(record) == ["handshakes: from 192.0.2.7:51820: heeded"])
        record.notes.drop(for: .mac1)
        #expect(Self.story(record) == ["handshakes: from 192.0.2.7:51820; dropped: the sender does not know our public key"])
    }

    @Test func `packets are counted by the way they took`() {
        var ways = PacketWays()
        for _ in 0..<5 { ways.add(Samples.sent) }
        var dropped = Samples.sent
        dropped.notes.drop(for: .noPeerForDestination)
        dropped.notes.peer = nil
        for stage in 3..<6 { dropped.notes.stages.ends[stage] = 0 }
        for _ in 0..<7 { ways.add(dropped) }
        #expect(ways.total == 12)
        #expect(ways.ranked.map(\.count) == [7, 5])
        #expect(
            ways.ranked[0].way.steps == ["read", "arrange", "route", "dropped: no peer's AllowedIPs include the destination"])
        #expect(ways.ranked[1].way.steps == ["read", "arrange", "route", "seal", "send", "release"])
        #expect(ways.ranked[1].way.peer == Samples.sent.notes.peer)
    }
}
