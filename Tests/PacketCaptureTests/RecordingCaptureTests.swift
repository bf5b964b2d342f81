import NetworkTypes
import PacketCapture
import PathRecording
import Testing
import TunnelCore
import WireGuardCrypto

struct RecordingCaptureTests {
    private let remote = Endpoint(address: IPAddress("192.0.2.7")!, port: 51820)
    private let local = IPAddress("192.0.2.1")!
    private let packet: [UInt8] = [0x45, 0, 0, 21] + [UInt8](repeating: 1, count: 17)
    private let datagram: [UInt8] = [4, 0, 0, 0] + [UInt8](repeating: 2, count: 50)

    private func notes(_ direction: PathDirection) -> PacketNotes {
        var notes = PacketNotes(direction, .data, .forwarded, unixNanoseconds: 1000)
        for stage in 0..<6 { notes.stages.ends[stage] = UInt32(10 * (stage + 1)) }
        notes.packetLength = 21
        notes.datagramLength = 54
        notes.remote = remote
        notes.localPort = 51821
        notes.peer = PublicKey(bytes: InlineArray(repeating: 7))
        return notes
    }

    private func captured(_ record: PacketRecord) -> [CapturedPacket] {
        record.captured(identity: 5, source: { $0 == remote ? local : nil }, peerName: { _ in "somebody" })
    }

    @Test func `on the way out the packet comes first, as it was read, then the datagram, as it was sent`() throws {
        let packets = captured(PacketRecord(notes(.outbound), packet: packet, datagram: datagram))
        #expect(packets.map(\.side) == [.inner, .outer])
        #expect(packets.map(\.direction) == [.outbound, .outbound])
        #expect(packets.map(\.unixNanoseconds) == [1010, 1050])
        #expect(packets.map(\.identity) == [5, 5])
        #expect(packets[0].bytes == packet)
        let from = Endpoint(address: local, port: 51821)
        #expect(packets[1].bytes == OuterPacket.bytes(from: from, to: remote, trafficClass: 0, payload: datagram))
    }

    @Test func `on the way in the datagram comes first, as it was received, then the packet, as it was delivered`() throws {
        var notes = notes(.inbound)
        notes.local = EndpointSource(address: IPAddress("192.0.2.9")!, interfaceIndex: 3)
        notes.trafficClass = 3
        let packets = captured(PacketRecord(notes, packet: packet, datagram: datagram))
        #expect(packets.map(\.side) == [.outer, .inner])
        #expect(packets.map(\.direction) == [.inbound, .inbound])
        #expect(packets.map(\.unixNanoseconds) == [1010, 1060])
        let to = Endpoint(address: IPAddress("192.0.2.9")!, port: 51821)
        #expect(packets[0].bytes == OuterPacket.bytes(from: remote, to: to, trafficClass: 3, payload: datagram))
        #expect(packets[1].bytes == packet)
    }

    @Test func `what was dropped is there as far as it came, with the stage and the reason`() {
        var notes = notes(.outbound)
        for stage in 3..<6 { notes.stages.ends[stage] = 0 }
        notes.drop(for: .noPeerForDestination)
        let packets = captured(PacketRecord(notes, packet: packet))
        #expect(packets.count == 1 && packets[0].side == .inner && packets[0].identity == nil)
        #expect(packets[0].comment.contains("route"))
        #expect(packets[0].comment.contains(DropReason.noPeerForDestination.explanation))
        notes = self.notes(.inbound)
        for stage in 2..<6 { notes.stages.ends[stage] = 0 }
        notes.drop(for: .badTag)
        let refused = captured(PacketRecord(notes, datagram: datagram))
        #expect(refused.count == 1 && refused[0].side == .outer && refused[0].unixNanoseconds == 1010)
        #expect(refused[0].comment.contains(DropReason.badTag.explanation))
    }

    @Test func `an address that nobody knows is unspecified, and headers alone say how long the whole was`() {
        var notes = notes(.outbound)
        notes.remote = Endpoint(address: IPAddress("2001:db8::7")!, port: 9)
        notes.datagramLength = 1000
        notes.packetLength = 900
        let packets = captured(PacketRecord(notes, packet: packet, datagram: datagram))
        #expect(packets[0].originalCount == 900 && packets[0].bytes.count == 21)
        #expect(packets[1].originalCount == 40 + 8 + 1000 && packets[1].bytes.count == 48 + 54)
        #expect(packets[1].bytes[8..<24].allSatisfy { $0 == 0 })
        #expect(packets[1].bytes[4..<6].elementsEqual([0x03, 0xf0]))
        // No checksum of what isn't there.
        #expect(packets[1].bytes[46..<48].elementsEqual([0, 0]))
    }

    @Test func `what didn't fit is told with the next packet of each side, and at the end`() throws {
        var capture = RecordingCapture(.init(interface: "wg0", application: "test"), at: 0, embedsKeys: false) { _ in "somebody" }
        _ = capture.takeBlocks()
        _ = capture.take(.lost(3)) { _ in nil }
        _ = capture.take(.packet(PacketRecord(notes(.outbound), packet: packet))) { _ in nil }
        _ = capture.take(.lost(2)) { _ in nil }
        capture.finish(at: 1)
        #expect(capture.encoder.inner.written == 1 && capture.encoder.inner.missed == 5)
        #expect(capture.encoder.outer.written == 0 && capture.encoder.outer.missed == 5)
    }

    @Test func `static keys are written once, the keys of a handshake each time, and into the capture only if asked`() throws {
        for embeds in [true, false] {
            var capture = RecordingCapture(.init(interface: "wg0", application: "test"), at: 0, embedsKeys: embeds) { _ in "somebody" }
            let beginning = capture.takeBlocks()
            var lines: [String] = []
            for handshake in [UInt8(1), 2] {
                for kind in RecordingSecret.Kind.allCases {
                    let isStatic = kind == .localStaticPrivateKey || kind == .remoteStaticPublicKey
                    let secret = RecordingSecret(kind, bytes: [UInt8](repeating: isStatic ? 9 : handshake, count: 32))
                    if let log = capture.take(.secret(secret), source: { _ in nil }) { lines.append(log.text) }
                }
            }
            let names = lines.map { String($0.prefix { $0 != "=" }) }
            let each = ["LOCAL_EPHEMERAL_PRIVATE_KEY", "PRESHARED_KEY"]
            #expect(names == ["LOCAL_STATIC_PRIVATE_KEY", "REMOTE_STATIC_PUBLIC_KEY"] + each + each)
            #expect(capture.handshakesWithKeys == 2)
            let blocks = capture.takeBlocks()
            let found = lines.filter { line in
                let bytes = Array(line.utf8)
                return blocks.indices.contains { blocks[$0...].starts(with: bytes) }
            }
            #expect(found.count == (embeds ? 6 : 0) && !beginning.isEmpty)
        }
    }
}
