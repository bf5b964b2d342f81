import LinuxSystem
import NetworkTypes
import PathRecording
import Testing
import TunAdapter
import TunnelCore
import WireGuardCrypto

@testable import TunnelEngine

@Suite struct RecordingTests {
    /// Takes records until `count` packets have come, or time is over.
    private static func packets(_ recording: Recording, _ count: Int) -> [PacketRecord] {
        var records: [PacketRecord] = []
        let end = Clock.now + .seconds(10)
        while records.count < count, Clock.now < end {
            _ = recording.take(atMost: 1000) { if case .packet(let record) = $0 { records.append(record) } }
            SystemThread.sleep(.milliseconds(1))
        }
        return records
    }

    /// A pair with a session.
    private static func pair(cryptoThreads: Int = 1) throws -> EnginePair {
        let pair = try EnginePair(cryptoThreads: cryptoThreads)
        #expect(pair.adapters[0].inject(packet(from: 1, to: 2, number: 0)))
        #expect(pair.collect(1, at: 1).count == 1)
        return pair
    }

    @Test func `a packet is seen at every stage of both ends, headers only`() throws {
        let pair = try Self.pair()
        defer { pair.stop() }
        let sending = try #require(pair.engines[0].record(RecordingRequest(try RecordingFilter("out 10.0.0.2"))))
        let receiving = try #require(pair.engines[1].record(RecordingRequest(try RecordingFilter("in 10.0.0.2"))))
        let sent = packet(from: 1, to: 2, number: 7, size: 300)
        #expect(pair.adapters[0].inject(sent))
        #expect(pair.collect(1, at: 1) == [sent])
        let out = try #require(Self.packets(sending, 1).first)
        let into = try #require(Self.packets(receiving, 1).first)
        for record in [out, into] {
            #expect(record.notes.fate == .forwarded)
            #expect(record.notes.packetLength == 300)
            #expect(record.packet == Array(sent.prefix(RecordingRequest.headerBytes)))
            #expect(record.datagram.count == RecordingRequest.datagramHeaderBytes)
            #expect(record.notes.datagramLength == 304 + 32)
            #expect(record.notes.stages.last == 5)
            #expect((1..<6).allSatisfy { record.notes.stages.ends[$0] >= record.notes.stages.ends[$0 - 1] })
            #expect(record.notes.worker?.thread == 0)
        }
        #expect(out.notes.session == into.notes.session)
        #expect(out.datagram == into.datagram)
        #expect(out.notes.peer == pair.engines[0].snapshot().peers[0].publicKey)
        #expect(into.notes.peer == pair.engines[1].snapshot().peers[0].publicKey)
        #expect(out.notes.allowedIP?.contains(IPAddress("10.0.0.2")!) == true)
        #expect(out.notes.place == 0 && out.notes.superPacket?.count == 1)
    }

    @Test func `payload is recorded for those who ask, and for nobody else`() throws {
        let pair = try Self.pair()
        defer { pair.stop() }
        var whole = RecordingRequest()
        whole.payload = true
        let all = try #require(pair.engines[0].record(whole))
        let headers = try #require(pair.engines[0].record(RecordingRequest()))
        let sent = packet(from: 1, to: 2, number: 7, size: 700)
        #expect(pair.adapters[0].inject(sent))
        #expect(pair.collect(1, at: 1) == [sent])
        let record = try #require(Self.packets(all, 1).first { $0.notes.packetLength == 700 })
        #expect(record.packet == sent)
        #expect(record.datagram.count == 704 + 32)
        // Sealed, so not what went in.
        #expect(Array(record.datagram[16..<716]) != sent)
        let other = try #require(Self.packets(headers, 1).first { $0.notes.packetLength == 700 })
        #expect(other.packet.count == RecordingRequest.headerBytes)
    }

    @Test func `drops are recorded with their reasons, and only they where only they are wanted`() throws {
        let pair = try Self.pair()
        defer { pair.stop() }
        let out = try #require(pair.engines[0].record(RecordingRequest(try RecordingFilter("drops"))))
        let into = try #require(pair.engines[1].record(RecordingRequest(try RecordingFilter("drops"))))
        #expect(pair.adapters[0].inject(packet(from: 1, to: 77, number: 0)))
        #expect(pair.adapters[0].inject(packet(from: 78, to: 2, number: 0)))
        #expect(pair.adapters[0].inject(packet(from: 1, to: 2, number: 9)))
        #expect(pair.collect(1, at: 1).count == 1)
        let nowhere = Self.packets(out, 1)
        #expect(nowhere.map(\.notes.drop) == [.noPeerForDestination])
        #expect(nowhere.first?.notes.stages.last == OutboundStage.route.rawValue)
        let notAllowed = Self.packets(into, 1)
        #expect(notAllowed.map(\.notes.drop) == [.sourceNotAllowed])
        #expect(notAllowed.first?.addresses?.source == IPAddress("10.0.0.78"))
        #expect(notAllowed.first?.notes.stages.last == InboundStage.accept.rawValue)
    }

