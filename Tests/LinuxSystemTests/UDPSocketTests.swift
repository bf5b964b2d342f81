import Glibc
import NetworkTypes
import Synchronization
import Testing

@testable import LinuxSystem

/// Two sockets on the loopback interface of one address family.
private struct SocketsInLoop: ~Copyable {
    let sender: UDPSocket
    let receiver: UDPSocket
    var destination: Endpoint
    var queue: DatagramSendQueue
    var batch = DatagramReceiveBatch(capacity: 8)
    /// Of the messages received so far: the most datagrams that one had.
    var largestMessage = 0

    init(_ family: AddressFamily, to address: String? = nil) throws {
        let sender = try UDPSocket(family: family, port: 0, mark: 0)
        let receiver = try UDPSocket(family: family, port: 0, mark: 0)
        let text = address ?? (family == .v4 ? "127.0.0.1" : "::1")
        let destination = Endpoint(address: try #require(IPAddress(text)), port: receiver.port)
        self.sender = sender
        self.receiver = receiver
        self.destination = destination
        queue = DatagramSendQueue(capacity: 512, family: family)
    }

    /// Sends datagrams of these sizes, back to back in memory or `gap` bytes apart, and takes what arrives.
    mutating func exchange(
        _ sizes: [Int], gap: Int = 0, from source: EndpointSource? = nil, trafficClass: UInt8 = 0,
        at now: Instant = Instant(nanoseconds: 1)
    ) throws -> (report: DatagramSendQueue.Report, arrived: [[UInt8]], expected: [[UInt8]], last: Arrived?) {
        let expected = sizes.enumerated().map { number, size in (0..<size).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0 &* 7) } }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, sizes.reduce(0) { $0 + $1 + gap }), alignment: 64)
        defer { unsafe memory.deallocate() }
        var offset = 0
        var isQueued = queue.begin(destination, from: source)
        for bytes in expected {
            // SAFETY: `memory` has room for all sizes and gaps.
            let start = unsafe memory.baseAddress! + offset
            unsafe start.copyMemory(from: bytes, byteCount: bytes.count)
            isQueued = unsafe queue.append(start, count: bytes.count, trafficClass: trafficClass) && isQueued
            offset += bytes.count + gap
        }
        let report = queue.flush(to: sender, now: now)
        isQueued = isQueued && queue.isEmpty
        #expect(isQueued)
        let (arrived, last) = receive(sizes.count)
        return (report, arrived, expected, last)
    }

    struct Arrived {
        var sender: Endpoint
        var source: EndpointSource?
        var trafficClass: UInt8
    }

    /// What arrives until there are `count` datagrams, or nothing has come for a second.
    mutating func receive(_ count: Int) -> ([[UInt8]], Arrived?) {
        var arrived: [[UInt8]] = []
        var last: Arrived?
        while arrived.count < count {
            var waiting = pollfd(fd: receiver.descriptor, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&waiting, 1, 1000) > 0, batch.receive(from: receiver) > 0 else { break }
            for index in 0..<batch.count {
                let message = batch.message(at: index)
                last = Arrived(sender: batch.sender(at: index), source: batch.localSource(at: index), trafficClass: message.trafficClass)
                let bytes = unsafe [UInt8](message.bytes)
                let before = arrived.count
                if bytes.isEmpty { arrived.append([]) }
                for start in stride(from: 0, to: bytes.count, by: message.segmentSize) {
                    arrived.append(Array(bytes[start..<min(start + message.segmentSize, bytes.count)]))
                }
                largestMessage = max(largestMessage, arrived.count - before)
            }
        }
        return (arrived, last)
    }
}

@Suite struct UDPSocketTests {
    @Test(arguments: [AddressFamily.v4, .v6], [0, 48])
    func `datagrams of all sizes arrive as they were sent, in order`(family: AddressFamily, gap: Int) throws {
        var loop = try SocketsInLoop(family)
        for sizes in [
            [1], [0], [0, 1, 0, 0, 1, 1], [1, 2, 3, 2, 1], [1420, 1420, 1420, 77], [77, 1420], [1000, 1000, 999, 1000, 1001, 1001],
            Array(repeating: 1, count: 70), Array(repeating: 1452, count: 46), Array(repeating: 333, count: 200) + [5, 333],
            (0..<100).map { 1 + $0 &* 7919 % 1452 }, [9000, 9000, 9000, 1],
        ] as [[Int]] {
            let (report, arrived, expected, _) = try loop.exchange(sizes, gap: gap)
            #expect(arrived == expected, "\(sizes)")
            #expect(report.sentDatagrams == sizes.count && report.droppedDatagrams == 0 && report.segmentationRefused == 0, "\(sizes)")
        }
    }

