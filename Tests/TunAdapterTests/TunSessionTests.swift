import Glibc
import LinuxSystem
import NetworkTypes
import Testing
import TunAdapter

/// Sessions on the kernel's TUN driver, with the kernel's own TCP and UDP as the judge of every packet.
@Suite struct TunSessionTests {
    static let stream: Int32 = 1
    static let datagram: Int32 = 2

    static func adapter() throws -> Adapter {
        let adapter = try Adapter.create(
            name: "demo0", pool: "org.example.session", options: AdapterOptions(lifetime: .transient))
        try adapter.setAddress("10.9.0.1/24")
        try adapter.addAddress(#require(IPInterfaceAddress("fd09::1/64")))
        try adapter.bringUp(mtu: 1420)
        return adapter
    }

    /// Sends `bytes` over TCP to the neighbour that is the host itself, and returns what arrives.
    static func transfer(_ bytes: [UInt8], isIPv6: Bool) throws -> [UInt8] {
        let listening = try TestSocket.make(type: stream, isIPv6: isIPv6)
        try unsafe TestSocket.withAddress(1, port: 5000, isIPv6: isIPv6) { unsafe bind(listening.rawValue, $0, $1) }
        listen(listening.rawValue, 1)
        let client = try TestSocket.make(type: stream, isIPv6: isIPv6)
        try unsafe TestSocket.withAddress(2, port: 5000, isIPv6: isIPv6) { unsafe connect(client.rawValue, $0, $1) }
        let server = FileDescriptor(owning: accept(listening.rawValue, nil, nil))
        let number = client.rawValue
        let sender = try SystemThread(name: "sender") { TestSocket.sendAll(bytes, on: number) }
        let received = TestSocket.receive(bytes.count, from: server.rawValue)
        if received.count < bytes.count { shutdown(number, Int32(SHUT_RDWR)) }
        sender.join()
        return received
    }

    @Test(arguments: [(true, false), (true, true), (false, false), (false, true)])
    func `a TCP stream survives the way through the session, with and without offload`(offload: Bool, isIPv6: Bool) throws {
        try inNewNamespace {
            let adapter = try Self.adapter()
            let reflection = try TunReflection(try adapter.startSession(SessionOptions(offload: offload)))
            defer { reflection.stop() }
            var generator = SeededGenerator(seed: 5)
            let bytes = PacketFixture.randomBytes(1 << 20, using: &generator)
            var whole: [UInt8] = []
            for _ in 0..<8 { whole += bytes }
            let arrived = try Self.transfer(whole, isIPv6: isIPv6)
            let isSame = arrived == whole
            #expect(isSame, "\(arrived.count) bytes of \(whole.count)")
            let statistics = reflection.session.statistics
            #expect(statistics.malformed == 0 && statistics.refused == 0)
            if offload {
                #expect(statistics.reads * 4 < statistics.received, "the kernel hands over super-packets: \(statistics)")
                #expect(statistics.writes * 4 < statistics.sent, "and takes them: \(statistics)")
            } else {
                #expect(statistics.reads == statistics.received && statistics.writes == statistics.sent)
            }
        }
    }

    @Test(arguments: [false, true])
    func `segmented datagrams come back one by one`(isIPv6: Bool) throws {
        try inNewNamespace {
            let adapter = try Self.adapter()
            let reflection = try TunReflection(try adapter.startSession())
            defer { reflection.stop() }
            let receiver = try TestSocket.make(type: Self.datagram, isIPv6: isIPv6)
            try unsafe TestSocket.withAddress(1, port: 6000, isIPv6: isIPv6) { unsafe bind(receiver.rawValue, $0, $1) }
            let sender = try TestSocket.make(type: Self.datagram, isIPv6: isIPv6)
            try unsafe TestSocket.withAddress(2, port: 6000, isIPv6: isIPv6) { unsafe connect(sender.rawValue, $0, $1) }
            // UDP_SEGMENT, level IPPROTO_UDP.
            var size: Int32 = 1000
            unsafe setsockopt(sender.rawValue, 17, 103, &size, socklen_t(MemoryLayout<Int32>.size))
            var generator = SeededGenerator(seed: 6)
            let bytes = PacketFixture.randomBytes(29_500, using: &generator)
            let sent = unsafe bytes.withUnsafeBytes { unsafe send(sender.rawValue, $0.baseAddress!, bytes.count, 0) }
            #expect(sent == bytes.count)
            var arrived: [UInt8] = []
            for i in 0..<30 {
                let part = unsafe [UInt8](unsafeUninitializedCapacity: 4000) { buffer, count in
                    count = max(0, unsafe recv(receiver.rawValue, buffer.baseAddress!, 4000, 0))
                }
                #expect(part.count == (i < 29 ? 1000 : 500))
                arrived += part
            }
            let isSame = arrived == bytes
            #expect(isSame)
        }
    }

    static func sendEcho(_ session: Session) throws {
        var batch = OutgoingBatch(capacity: 1)
        let packet = PacketFixture(isTCP: false, payload: [1, 2, 3]).bytes
        check(session.allocate(count: 1, size: packet.count, lastSize: packet.count, into: &batch))
        unsafe batch.unsafeBytes(at: 0).copyBytes(from: packet)
        session.send(&batch)
        session.flush()
    }

    @Test func `packets written while the interface is down are counted, and the session goes on`() throws {
        try inNewNamespace {
            let adapter = try Self.adapter()
            let session = try adapter.startSession()
            defer { session.end() }
            try adapter.bringDown()
            try Self.sendEcho(session)
            #expect(session.statistics.droppedWhileDown == 1)
            #expect(!session.hasEnded)
            try adapter.bringUp()
            try Self.sendEcho(session)
            #expect(session.statistics.sent == 1)
            #expect(session.statistics.droppedWhileDown == 1)
        }
    }

    @Test func `deleting the interface ends the session, wakes its waiter and says why`() throws {
        try inNewNamespace {
            let adapter = try Adapter.create(name: "demo0", pool: "org.example.session")
            try adapter.bringUp(mtu: 1420)
            let session = try adapter.startSession()
            let waiter = try SystemThread(name: "waiter") {
                while let packet = try? session.receive(waiting: .forever) { _ = consume packet }
            }
            try run("ip", "link", "delete", "demo0")
            waiter.join()
            #expect(session.hasEnded)
            let reason = try #require(session.endReason)
            #expect(reason.code == .handleEndOfFile && reason.message.contains("the interface is gone"), "\(reason)")
        }
    }

    @Test(arguments: ["wait", "sleeping wait", "question", "receive"])
    func `a session whose receive ring is full ends with its interface too`(asked: String) throws {
        try inNewNamespace {
            let adapter = try Adapter.create(name: "demo0", pool: "org.example.session")
            try adapter.setAddress("10.9.0.1/24")
            try adapter.bringUp(mtu: 65_000)
            let session = try adapter.startSession(capacity: SessionOptions.minimumCapacity)
            let sender = try TestSocket.make(type: Self.datagram, isIPv6: false)
            try unsafe TestSocket.withAddress(2, port: 6000, isIPv6: false) { unsafe connect(sender.rawValue, $0, $1) }
            let bytes = [UInt8](repeating: 7, count: 60_000)
            for _ in 0..<4 { TestSocket.sendAll(bytes, on: sender.rawValue) }
            var batch = ReceivedBatch(capacity: 8)
            while try session.receive(into: &batch) > 0 {}
            #expect(!session.isPacketAvailable && !session.waitForPacket(.milliseconds(1)))
            let waiter =
                try asked == "sleeping wait"
                ? SystemThread(name: "waiter") { _ = session.waitForPacket(.upTo(.seconds(10))) } : nil
            // Mostly it sleeps then; what it finds is the same if it doesn't yet.
            if waiter != nil { SystemThread.sleep(.milliseconds(20)) }
            try run("ip", "link", "delete", "demo0")
            switch asked {
            case "wait": #expect(!session.waitForPacket(.upTo(.seconds(10))))
            case "sleeping wait": waiter?.join()
            case "question": #expect(!session.isPacketAvailable)
            default:
                // Who waits on the event must not find nothing for ever.
                #expect(DescriptorPoll.wait([.init(session.readEvent)], for: .seconds(10)) == [true])
                #expect(code { _ = try session.receive() } == .handleEndOfFile)
            }
            #expect(session.hasEnded)
            session.release(&batch)
        }
    }

    @Test func `a header size that somebody left behind is not the next one's`() throws {
        try inNewNamespace {
            let adapter = try Adapter.create(name: "demo0", pool: "org.example.session")
            try adapter.setAddress("10.9.0.1/24")
            try adapter.bringUp()
            let sender = try TestSocket.make(type: Self.datagram, isIPv6: false)
            try unsafe TestSocket.withAddress(2, port: 6000, isIPv6: false) { unsafe connect(sender.rawValue, $0, $1) }
            // As virtual machine monitors set it.
            func leaveBehind() throws { try adapter.openDeviceObject().setVirtioNetHeaderSize(12) }
            try leaveBehind()
            do {
                let object = try adapter.openDeviceObject()
                TestSocket.sendAll([1, 2, 3], on: sender.rawValue)
                var bytes = [UInt8](repeating: 0, count: 2000)
                let count = unsafe read(object.descriptor.rawValue, &bytes, bytes.count)
                #expect(count == 10 + 20 + 8 + 3)
            }
            try leaveBehind()
            let session = try adapter.startSession()
            TestSocket.sendAll([1, 2, 3], on: sender.rawValue)
            var batch = ReceivedBatch(capacity: 4)
            #expect(try session.receive(into: &batch) == 1)
            let bytes = unsafe Array(batch.unsafeBytes(at: 0))
            #expect(bytes.count == 20 + 8 + 3 && bytes.first == 0x45)
            try Self.sendEcho(session)
            #expect(session.statistics.sent == 1 && session.statistics.refused == 0)
            session.end()
            try adapter.delete()
        }
    }

    /// IFF_TAP, without and with the header.
    @Test(arguments: [0x1002, 0x5002] as [UInt16])
    func `a queue of Ethernet frames is refused, and left as it is`(flags: UInt16) throws {
        try inNewNamespace {
            let queue = try TunDescriptor()
            _ = try queue.attach(name: "other0", flags: TunDescriptor.Flags(rawValue: flags))
            try queue.descriptor.setNonBlocking(false)
            #expect(code { _ = try Session.start(attached: queue.duplicate()) } == .invalidParameter)
            #expect(fcntl(queue.descriptor.rawValue, F_GETFL) & O_NONBLOCK == 0)
        }
    }

    @Test(arguments: [false, true])
    func `a wait for space ends with the interface, though nobody reads or writes`(isAsleep: Bool) throws {
        try inNewNamespace {
            let adapter = try Adapter.create(name: "demo0", pool: "org.example.session")
            let session = try adapter.startSession(capacity: SessionOptions.minimumCapacity)
            guard let first = session.allocate(65_535), let second = session.allocate(65_535) else { return check(false) }
            if !isAsleep { try run("ip", "link", "delete", "demo0") }
            let waiters = try SystemThreads(2, name: "waiter") { _ in _ = session.waitForSpace(.upTo(.seconds(10))) }
            if isAsleep {
                // One that ends its wait leaves the others'.
                let hasSpace = session.waitForSpace(.milliseconds(20))
                #expect(!hasSpace)
                try run("ip", "link", "delete", "demo0")
            }
            waiters.join()
            #expect(session.hasEnded && session.endReason?.message.contains("the interface is gone") == true)
            session.abandon(first)
            session.abandon(second)
        }
    }

    @Test func `writing to a deleted interface ends the session too`() throws {
        try inNewNamespace {
            let adapter = try Adapter.create(name: "demo0", pool: "org.example.session")
            let session = try adapter.startSession()
            try run("ip", "link", "delete", "demo0")
            guard let packet = session.allocate(64) else { return check(false) }
            session.send(packet)
            #expect(session.hasEnded && session.endReason?.code == .handleEndOfFile)
            check(session.allocate(64) == nil)
        }
    }
}
