import PacketCapture
import PathRecording
import Testing

struct CaptureEncoderTests {
    private let section = CaptureEncoder.Section(interface: "wg0", application: "wg-lite 1", system: "Linux", filter: "")

    @Test func `a capture begins with its section and both sides, byte by byte`() {
        var encoder = CaptureEncoder(section, at: 0)
        let header: [UInt8] =
            [0x0a, 0x0d, 0x0d, 0x0a, 60, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0]
            + [UInt8](repeating: 0xff, count: 8)
            + [3, 0, 5, 0] + Array("Linux".utf8) + [0, 0, 0]
            + [4, 0, 9, 0] + Array("wg-lite 1".utf8) + [0, 0, 0]
            + [0, 0, 0, 0, 60, 0, 0, 0]
        let inner = description("wg0-inner", "the packets that programs send and receive through wg0")
        let outer = description("wg0-outer", "the datagrams of wg0, with headers made from its sockets' addresses")
        #expect(encoder.take() == header + inner + outer)
        #expect(encoder.take().isEmpty)
    }

    @Test func `what was asked for stands with both sides`() {
        var encoder = CaptureEncoder(
            .init(interface: "wg0", application: "wg-lite 1", system: "Linux", filter: "peer abc"), at: 0)
        let rest = Array(encoder.take().dropFirst(60))
        let filter = option(11, [0] + Array("peer abc".utf8))
        #expect(
            rest == description("wg0-inner", "the packets that programs send and receive through wg0", filter)
                + description("wg0-outer", "the datagrams of wg0, with headers made from its sockets' addresses", filter))
    }

    @Test func `a packet has its side, nanoseconds, both lengths, comment, direction, what is missing and its identity`() {
        var encoder = CaptureEncoder(section, at: 0)
        _ = encoder.take()
        encoder.add(
            CapturedPacket(
                .outer, .inbound, unixNanoseconds: 0x0102_0304_0506_0708, bytes: [0x45, 1, 2, 3, 4], originalCount: 9, identity: 7,
                comment: "dropped"), missed: 3)
        let expected: [UInt8] =
            [6, 0, 0, 0, 88, 0, 0, 0, 1, 0, 0, 0, 4, 3, 2, 1, 8, 7, 6, 5, 5, 0, 0, 0, 9, 0, 0, 0, 0x45, 1, 2, 3, 4, 0, 0, 0]
            + [1, 0, 7, 0] + Array("dropped".utf8) + [0]
            + [2, 0, 4, 0, 1, 0, 0, 0]
            + [4, 0, 8, 0, 3, 0, 0, 0, 0, 0, 0, 0]
            + [5, 0, 8, 0, 7, 0, 0, 0, 0, 0, 0, 0]
            + [0, 0, 0, 0, 88, 0, 0, 0]
        #expect(encoder.take() == expected)
    }

    @Test func `a packet about which there is nothing to say has its direction only`() {
        var encoder = CaptureEncoder(section, at: 0)
        _ = encoder.take()
        encoder.add(CapturedPacket(.inner, .outbound, unixNanoseconds: 1, bytes: [0x60, 1, 2, 3]))
        let expected: [UInt8] =
            [6, 0, 0, 0, 48, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0x60, 1, 2, 3]
            + [2, 0, 4, 0, 2, 0, 0, 0, 0, 0, 0, 0, 48, 0, 0, 0]
        #expect(encoder.take() == expected)
    }

    @Test func `a key log is a block of secrets of the type WGKL`() throws {
        var encoder = CaptureEncoder(section, at: 0)
        _ = encoder.take()
        let log = try #require(KeyLog(RecordingSecret(.remoteStaticPublicKey, bytes: [UInt8](repeating: 1, count: 32))))
        encoder.add(log)
        let text = Array(log.text.utf8)
        #expect(text.count == 25 + 44 + 1)
        let expected: [UInt8] =
            [10, 0, 0, 0, 92, 0, 0, 0] + Array("LKGW".utf8) + [70, 0, 0, 0] + text + [0, 0] + [92, 0, 0, 0]
        #expect(encoder.take() == expected)
    }

    @Test func `the end says of each side what was written and what is missing`() {
        var encoder = CaptureEncoder(section, at: 0x1_0000_0002)
        encoder.add(CapturedPacket(.inner, .outbound, unixNanoseconds: 1, bytes: [0x45]))
        encoder.add(CapturedPacket(.inner, .inbound, unixNanoseconds: 1, bytes: [0x45]), missed: 4)
        encoder.addMissed(2, of: .outer)
        _ = encoder.take()
        encoder.finish(at: 0x3_0000_0004)
        #expect(encoder.inner.written == 2 && encoder.inner.missed == 4)
        #expect(encoder.outer.written == 0 && encoder.outer.missed == 2)
        #expect(encoder.take() == statistics(of: 0, seen: 6, missed: 4, written: 2) + statistics(of: 1, seen: 2, missed: 2, written: 0))
    }

    @Test func `a comment longer than an option may be is cut between characters`() {
        var encoder = CaptureEncoder(section, at: 0)
        _ = encoder.take()
        // One byte, then three each: the 65,535th would be the first of a character's three.
        encoder.add(CapturedPacket(.inner, .inbound, unixNanoseconds: 0, bytes: [], comment: "a" + String(repeating: "→", count: 30_000)))
        let block = encoder.take()
        let count = Int(block[30]) | Int(block[31]) << 8
        #expect(count == 1 + 3 * 21_844)
        #expect(String(validating: block[32..<32 + count], as: UTF8.self)?.hasSuffix("→") == true)
        #expect(block.count % 4 == 0)
    }

    private func description(_ name: String, _ description: String, _ filter: [UInt8] = []) -> [UInt8] {
        let body =
            [101, 0, 0, 0, 0, 0, 0, 0] + option(2, Array(name.utf8)) + option(3, Array(description.utf8)) + option(9, [9]) + filter
            + [0, 0, 0, 0]
        let count = UInt8(body.count + 12)
        return [1, 0, 0, 0, count, 0, 0, 0] + body + [count, 0, 0, 0]
    }

    private func option(_ code: UInt8, _ value: [UInt8]) -> [UInt8] {
        [code, 0, UInt8(value.count), 0] + value + [UInt8](repeating: 0, count: -value.count & 3)
    }

    private func statistics(of side: UInt8, seen: UInt8, missed: UInt8, written: UInt8) -> [UInt8] {
        let zeros = [UInt8](repeating: 0, count: 7)
        return [5, 0, 0, 0, 88, 0, 0, 0, side, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0]
            + option(2, [1, 0, 0, 0, 2, 0, 0, 0]) + option(3, [3, 0, 0, 0, 4, 0, 0, 0]) + option(4, [seen] + zeros)
            + option(5, [missed] + zeros) + option(8, [written] + zeros) + [0, 0, 0, 0, 88, 0, 0, 0]
    }
}