    @Test(arguments: [AddressFamily.v4, .v6])
    func `a run leaves and arrives as super-datagrams of at most 64`(family: AddressFamily) throws {
        var loop = try SocketsInLoop(family)
        let (_, arrived, expected, _) = try loop.exchange(Array(repeating: 100, count: 200))
        #expect(arrived == expected)
        #expect(loop.largestMessage > 1 && loop.largestMessage <= 64)
    }

    @Test(arguments: [AddressFamily.v4, .v6])
    func `what is larger than the path goes one by one, and is fragmented`(family: AddressFamily) throws {
        try inNewNamespace {
            var netlink = try NetlinkSocket()
            let loopback = try #require(try netlink.link(named: "lo"))
            try netlink.changeLink(loopback.index, LinkChange(isUp: true, mtu: 1300))
            var loop = try SocketsInLoop(family)
            for moment in [1, 2, 61_000_000_000] as [UInt64] {
                let (report, arrived, expected, _) = try loop.exchange(
                    [1400, 1400, 1400, 900], at: Instant(nanoseconds: moment))
                #expect(arrived == expected)
                #expect(report.sentDatagrams == 4 && report.droppedDatagrams == 0 && report.segmentationRefused == 0)
                #expect(loop.largestMessage == 1)
            }
            // What fits goes together still.
            let (_, arrived, expected, _) = try loop.exchange(Array(repeating: 1000, count: 30), at: Instant(nanoseconds: 3))
            #expect(arrived == expected)
            #expect(loop.largestMessage > 1)
        }
    }

