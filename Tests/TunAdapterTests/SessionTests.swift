import LinuxSystem
import NetworkTypes
import Synchronization
import Testing

@testable import TunAdapter

@Suite struct SessionTests {
    /// An IPv4 packet of an unassigned protocol, so that nothing merges it, with a number in it.
    static func packet(_ number: Int, count: Int = 64) -> [UInt8] {
        var bytes = [UInt8](repeating: 0x5a, count: count)
        bytes.replaceSubrange(0..<4, with: [0x45, 0] + PacketFixture.be(UInt16(count)))
        bytes[9] = 253
        bytes.replaceSubrange(20..<24, with: PacketFixture.be(UInt32(number)))
        return bytes
    }

    static func number(_ packet: [UInt8]) -> Int {
        packet[20..<24].reduce(0) { $0 << 8 | Int($1) }
    }

    static func size(of packet: borrowing ReceivedPacket?) -> Int? {
        switch packet {
        case .some(let packet): packet.count
        case nil: nil
        }
    }

    static func copy(_ source: RawSpan, into destination: inout MutableRawSpan) {
        for i in 0..<source.byteCount {
            unsafe destination.storeBytes(of: source.unsafeLoad(fromByteOffset: i, as: UInt8.self), toByteOffset: i, as: UInt8.self)
        }
    }

    static func store(_ bytes: [UInt8], in buffer: UnsafeMutableRawBufferPointer) {
        unsafe buffer.copyBytes(from: bytes)
    }

    @Test func `an injected packet is received and an answer is collected`() throws {
        let adapter = try MemoryAdapter()
        let session = try adapter.startSession()
        try check(session.receive() == nil)
        check(!session.isPacketAvailable)
        adapter.inject(Self.packet(7, count: 99))
        check(session.isPacketAvailable)
        do {
            guard let packet = try session.receive(waiting: .forever) else { return check(false, "no packet") }
            check(packet.count == 99)
            unsafe check(packet.bytes.unsafeLoad(fromByteOffset: 98, as: UInt8.self) == 0x5a)
            guard var reply = session.allocate(packet.count) else { return check(false, "no room") }
            Self.copy(packet.bytes, into: &reply.bytes)
            session.send(reply, count: 50)
        }
        check(adapter.collect() == Array(Self.packet(7, count: 99).prefix(50)))
        check(adapter.collect() == nil)
        check(session.receiveRing.heldCount == 0)
    }

    @Test func `packets leave in the order of their allocation, whoever finishes first`() throws {
        let adapter = try MemoryAdapter()
        let session = try adapter.startSession()
        var batch = OutgoingBatch(capacity: 8)
        check(session.allocate(count: 3, size: 64, lastSize: 64, into: &batch))
        for i in 0..<3 { unsafe Self.store(Self.packet(i), in: batch.unsafeBytes(at: i)) }
        guard var late = session.allocate(64) else { return check(false) }
        unsafe Self.copy(Self.packet(3).span.bytes, into: &late.bytes)
        guard let dropped = session.allocate(64) else { return check(false) }
        guard var last = session.allocate(64) else { return check(false) }
        unsafe Self.copy(Self.packet(5).span.bytes, into: &last.bytes)
        session.send(last)
        session.send(late)
        check(adapter.collect() == nil)
        batch.abandon(1)
        batch.setCount(2, 30)
        session.send(&batch)
        check(batch.isEmpty)
        session.flush()
        check(adapter.collect() == Self.packet(0))
        check(adapter.collect() == Array(Self.packet(2).prefix(30)))
        check(adapter.collect() == Self.packet(3))
        check(adapter.collect() == nil, "the abandoned one is still held")
        session.abandon(dropped)
        check(adapter.collect() == Self.packet(5))
        check(session.statistics.sent == 4)
    }

    @Test func `what is forgotten is released or abandoned`() throws {
        let adapter = try MemoryAdapter()
        let session = try adapter.startSession()
        adapter.inject(Self.packet(1))
        adapter.inject(Self.packet(2))
        do {
            let first = try session.receive()
            check(session.receiveRing.heldCount == 1)
            _ = consume first
            var batch = ReceivedBatch(capacity: 4)
            try check(session.receive(into: &batch) == 1)
            var outgoing = OutgoingBatch(capacity: 4)
            check(session.allocate(count: 4, size: 100, lastSize: 50, into: &outgoing))
            check(!session.allocate(count: 1, size: 100, lastSize: 100, into: &outgoing), "the batch is full")
            check(session.allocate(100) != nil)
        }
        check(session.receiveRing.heldCount == 0)
        check(session.sendRing.heldCount == 0)
        check(adapter.collect() == nil)
    }

