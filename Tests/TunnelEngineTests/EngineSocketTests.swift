import Glibc
import LinuxSystem
import NetworkTypes
import Synchronization
import Testing
import TunAdapter
import TunnelCore
import WireGuardCrypto

@testable import TunnelEngine

/// One engine with an adapter in memory and one peer, whose place a socket of the test's may take.
private struct LoneEngine {
    let adapter: MemoryAdapter
    let engine: Engine
    let peerKey: PrivateKey
    let lines = Lines()

    final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        func append(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
        func count(_ text: String) -> Int { all.filter { $0.contains(text) }.count }
    }

    init(peerAt endpoint: Endpoint? = nil, isLinkUp: Bool = true, keepalive: UInt16? = nil) throws {
        var generator = SystemRandomNumberGenerator()
        adapter = try MemoryAdapter(name: "lone")
        peerKey = PrivateKey.random(using: &generator)
        var options = EngineOptions()
        options.isLinkUp = isLinkUp
        options.log = { [lines] _, text in lines.append(text) }
        engine = try Engine(session: try adapter.startSession(Engine.sessionOptions(capacity: 0x2_0000)), options: options)
        var update = TunnelUpdate()
        update.privateKey = .some(PrivateKey.random(using: &generator))
        var peer = PeerUpdate(publicKey: peerKey.publicKey)
        peer.allowedIPs = [AllowedIPChange(IPPrefix("10.0.0.2/32")!)]
        peer.endpoint = endpoint
        peer.persistentKeepalive = keepalive
        update.peers = [peer]
        try engine.apply(update)
        try engine.start()
    }

    /// Gives the engine a packet for its peer.
    func inject() {
        var packet = [UInt8](repeating: 0, count: 60)
        packet.replaceSubrange(0..<20, with: [0x45, 0, 0, 60, 0, 0, 0, 0, 64, 253, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2])
        adapter.inject(packet)
    }
}

/// Waits until `condition` holds; false if it doesn't within ten seconds.
private func eventually(_ condition: () -> Bool) -> Bool {
    let start = Clock.now
    while Clock.now.since(start) < .seconds(10) {
        if condition() { return true }
        SystemThread.sleep(.milliseconds(2))
    }
    return condition()
}

/// The datagrams that `socket` gets within `time`.
private func datagrams(at socket: UDPSocket, within time: Interval) -> Int {
    var batch = DatagramReceiveBatch(capacity: 8)
    var count = 0
    let start = Clock.now
    while Clock.now.since(start) < time {
        count += batch.receive(from: socket)
        SystemThread.sleep(.milliseconds(2))
    }
    return count
}

/// The threads of this process with a name.
private func threads(named name: String) -> Int {
    let directory = unsafe opendir("/proc/self/task")
    guard let directory = unsafe directory else { return 0 }
    defer { unsafe closedir(directory) }
    var count = 0
    while let entry = unsafe readdir(directory) {
        let task = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        if let text = try? FileSystem.read("/proc/self/task/\(task)/comm"), String(decoding: text, as: UTF8.self).hasPrefix(name) {
            count += 1
        }
    }
    return count
}

