import NetworkTypes
import PathRecording
import SeededRandom
import Testing
import TunnelCore
import WireGuardCrypto

@Suite struct RecordingStreamTests {
    private static func stream(_ frames: [RecordingFrame]) -> [UInt8] {
        var bytes = RecordingStream.preamble
        for frame in frames { frame.append(to: &bytes) }
        return bytes
    }

    private static func frames(of bytes: [UInt8], pieces: Int = .max) throws(RecordingStream.Failure) -> [RecordingFrame] {
        var decoder = RecordingDecoder()
        var frames: [RecordingFrame] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            decoder.consume(rest.prefix(pieces))
            rest = rest.dropFirst(pieces)
            while let frame = try decoder.nextFrame() { frames.append(frame) }
        }
        return frames
    }

    private static var everyKind: [RecordingFrame] {
        var header = RecordingHeader(interface: "office", unixNanoseconds: 1_700_000_000_000_000_000)
        header.publicKey = Samples.key(1)
        header.mtu = 1420
        header.request = RecordingRequest(try! RecordingFilter("10.8.0.5 port 443 tcp"), count: 10)
        return [
            .header(header), .packet(Samples.sent), .packet(Samples.refused), .lost(12),
            .secret(RecordingSecret(.localEphemeralPrivateKey, bytes: [UInt8](repeating: 9, count: 32))), .end("the tunnel ended"),
        ]
    }

    @Test(arguments: [1, 3, 7, 1000]) func `what is written is read, in pieces of any size`(pieces: Int) throws {
        #expect(try Self.frames(of: Self.stream(Self.everyKind), pieces: pieces) == Self.everyKind)
    }

    @Test func `any record comes back as it was`() throws {
        var random = SplitMix64(seed: 14)
        let records = (0..<500).map { _ in RecordingFrame.packet(Samples.random(&random)) }
        #expect(try Self.frames(of: Self.stream(records)) == records)
    }

    @Test func `the format's bytes stay what they are`() {
        var notes = PacketNotes(.inbound, .keepalive, .consumed, unixNanoseconds: 0x0102)
        notes.packetLength = 3
        var bytes: [UInt8] = []
        RecordingFrame.packet(PacketRecord(notes, datagram: [4, 0])).append(to: &bytes)
        let fields: [UInt8] =
            [1, 4, 1, 1, 1, 0] + [2, 8, 2, 1, 0, 0, 0, 0, 0, 0] + [3, 8, 0, 0, 0, 0, 0, 0, 0, 0] + [6, 4, 3, 0, 0, 0] + [20, 2, 4, 0]
        #expect(bytes == [UInt8(fields.count + 1), 0, 0, 0, 2] + fields)
    }

    @Test func `frames and fields of later versions are passed over`() throws {
        var bytes = Self.stream([.lost(1)])
        bytes += [3, 0, 0, 0, 99, 1, 2]
        bytes += [9, 0, 0, 0, 3, 50, 1, 7, 51, 0, 52, 1, 7]
        #expect(try Self.frames(of: bytes) == [.lost(1), .lost(0)])
    }

    @Test func `what is no recording is refused at once, and nothing is kept of it`() {
        #expect(throws: RecordingStream.Failure.preamble) { try Self.frames(of: Array("HTTP/1.1".utf8)) }
        #expect(throws: RecordingStream.Failure.preamble) { try Self.frames(of: Array("WGX".utf8)) }
        #expect(throws: RecordingStream.Failure.version(2)) { try Self.frames(of: Array("WGLR".utf8) + [2, 0, 0, 0]) }
        #expect(throws: RecordingStream.Failure.frameLength(0)) { try Self.frames(of: RecordingStream.preamble + [0, 0, 0, 0]) }
        #expect(throws: RecordingStream.Failure.frameLength(0x7fff_ffff)) {
            try Self.frames(of: RecordingStream.preamble + [0xff, 0xff, 0xff, 0x7f])
        }
        // A length that never ends, and one that reaches past the frame.
        #expect(throws: RecordingStream.Failure.field(kind: 2, tag: 1)) {
            try Self.frames(of: RecordingStream.preamble + [7, 0, 0, 0, 2, 1, 0xff, 0xff, 0xff, 0xff, 0xff])
        }
        #expect(throws: RecordingStream.Failure.field(kind: 2, tag: 1)) {
            try Self.frames(of: RecordingStream.preamble + [4, 0, 0, 0, 2, 1, 9, 0])
        }
    }

    @Test func `damaged streams end in frames or in a failure, never in a trap`() {
        var random = SplitMix64(seed: 15)
        let whole = Self.stream(Self.everyKind)
        for _ in 0..<3000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 8..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            bytes.removeLast(Int.random(in: 0..<20, using: &random))
            _ = try? Self.frames(of: bytes, pieces: 64)
        }
    }

    @Test func `the largest packets fit into a frame`() throws {
        var record = Samples.sent
        record.packet = [UInt8](repeating: 1, count: 65_575)
        record.datagram = [UInt8](repeating: 2, count: 65_607)
        #expect(try Self.frames(of: Self.stream([.packet(record)]), pieces: 4096) == [.packet(record)])
    }

    @Test func `a request comes back as it was`() {
        var request = RecordingRequest(try! RecordingFilter("out to 10.0.0.0/8 drops 1/10"), count: 5)
        #expect(RecordingRequest("\(request)") == request)
        request.payload = true
        request.handshakes = true
        request.keys = true
        request.count = nil
        #expect(RecordingRequest("\(request)") == request)
        #expect(RecordingRequest("\(RecordingRequest())") == RecordingRequest())
        #expect(RecordingRequest("0 headers matching nokeys prot") == nil)
        #expect(RecordingRequest("0 headers matching") == nil)
    }
}
