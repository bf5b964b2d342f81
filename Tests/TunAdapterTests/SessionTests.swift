import NetworkTypes
import Testing

@testable import TunAdapter

@Suite struct SessionTests {
    /// An IPv4 packet of an unassigned protocol, so that nothing merges it.
    static func packet(_ fill: UInt8, count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: fill, count: count)
        bytes[0] = 0x45
        bytes[2] = UInt8(count >> 8)
        bytes[3] = UInt8(count & 0xff)
        bytes[9] = 253
        return bytes
    }

    @Test func `an injected packet is received and an answer is collected`() throws {
        let adapter = try MemoryAdapter()
        let session = try adapter.startSession()
        #expect(try session.receive() == nil)
        #expect(!session.isPacketAvailable)
        adapter.inject(Self.packet(7, count: 99))
        #expect(session.isPacketAvailable)
        do {
            guard let packet = try session.receive(waiting: .forever) else { return #expect(Bool(false), "no packet") }
            #expect(packet.count == 99)
            #expect(unsafe packet.bytes.unsafeLoad(fromByteOffset: 98, as: UInt8.self) == 7)
            guard var reply = session.allocate(packet.count) else { return #expect(Bool(false), "no room") }
            copy(packet.bytes, into: &reply.bytes)
            session.send(reply, count: 50)
        }
        #expect(adapter.collect() == Array(Self.packet(7, count: 99).prefix(50)))
        #expect(adapter.collect() == nil)
    }

    func copy(_ source: RawSpan, into destination: inout MutableRawSpan) {
        for i in 0..<source.byteCount {
            unsafe destination.storeBytes(of: source.unsafeLoad(fromByteOffset: i, as: UInt8.self), toByteOffset: i, as: UInt8.self)
        }
    }
}
