import Glibc
import NetworkTypes
import Synchronization
import Testing

@testable import LinuxSystem

/// Two sockets on the loopback interface of one address family.
private struct SocketsInLoop: ~Copyable {
    let sender: UDPSocket
    let receiver: UDPSocket
    let destination: Endpoint
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

    @Test func `a kernel that refuses to segment is asked once, and all datagrams arrive`() throws {
        var loop = try SocketsInLoop(.v4)
        // Without UDP checksums the kernel segments nothing: EINVAL.
        var on: Int32 = 1
        #expect(unsafe setsockopt(loop.sender.descriptor, SOL_SOCKET, SO_NO_CHECK, &on, socklen_t(MemoryLayout<Int32>.size)) == 0)
        let first = try loop.exchange(Array(repeating: 500, count: 64) + [20])
        #expect(first.report.segmentationRefused == EINVAL)
        #expect(first.report.sentDatagrams == 65 && first.report.droppedDatagrams == 0)
        #expect(first.arrived == first.expected)
        let segments = loop.sender.segmentation.load(ordering: .relaxed)
        #expect(!segments)
        let second = try loop.exchange([500, 500, 500])
        #expect(second.report.segmentationRefused == 0)
        #expect(second.arrived == second.expected)
    }

    @Test func `datagrams leave from the address they are told to`() throws {
        var loop = try SocketsInLoop(.v4, to: "127.0.0.5")
        let other = EndpointSource(address: try #require(IPAddress("127.0.0.2")), interfaceIndex: 0)
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