    @Test func `so many as were asked for are recorded, and one in so many`() throws {
        let pair = try Self.pair()
        defer { pair.stop() }
        let three = try #require(pair.engines[0].record(RecordingRequest(try RecordingFilter("out 10.0.0.2"), count: 3)))
        let sample = try #require(pair.engines[0].record(RecordingRequest(try RecordingFilter("out 10.0.0.2 1/5"))))
        for number in 0..<20 { #expect(pair.adapters[0].inject(packet(from: 1, to: 2, number: UInt8(number)))) }
        #expect(pair.collect(20, at: 1).count == 20)
        pair.stop()
        #expect(Self.packets(three, 3).count == 3)
        #expect(three.isComplete)
        #expect(three.take(atMost: 10) { _ in } == 0)
        #expect(Self.packets(sample, 4).count == 4)
        #expect(sample.take(atMost: 10) { _ in } == 0)
    }

    @Test func `a reader that takes nothing loses records, is told how many, and holds up nobody`() throws {
        let pair = try Self.pair()
        defer { pair.stop() }
        var request = RecordingRequest()
        request.payload = true
        let recording = try #require(pair.engines[0].record(request))
        // 8 MiB are full after some thousands of these.
        var sent = 0
        for _ in 0..<80 {
            for number in 0..<50 { if pair.adapters[0].inject(packet(from: 1, to: 2, number: UInt8(number), size: 1300)) { sent += 1 } }
            _ = pair.collect(50, at: 1)
        }
        pair.stop()
        var lost: UInt64 = 0
        var seen = 0
        while recording.take(
            atMost: 1000,
            { frame in
                switch frame {
                case .packet(let record): if record.notes.direction == .outbound, record.notes.kind == .data { seen += 1 }
                case .lost(let count): lost += count
                default: break
                }
            }) > 0
        {}
        #expect(lost > 0)
        #expect(seen > 1000)
        #expect(UInt64(seen) + lost >= UInt64(sent))
    }

    @Test func `there are four readers at most, and a place is free again when one ends`() throws {
        let pair = try EnginePair()
        defer { pair.stop() }
        let readers = (0..<4).compactMap { _ in pair.engines[0].record(RecordingRequest()) }
        #expect(readers.count == 4)
        #expect(pair.engines[0].record(RecordingRequest()) == nil)
        pair.engines[0].end(readers[1])
        #expect(pair.engines[0].record(RecordingRequest()) != nil)
    }

    @Test func `a handshake's messages come before what is sent with its keys, and keys only to those who asked`() throws {
        let pair = try EnginePair()
        defer { pair.stop() }
        var request = RecordingRequest()
        request.keys = true
        let with = try #require(pair.engines[0].record(request))
        let without = try #require(pair.engines[0].record(RecordingRequest()))
        #expect(pair.adapters[0].inject(packet(from: 1, to: 2, number: 3)))
        #expect(pair.collect(1, at: 1).count == 1)
        pair.stop()
        var frames: [RecordingFrame] = []
        while with.take(atMost: 1000, { frames.append($0) }) > 0 {}
        let kinds = frames.map { frame in
            switch frame {
            case .packet(let record): "\(record.notes.direction.word) \(record.notes.kind) \(record.notes.fate)"
            case .secret(let secret): secret.kind.name
            default: "?"
            }
        }
        let initiation = try #require(kinds.firstIndex(of: "out initiation forwarded"))
        let ephemeral = try #require(kinds.firstIndex(of: "LOCAL_EPHEMERAL_PRIVATE_KEY"))
        let response = try #require(kinds.firstIndex(of: "in response consumed"))
        let data = try #require(kinds.firstIndex(of: "out data forwarded"))
        #expect(ephemeral < initiation && initiation < response && response < data)
        guard case .packet(let record) = frames[initiation] else { return }
        #expect(record.datagram.count == 148)
        #expect(record.notes.peer == pair.engines[0].snapshot().peers[0].publicKey)
        var plain: [RecordingFrame] = []
        while without.take(atMost: 1000, { plain.append($0) }) > 0 {}
        #expect(!plain.isEmpty)
        #expect(!plain.contains { if case .secret = $0 { true } else { false } })
    }

    @Test func `helpers are named where they did the work`() throws {
        let pair = try Self.pair(cryptoThreads: 3)
        defer { pair.stop() }
        let recording = try #require(pair.engines[0].record(RecordingRequest(try RecordingFilter("out 10.0.0.2"))))
        var threads: Set<UInt8> = []
        for _ in 0..<200 where threads.count < 2 {
            for number in 0..<100 { _ = pair.adapters[0].inject(packet(from: 1, to: 2, number: UInt8(number), size: 1300)) }
            _ = pair.collect(100, at: 1)
            _ = recording.take(atMost: 10_000) { if case .packet(let record) = $0 { threads.insert(record.notes.worker?.thread ?? 99) } }
        }
        #expect(threads.isSubset(of: [0, 1, 2]))
        #expect(threads.count > 1)
    }
}
