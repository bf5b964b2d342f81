import LinuxSystem
import NetworkTypes
import PathRecording
import Testing
import TunAdapter
import TunnelCore
import WireGuardCrypto

@testable import TunnelEngine

@Suite(.timeLimit(.minutes(1))) struct FiguresTests {
    @Test func `each stage counts what came out of it, with its bytes`() throws {
        let pair = try EnginePair()
        defer { pair.stop() }
        // A session first, so that nothing waits for one.
        #expect(pair.adapters[0].inject(packet(from: 1, to: 2, number: 0)))
        #expect(pair.collect(1, at: 1).count == 1)
        // It is counted after it was sent, and after it was delivered.
        while pair.engines[0].figures().outbound[.release].packets < 1 || pair.engines[1].figures().inbound[.deliver].packets < 1 {
            SystemThread.sleep(.milliseconds(1))
        }
        let before = (pair.engines[0].figures(), pair.engines[1].figures())
        let packets = (0..<40).map { packet(from: 1, to: 2, number: UInt8($0), size: 100) }
        for packet in packets { #expect(pair.adapters[0].inject(packet)) }
        #expect(pair.collect(40, at: 1) == packets)
        pair.stop()
        let sent = pair.engines[0].figures().difference(since: before.0).outbound
        let received = pair.engines[1].figures().difference(since: before.1).inbound
        #expect(sent[.read].packets == 40)
        #expect(sent[.read].bytes == 4000)
        #expect(sent[.release].packets == 40)
        // The payload padded to 112, and 32 bytes of header and tag. The first session may have owed a keepalive besides.
        #expect(sent[.seal].packets == 40 || sent[.seal].packets == 41)
        #expect(sent[.send].bytes == 40 * 144 + (sent[.send].packets - 40) * 32)
        #expect(received[.accept].packets == 40)
        #expect(received[.deliver].bytes == 4000)
        #expect(received[.receive].packets >= 40)
        for stage in sent.stages + received.stages {
            #expect((0..<BatchSizeHistogram.bucketCount).reduce(0) { $0 + stage.batchSizes.counts[$1] } == stage.batches)
            #expect(stage.times.total >= stage.batches)
        }
    }

    @Test func `drops are told by reason, and by peer where one is known`() throws {
        let pair = try EnginePair()
        defer { pair.stop() }
        #expect(pair.adapters[0].inject(packet(from: 1, to: 2, number: 0)))
        #expect(pair.collect(1, at: 1).count == 1)
        #expect(pair.adapters[0].inject(packet(from: 1, to: 77, number: 0)))
        // A source that the first engine is not allowed to send from.
        #expect(pair.adapters[0].inject(packet(from: 78, to: 2, number: 0)))
        #expect(pair.adapters[0].inject(packet(from: 1, to: 2, number: 1)))
        #expect(pair.collect(1, at: 1).count == 1)
        pair.stop()
        #expect(pair.engines[0].figures().drops == [DropFigures(.noPeerForDestination, peer: nil, count: 1)])
        let peer = pair.engines[1].snapshot().peers[0].publicKey
        #expect(pair.engines[1].figures().drops == [DropFigures(.sourceNotAllowed, peer: peer, count: 1)])
    }

    @Test func `queues and offloads are told while it runs`() throws {
        let pair = try EnginePair()
        defer { pair.stop() }
        let figures = pair.engines[0].figures()
        #expect(figures.queues.map(\.name).contains("receive_ring"))
        #expect(figures.queues.map(\.name).contains("socket_v4_receive"))
        #expect(figures.queues.allSatisfy { $0.used <= $0.capacity && $0.capacity > 0 })
        #expect(figures.offloads.map(\.name).starts(with: ["tun_tcp", "tun_udp"]))
        #expect(figures.offloads.allSatisfy { !$0.detail.isEmpty && !$0.detail.contains("\n") })
        #expect(PathFigures(text: figures.text) == figures)
    }
}