@Suite(.timeLimit(.minutes(1))) struct EngineSocketTests {
    private static let loopback = IPAddress("127.0.0.1")!

    @Test func `an engine whose port is taken leaves no thread behind`() throws {
        let taken = try UDPSocket(family: .v4, port: 0, mark: 0)
        var options = EngineOptions()
        options.listenPort = taken.port
        // A number of helpers that no other test has.
        options.cryptoThreads = 8
        let adapter = try MemoryAdapter(name: "taken")
        let session = try adapter.startSession(Engine.sessionOptions(capacity: 0x2_0000))
        #expect(throws: EngineError.portInUse(taken.port)) { _ = try Engine(session: session, options: options) }
        #expect(threads(named: "wg-crypto-7") == 0)
        session.end()
    }

    @Test func `a peer's closed port is known from ICMP, and what was sent there was sent`() throws {
        let closed = Endpoint(address: Self.loopback, port: try UDPSocket(family: .v4, port: 0, mark: 0).port)
        let lone = try LoneEngine(peerAt: closed)
        defer { lone.engine.stop() }
        lone.inject()
        // The socket's count comes a moment after the peer's error.
        #expect(
            eventually {
                let observation = lone.engine.observation()
                return observation.peers[0].lastICMPError != nil && observation.v4.icmpErrors >= 1
            })
        let observation = lone.engine.observation()
        let error = try #require(observation.peers[0].lastICMPError)
        #expect(error.errno == ECONNREFUSED && error.type == 3 && error.code == 3 && !error.isV6)
        #expect(error.reporter == Self.loopback && error.destination == closed)
        #expect(error.unixNanoseconds > 1_600_000_000_000_000_000)
        #expect(observation.v4.icmpErrors >= 1 && observation.v4.isOpen && observation.isLinkUp)
        #expect(observation.peers[0].lastSendError == nil)
        #expect(lone.engine.snapshot().peers[0].sentBytes == 148)
    }

    @Test func `what has no route was not sent, and why is known`() throws {
        try inNewNamespace {
            let nowhere = Endpoint("198.51.100.1:51820")!
            let lone = try LoneEngine(peerAt: nowhere)
            defer { lone.engine.stop() }
            lone.inject()
            #expect(eventually { lone.engine.observation().peers[0].lastSendError != nil })
            let error = try #require(lone.engine.observation().peers[0].lastSendError)
            #expect(error.errno == ENETUNREACH && error.endpoint == nowhere && error.datagrams == 1)
            #expect(lone.engine.snapshot().peers[0].sentBytes == 0)
            #expect(lone.engine.drops[.sendFailed] == 1)
            #expect(eventually { lone.lines.count("cannot send to peer") == 1 })
        }
    }

    @Test func `nothing is sent before the interface is up, nor while it is down`() throws {
        let there = try UDPSocket(family: .v4, port: 0, mark: 0)
        let lone = try LoneEngine(peerAt: Endpoint(address: Self.loopback, port: there.port), isLinkUp: false, keepalive: 1)
        defer { lone.engine.stop() }
        let port = lone.engine.snapshot().listenPort
        #expect(datagrams(at: there, within: .milliseconds(1500)) == 0)
        try lone.engine.setLinkUp(true)
        #expect(datagrams(at: there, within: .milliseconds(500)) == 1)
        try lone.engine.setLinkUp(false)
        // The port is free while it is down.
        #expect(!lone.engine.observation().v4.isOpen)
        #expect(try UDPSocket(family: .v4, port: port, mark: 0).port == port)
        lone.inject()
        #expect(datagrams(at: there, within: .milliseconds(1500)) == 0)
        #expect(lone.engine.snapshot().listenPort == port)
        try lone.engine.setLinkUp(true)
        #expect(datagrams(at: there, within: .milliseconds(500)) >= 1)
    }

    @Test func `a port that was taken while the interface was down is told, and another one helps`() throws {
        let there = try UDPSocket(family: .v4, port: 0, mark: 0)
        let lone = try LoneEngine(peerAt: Endpoint(address: Self.loopback, port: there.port), keepalive: 1)
        defer { lone.engine.stop() }
        try lone.engine.setLinkUp(false)
        let (port, sent) = (lone.engine.snapshot().listenPort, lone.engine.snapshot().peers[0].sentBytes)
        let thief = try UDPSocket(family: .v4, port: port, mark: 0)
        #expect(throws: EngineError.portInUse(port)) { try lone.engine.setLinkUp(true) }
        _ = datagrams(at: there, within: .milliseconds(50))
        // Nothing is sent, and nothing is said to be.
        lone.inject()
        SystemThread.sleep(.milliseconds(200))
        #expect(lone.engine.snapshot().peers[0].sentBytes == sent && !lone.engine.observation().isLinkUp)
        var update = TunnelUpdate()
        update.listenPort = 0
        try lone.engine.apply(update)
        #expect(lone.engine.snapshot().listenPort != thief.port)
        // It tries again after five seconds at the latest; nothing failed meanwhile that a person would have to know of.
        #expect(datagrams(at: there, within: .seconds(7)) >= 1)
        #expect(lone.lines.count("cannot send") == 0)
    }

    @Test func `a port that was left is free when the change is answered`() throws {
        let lone = try LoneEngine()
        defer { lone.engine.stop() }
        let (first, second) = try (UDPSocket(family: .v4, port: 0, mark: 0), UDPSocket(family: .v4, port: 0, mark: 0))
        let ports = [first.port, second.port]
        _ = consume first
        _ = consume second
        var update = TunnelUpdate()
        for round in 0..<200 {
            update.listenPort = ports[round % 2]
            try lone.engine.apply(update)
            try lone.engine.setLinkUp(false)
            try lone.engine.setLinkUp(true)
        }
        #expect(try UDPSocket(family: .v4, port: ports[0], mark: 0).port == ports[0])
    }

    @Test func `a socket that is ready and gives nothing is told of once, and what comes later is taken`() throws {
        let lone = try LoneEngine()
        defer { lone.engine.stop() }
        let descriptor = try #require(lone.engine.sockets.withLock { $0.v4?.descriptor })
        // Not connected, it refuses, and is hung up all the same.
        #expect(shutdown(descriptor, Int32(SHUT_RD)) != 0)
        #expect(eventually { lone.lines.count("cannot receive on the IPv4 socket") == 1 })
        #expect(lone.engine.observation().v4.lastReceiveError == 0)
        SystemThread.sleep(.milliseconds(500))
        #expect(lone.lines.count("cannot receive") == 1)
        let sender = try UDPSocket(family: .v4, port: 0, mark: 0)
        var queue = DatagramSendQueue(capacity: 4, family: .v4)
        let garbage = [UInt8](repeating: 9, count: 40)
        unsafe garbage.withUnsafeBytes { bytes in
            _ = queue.begin(Endpoint(address: Self.loopback, port: lone.engine.snapshot().listenPort), from: nil)
            _ = unsafe queue.append(bytes.baseAddress!, count: 40, trafficClass: 0)
            _ = queue.flush(to: sender, now: Instant(nanoseconds: 1))
        }
        #expect(eventually { lone.engine.drops[.unknownType] == 1 })
        #expect(eventually { lone.lines.count("receives again") == 1 })
    }

    @Test func `ICMP errors are looked up a bounded number of times a second, and the same one once`() {
        var queue = ErrorQueue()
        let start = TimePoint(now: Instant(nanoseconds: 5_000_000_000), unixNanoseconds: 1)
        func error(_ port: UInt16) -> SocketError {
            SocketError(
                errno: ECONNREFUSED, origin: .icmp, type: 3, code: 3, mtu: nil, destination: Endpoint(address: Self.loopback, port: port),
                reporter: Self.loopback)
        }
        #expect(queue.take(error(1), at: start) != nil && queue.take(error(1), at: start) == nil)
        let kept = (2..<10_000).filter { queue.take(error(UInt16($0)), at: start) != nil }
        #expect(kept.count == ErrorQueue.lookUpsPerSecond - 1)
        let later = TimePoint(now: start.now + .seconds(1), unixNanoseconds: 1)
        #expect(queue.take(error(1), at: later) != nil)
        var local = error(3)
        local.origin = .local
        #expect(queue.take(local, at: later) == nil)
    }
}