    @Test func `a batch lays a super-packet's segments back to back`() throws {
        let adapter = try MemoryAdapter()
        let session = try adapter.startSession(SessionOptions(headroom: 16, tailroom: 16))
        var fixture = PacketFixture()
        fixture.payload = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        adapter.inject(fixture.unfinishedBytes, header: SegmentationTests.header(fixture, size: 1380))
        adapter.inject(Self.packet(9))
        var batch = ReceivedBatch(capacity: 5)
        var received: [[UInt8]] = []
        try check(session.receive(into: &batch, superPackets: 1) == 5)
        check(batch.run(from: 0) == 0..<5)
        for i in 0..<5 { unsafe received.append(Array(batch.unsafeBytes(at: i))) }
        for i in 1..<5 {
            let distance = unsafe batch.unsafeBytes(at: i).baseAddress! - batch.unsafeBytes(at: i - 1).baseAddress!
            check(distance == 16 + 1424 + 16)
        }
        session.release(&batch)
        check(session.isPacketAvailable)
        try check(session.receive(into: &batch, superPackets: 1) == 4, "the rest needs no read, the next super-packet one")
        check(batch.run(from: 0) == 0..<3)
        for i in 0..<3 { unsafe received.append(Array(batch.unsafeBytes(at: i))) }
        check(received == fixture.segments(of: 1380).map(\.bytes))
        unsafe check(Array(batch.unsafeBytes(at: 3)) == Self.packet(9))
    }

    @Test func `a full receive ring loses nothing, and wakes its waiter when room comes`() throws {
        let adapter = try MemoryAdapter()
        let session = try adapter.startSession(SessionOptions(capacity: SessionOptions.minimumCapacity))
        for i in 0..<4 { adapter.inject(Self.packet(i, count: 60000)) }
        let first = try session.receive()
        let second = try session.receive()
        try check(session.receive() == nil, "no room for a third")
        check(!session.isPacketAvailable)
        check(!session.waitForPacket(.milliseconds(1)))
        _ = consume first
        check(session.isPacketAvailable, "there is room now, and nobody has to receive for it to show")
        check(session.waitForPacket(.milliseconds(1)))
        check(session.isPacketAvailable)
        let third = try session.receive()
        check(Self.size(of: third) == 60000)
        _ = consume second
        _ = consume third
        let fourth = try session.receive()
        check(Self.size(of: fourth) == 60000)
    }

    @Test(arguments: [WaitLimit.milliseconds(.max), .upTo(Interval(nanoseconds: .max)), .forever])
    func `a wait may be longer than anybody waits`(limit: WaitLimit) throws {
        let adapter = try MemoryAdapter()
        let session = try adapter.startSession()
        adapter.inject(Self.packet(1))
        check(session.waitForPacket(limit))
        check(session.waitForSpace(limit))
        let received = try session.receive(waiting: limit)
        check(received != nil)
    }

    @Test func `the read event follows packets already read`() throws {
        let adapter = try MemoryAdapter()
        let session = try adapter.startSession()
        let poller = try Poller()
        try poller.add(session.readEvent, token: 0)
        let now = Interval(nanoseconds: 0)
        check(poller.wait(for: now) == 0)
        let fixture = PacketFixture(payload: [UInt8](repeating: 1, count: 30))
        adapter.inject(fixture.unfinishedBytes, header: SegmentationTests.header(fixture, size: 10))
        for _ in 0..<3 {
            check(poller.wait(for: now) == 1)
            try check(session.receive() != nil)
        }
        check(poller.wait(for: now) == 0)
        session.end()
        check(poller.wait(for: now) == 1)
    }

    @Test func `the space event follows the send ring`() throws {
        let adapter = try MemoryAdapter()
        let session = try adapter.startSession(SessionOptions(capacity: SessionOptions.minimumCapacity))
        let poller = try Poller()
        try poller.add(session.spaceEvent, token: 0)
        let now = Interval(nanoseconds: 0)
        check(poller.wait(for: now) == 1)
        guard let first = session.allocate(65535), let second = session.allocate(65535) else { return check(false) }
        check(session.allocate(2) == nil)
        check(poller.wait(for: now) == 0)
        check(!session.waitForSpace(.milliseconds(1), count: 2))
        session.send(first, flushing: false)
        check(session.waitForSpace(.milliseconds(1), count: 2), "waiting flushes")
        check(poller.wait(for: now) == 1)
        session.abandon(second)
    }