    @Test func `a kernel that refuses to segment is asked again after a minute, and all datagrams arrive`() throws {
        var loop = try SocketsInLoop(.v4)
        // Without UDP checksums the kernel segments nothing: EINVAL, as for a segment larger than the path before 6.13.
        func setChecksums(_ on: Bool) {
            var off: Int32 = on ? 0 : 1
            #expect(
                unsafe setsockopt(loop.sender.descriptor, SOL_SOCKET, SO_NO_CHECK, &off, socklen_t(MemoryLayout<Int32>.size)) == 0)
        }
        setChecksums(false)
        let first = try loop.exchange(Array(repeating: 500, count: 64) + [20])
        #expect(first.report.segmentationRefused == EINVAL)
        #expect(first.report.sentDatagrams == 65 && first.report.droppedDatagrams == 0)
        #expect(first.arrived == first.expected)
        setChecksums(true)
        let second = try loop.exchange([500, 500, 500], at: Instant(nanoseconds: 59_000_000_000))
        #expect(second.report.segmentationRefused == 0)
        #expect(second.arrived == second.expected && loop.largestMessage == 1)
        let third = try loop.exchange([500, 500, 500], at: Instant(nanoseconds: 61_000_000_000))
        #expect(third.arrived == third.expected && loop.largestMessage == 3)
    }

    @Test func `a refusal about one destination leaves the others their super-datagrams`() throws {
        var loop = try SocketsInLoop(.v4)
        _ = try loop.exchange([500, 500])
        var on: Int32 = 1
        #expect(unsafe setsockopt(loop.sender.descriptor, SOL_SOCKET, SO_NO_CHECK, &on, socklen_t(MemoryLayout<Int32>.size)) == 0)
        let refused = try loop.exchange([500, 500, 500])
        // It has worked before, so it isn't the kernel that can't.
        #expect(refused.report.segmentationRefused == 0 && refused.arrived == refused.expected)
        on = 0
        #expect(unsafe setsockopt(loop.sender.descriptor, SOL_SOCKET, SO_NO_CHECK, &on, socklen_t(MemoryLayout<Int32>.size)) == 0)
        loop.largestMessage = 0
        let same = try loop.exchange([500, 500, 500])
        #expect(same.arrived == same.expected && loop.largestMessage == 1)
        loop.destination.address = try #require(IPAddress("127.0.0.9"))
        let other = try loop.exchange([500, 500, 500])
        #expect(other.arrived == other.expected && loop.largestMessage == 3)
    }

    @Test func `datagrams leave from the address they are told to`() throws {
        var loop = try SocketsInLoop(.v4, to: "127.0.0.5")
        // Where it came in is known, and not forced: there is no such interface, and the routing table chooses another.
        let other = EndpointSource(address: try #require(IPAddress("127.0.0.2")), interfaceIndex: 0x7fff_ffff)
        let (report, arrived, expected, last) = try loop.exchange([100, 100, 50], from: other)
        #expect(arrived == expected)
        #expect(report.staleSource == nil)
        #expect(last?.sender == Endpoint(address: other.address, port: loop.sender.port))
        // Where they arrived is what an answer is to leave from.
        #expect(last?.source?.address == loop.destination.address)
    }

    @Test(arguments: [(AddressFamily.v4, "192.0.2.77", "127.0.0.1"), (.v6, "2001:db8::77", "::1")])
    func `a source address that is gone is reported, and the system's choice taken`(
        family: AddressFamily, gone: String, usual: String
    ) throws {
        var loop = try SocketsInLoop(family)
        let source = EndpointSource(address: try #require(IPAddress(gone)), interfaceIndex: 0)
        let (report, arrived, expected, last) = try loop.exchange([100, 100, 50], from: source)
        #expect(report.staleSource == source)
        #expect(report.sentDatagrams == 3 && report.droppedDatagrams == 0 && report.segmentationRefused == 0)
        #expect(arrived == expected)
        #expect(last?.sender.address == IPAddress(usual))
    }

    @Test func `a stale source is recovered from with many super-datagrams, and with those that go one by one`() throws {
        var loop = try SocketsInLoop(.v4)
        let gone = EndpointSource(address: try #require(IPAddress("192.0.2.77")), interfaceIndex: 0)
        let many = try loop.exchange(Array(repeating: 1000, count: 200), from: gone)
        #expect(many.report.staleSource == gone && many.report.droppedDatagrams == 0 && many.report.segmentationRefused == 0)
        #expect(many.arrived == many.expected && loop.largestMessage > 1)
        // From here on one by one.
        loop.queue.segmentSizeLimits.refuse(1, to: loop.destination.address, at: Instant(nanoseconds: 1))
        loop.largestMessage = 0
        let separate = try loop.exchange([100, 100, 100, 50], from: gone)
        #expect(separate.report.staleSource == gone)
        #expect(separate.report.sentDatagrams == 4 && separate.report.droppedDatagrams == 0)
        #expect(separate.arrived == separate.expected && loop.largestMessage == 1)
        #expect(separate.last?.sender.address == loop.destination.address)
    }

    @Test(arguments: [AddressFamily.v4, .v6])
    func `a port that nobody listens on is told by ICMP, and costs no other datagram`(family: AddressFamily) throws {
        var loop = try SocketsInLoop(family)
        let closed = try {
            let socket = try UDPSocket(family: family, port: 0, mark: 0)
            return Endpoint(address: loop.destination.address, port: socket.port)
        }()
        let open = loop.destination
        for _ in 0..<20 {
            loop.destination = closed
            _ = loop.queue.begin(closed, from: nil)
            let bytes = [UInt8](repeating: 1, count: 10)
            unsafe bytes.withUnsafeBytes { _ = unsafe loop.queue.append($0.baseAddress!, count: 10, trafficClass: 0) }
            let report = loop.queue.flush(to: loop.sender, now: Instant(nanoseconds: 1))
            #expect(report.droppedDatagrams == 0)
            loop.destination = open
            // The error waits at the socket, and the next send would get it.
            let next = try loop.exchange([100])
            #expect(next.report.sentDatagrams == 1 && next.report.droppedDatagrams == 0)
            #expect(next.arrived == next.expected)
        }
        let error = try #require(loop.sender.nextError())
        #expect(error.errno == ECONNREFUSED && error.destination == closed && error.reporter == closed.address)
        #expect(error.origin == (family == .v4 ? .icmp : .icmpv6))
        #expect((error.type, error.code) == (family == .v4 ? (3, 3) : (1, 4)))
        while loop.sender.nextError() != nil {}
    }

    @Test func `an error that waits at a socket costs no datagram that is received there`() throws {
        var loop = try SocketsInLoop(.v4)
        let closed = Endpoint(address: loop.destination.address, port: try UDPSocket(family: .v4, port: 0, mark: 0).port)
        let bytes = [UInt8](repeating: 1, count: 10)
        unsafe bytes.withUnsafeBytes { memory in
            _ = loop.queue.begin(closed, from: nil)
            _ = unsafe loop.queue.append(memory.baseAddress!, count: 10, trafficClass: 0)
            _ = loop.queue.flush(to: loop.receiver, now: Instant(nanoseconds: 1))
            _ = loop.queue.begin(loop.destination, from: nil)
            _ = unsafe loop.queue.append(memory.baseAddress!, count: 10, trafficClass: 0)
            _ = loop.queue.flush(to: loop.sender, now: Instant(nanoseconds: 1))
        }
        let received = loop.batch.receive(from: loop.receiver)
        #expect(received == 1)
        let error = loop.batch.error
        #expect(error == 0)
    }

    @Test func `what becomes of each run is told by its tag`() throws {
        try inNewNamespace {
            var netlink = try NetlinkSocket()
            let loopback = try #require(try netlink.link(named: "lo"))
            try netlink.changeLink(loopback.index, LinkChange(isUp: true))
            var loop = try SocketsInLoop(.v4)
            let nowhere = Endpoint(address: try #require(IPAddress("198.51.100.1")), port: 9)
            let bytes = [UInt8](repeating: 1, count: 300)
            unsafe bytes.withUnsafeBytes { memory in
                for (tag, endpoint) in [(7, nowhere), (8, loop.destination), (9, nowhere)] as [(UInt64, Endpoint)] {
                    _ = loop.queue.begin(endpoint, from: nil, tag: tag)
                    for size in [100, 100, 50] { _ = unsafe loop.queue.append(memory.baseAddress!, count: size, trafficClass: 0) }
                }
                let report = loop.queue.flush(to: loop.sender, now: Instant(nanoseconds: 1))
                #expect(report.sentDatagrams == 3 && report.droppedDatagrams == 6)
            }
            let outcomes = (0..<loop.queue.outcomeCount).map { loop.queue.outcome(at: $0) }
            #expect(outcomes.map(\.tag) == [7, 8, 9])
            #expect(outcomes.map(\.error) == [ENETUNREACH, 0, ENETUNREACH])
            #expect(outcomes.map(\.droppedBytes) == [250, 0, 250])
            #expect(outcomes.map(\.sentDatagrams) == [0, 3, 0])
        }
    }

    @Test func `what finds no room in a socket is counted`() throws {
        var loop = try SocketsInLoop(.v4)
        var size: Int32 = 2048
        #expect(unsafe setsockopt(loop.receiver.descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size)) == 0)
        let bytes = [UInt8](repeating: 1, count: 1000)
        unsafe bytes.withUnsafeBytes { memory in
            for _ in 0..<50 {
                _ = loop.queue.begin(loop.destination, from: nil)
                _ = unsafe loop.queue.append(memory.baseAddress!, count: 1000, trafficClass: 0)
                _ = loop.queue.flush(to: loop.sender, now: Instant(nanoseconds: 1))
            }
        }
        let memory = try #require(loop.receiver.memory)
        #expect(memory.drops > 30 && memory.drops < 50)
        #expect(memory.receiveQueue > 0 && memory.receiveLimit >= 2048)
    }

    @Test(arguments: [AddressFamily.v4, .v6], [0, 1, 2, 3, 0x88, 0x8b] as [UInt8])
    func `the traffic class arrives with one datagram and with many`(family: AddressFamily, trafficClass: UInt8) throws {
        var loop = try SocketsInLoop(family)
        for sizes in [[10], [700, 700, 700]] {
            let (_, arrived, expected, last) = try loop.exchange(sizes, trafficClass: trafficClass)
            #expect(arrived == expected)
            #expect(last?.trafficClass == trafficClass)
        }
    }

    @Test func `datagrams of another traffic class are no part of the super-datagram before`() throws {
        var loop = try SocketsInLoop(.v4)
        let bytes = [UInt8](repeating: 1, count: 300)
        unsafe bytes.withUnsafeBytes { memory in
            _ = loop.queue.begin(loop.destination, from: nil)
            for (number, trafficClass) in [UInt8(0), 0, 3, 0].enumerated() {
                _ = unsafe loop.queue.append(memory.baseAddress! + number * 50, count: 50, trafficClass: trafficClass)
            }
            let entries = loop.queue.entryCount
            #expect(entries == 3)
            let report = loop.queue.flush(to: loop.sender, now: Instant(nanoseconds: 1))
            #expect(report.sentDatagrams == 4)
        }
        let (arrived, _) = loop.receive(4)
        #expect(arrived.count == 4)
    }

    @Test(arguments: [AddressFamily.v4, .v6]) func `a port in use is refused as such`(family: AddressFamily) throws {
        let first = try UDPSocket(family: family, port: 0, mark: 0)
        let error = try #require(throws: SystemError.self) { _ = try UDPSocket(family: family, port: first.port, mark: 0) }
        #expect(error.isAddressInUse)
        #expect(error.subject.contains("\(first.port)"))
    }

    @Test func `without a socket of the family everything is dropped and counted`() throws {
        var loop = try SocketsInLoop(.v4)
        let bytes = [UInt8](repeating: 1, count: 100)
        unsafe bytes.withUnsafeBytes { memory in
            _ = loop.queue.begin(loop.destination, from: nil)
            _ = unsafe loop.queue.append(memory.baseAddress!, count: 50, trafficClass: 0)
            _ = unsafe loop.queue.append(memory.baseAddress! + 50, count: 50, trafficClass: 0)
        }
        let report = loop.queue.flush(to: nil, now: Instant(nanoseconds: 1))
        #expect(report.sentDatagrams == 0 && report.droppedDatagrams == 2 && report.lastError == EAFNOSUPPORT)
        let isEmpty = loop.queue.isEmpty
        #expect(isEmpty)
    }
}
