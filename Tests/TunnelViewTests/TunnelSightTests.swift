import NetworkTypes
import PathRecording
import Testing
import TunnelCore
import TunnelDiagnosis
import WireGuardCrypto

@testable import TunnelView

@Suite struct TunnelSightTests {
    @Test func `rates are of what happened between two readings`() {
        let sight = Samples.sight()
        #expect(sight.now?.perSecond(sight.now!.outbound[.seal].packets) == 1000)
        #expect(sight.now?.dropped(at: "route") == 200)
        #expect(sight.now?.dropped(at: "open") == 100)
        #expect(sight.peers[1].receivedNow == 2000 && sight.peers[1].sentNow == 4000)
        #expect(sight.peers[0].dropped == 100 && sight.peers[1].dropped == 0)
    }

    @Test func `a tunnel that was started anew, and another one, have no rates yet`() {
        #expect(TunnelSight(Samples.reading(seconds: 3, packets: 5), since: Samples.reading(seconds: 10, packets: 1000)).now == nil)
        var other = Samples.reading(seconds: 1, packets: 1)
        other.interface = "home"
        #expect(TunnelSight(Samples.reading(seconds: 3, packets: 5), since: other).now == nil)
    }

    @Test func `the busiest peers come first, and only so many`() {
        #expect(Samples.sight(peers: 300).busiest(2).map(\.reading.publicKey) == [Samples.key(299), Samples.key(298)])
        #expect(Samples.sight().busiest(0).isEmpty)
    }

    @Test func `a name is made fit for terminals where it is read`() {
        #expect(Samples.sight(names: [Samples.key(0): "a\u{1b}[2Jb"]).peers[0].reading.title == "a\\e[2Jb")
    }

    @Test func `of a long recording packets of all of it are kept, and what was dropped`() {
        var choice = RecordChoice(limit: 10)
        for index in 0..<1000 { choice.add(Samples.record(index, drop: index == 3 || index == 501 ? .replay : nil)) }
        let records = choice.records
        #expect(records.count <= 10 && records.count >= 4)
        #expect(records.filter { $0.notes.fate == .dropped }.count == 2)
        #expect(records.map(\.notes.unixNanoseconds) == records.map(\.notes.unixNanoseconds).sorted())
        #expect(choice.lost == UInt64(1000 - records.count))
        #expect((records.last?.notes.unixNanoseconds ?? 0) > 1_700_000_000_000_000_500)
    }
}

@Suite struct QuantityTests {
    @Test func `numbers have three digits or fewer and a unit that suits them`() {
        let counts: [(Double, String)] = [
            (0, "0"), (-1, "0"), (.nan, "0"), (0.25, "0.3"), (7, "7"), (9.5, "9.5"), (123.4, "123"), (999.4, "999"), (999.6, "1.00k"),
            (1234, "1.23k"),
            (45_600_000, "45.6M"), (9.99e20, "999E"),
        ]
        for (value, text) in counts { #expect(Quantity.count(value) == text) }
        #expect(Quantity.bitRate(bytesPerSecond: 512_500_000) == "4.10 Gb/s" && Quantity.bitRate(bytesPerSecond: 0) == "0 b/s")
        #expect(Quantity.bytes(1_230_000) == "1.23 MB" && Quantity.bytes(12) == "12 B")
    }

    @Test func `times and shares`() {
        let times: [(Double, String)] = [
            (0, "0 ns"), (85.4, "85 ns"), (999.6, "1.00 µs"), (1234, "1.23 µs"), (12_000_000, "12.0 ms"), (3.4e9, "3.40 s"),
        ]
        for (value, text) in times { #expect(Quantity.time(nanoseconds: value) == text) }
        #expect(
            Quantity.share(0.004) == "0.4 %" && Quantity.share(0.45) == "45 %" && Quantity.share(0) == "0 %" && Quantity.share(1) == "100 %"
        )
    }
}