    @Test func `bad sizes and options are refused`() throws {
        let adapter = try MemoryAdapter()
        let session = try adapter.startSession()
        check(session.allocate(0) == nil)
        check(session.allocate(65536) == nil)
        check(session.allocate(-1) == nil)
        var batch = OutgoingBatch(capacity: 2)
        check(!session.allocate(count: 1, size: 10, lastSize: 11, into: &batch))
        #expect(throws: AdapterError.self) { try adapter.startSession() }
        session.end()
        for capacity in [0, 0x1_0000, 0x2_0001, 0x800_0000, -1] {
            #expect(throws: AdapterError.self, "\(capacity)") { try adapter.startSession(SessionOptions(capacity: capacity)) }
        }
        #expect(throws: AdapterError.self) { try adapter.startSession(SessionOptions(headroom: -1)) }
        _ = try adapter.startSession()
    }

    @Test func `pointers are checked where the compiler can't see them`() throws {
        let adapter = try MemoryAdapter()
        let session = try adapter.startSession(SessionOptions(capacity: SessionOptions.minimumCapacity))
        adapter.inject(Self.packet(1))
        guard let packet = unsafe try session.unsafeReceive() else { return check(false, "no packet") }
        let start = UnsafeRawPointer(packet.baseAddress!)
        #expect(throws: AdapterError.self) { try unsafe session.unsafeRelease(start + 1) }
        #expect(throws: AdapterError.self) { try unsafe session.unsafeSend(start) }
        try unsafe session.unsafeRelease(start)
        #expect(throws: AdapterError.self) { try unsafe session.unsafeRelease(start) }
        let reply = try unsafe session.unsafeAllocate(64)
        unsafe Self.store(Self.packet(2), in: UnsafeMutableRawBufferPointer(start: reply, count: 64))
        #expect(throws: AdapterError.self) { try unsafe session.unsafeSend(reply, count: 65) }
        try unsafe session.unsafeSend(reply)
        #expect(throws: AdapterError.self) { try unsafe session.unsafeSend(reply) }
        #expect(throws: AdapterError.self) { try unsafe session.unsafeAbandon(reply) }
        check(adapter.collect() == Self.packet(2))
        let first = try unsafe session.unsafeAllocate(65535)
        _ = try unsafe session.unsafeAllocate(65535)
        let full = unsafe #expect(throws: AdapterError.self) { try unsafe session.unsafeAllocate(65535) }
        check(full?.code == .bufferOverflow)
        try unsafe session.unsafeAbandon(first)
        session.end()
        let ended = unsafe #expect(throws: AdapterError.self) { try unsafe session.unsafeAllocate(1) }
        check(ended?.code == .handleEndOfFile)
    }

    @Test func `the end wakes every waiter and is final`() throws {
        let adapter = try MemoryAdapter()
        let session = try adapter.startSession(SessionOptions(capacity: SessionOptions.minimumCapacity))
        guard let first = session.allocate(65535), let second = session.allocate(65535) else { return check(false) }
        let woken = Atomic(0)
        let threads = try SystemThreads(4, name: "waiter") { i in
            let nothing = i % 2 == 0 ? (try? session.receive(waiting: .forever)) == nil : !session.waitForSpace(.forever)
            if nothing { woken.add(1, ordering: .relaxed) }
        }
        session.end()
        session.end()
        threads.join()
        check(woken.load(ordering: .relaxed) == 4)
        check(session.hasEnded && session.endReason?.code == .handleEndOfFile)
        check(session.allocate(1) == nil)
        let error = #expect(throws: AdapterError.self) { _ = try session.receive() }
        check(error?.code == .handleEndOfFile)
        session.send(first)
        session.abandon(second)
        session.flush()
        check(session.sendRing.heldCount == 0)
    }

    @Test func `packets that nobody can give back any more are reported`() throws {
        let lines = OrderedMutex<[String]>([])
        // Other tests' lines come here too.
        AdapterLog.setLogger { _, _, line in
            if line.contains("forgetful0") { lines.withLock { $0.append(line) } }
        }
        defer { AdapterLog.setLogger(nil) }
        do {
            let adapter = try MemoryAdapter(name: "forgetful0")
            let session = try adapter.startSession(SessionOptions(headroom: 16))
            adapter.inject(Self.packet(1, count: 77))
            _ = unsafe try session.unsafeReceive()
        }
        let reported = lines.withLock { $0 }
        #expect(
            reported == [
                "the session of forgetful0 is gone, and 1 received packets were never released; "
                    + "the oldest has 77 bytes, at offset 16 of its ring"
            ])
    }
}
