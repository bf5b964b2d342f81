import LinuxSystem
import NetworkTypes
import PathRecording
import Testing
import TunAdapter
import TunnelCore
import WireGuardCrypto

@testable import TunnelEngine

@Suite(.timeLimit(.minutes(1))) struct EngineTests {
    @Test func `both threads answer when they are asked for progress, and one that hangs in the tunnel's lock does not`() throws {
        let pair = try EnginePair()
        defer { pair.stop() }
        let engine = pair.engines[0]
        /// Waits until these threads owe an answer, and no others; ten seconds are for a busy machine.
        func awaitSilent(_ expected: [EngineThread]) -> Bool {
            let start = Clock.now
            while engine.silentThreads != expected, Clock.now.since(start) < .seconds(10) { SystemThread.sleep(.milliseconds(1)) }
            return engine.silentThreads == expected
        }
        #expect(engine.silentThreads.isEmpty)
        for _ in 0..<3 {
            engine.askForProgress()
            #expect(awaitSilent([]))
        }
        engine.tunnel.withLock { _ in
            engine.askForProgress()
            #expect(awaitSilent([.handshakes]))
            SystemThread.sleep(.milliseconds(50))
            #expect(engine.silentThreads == [.handshakes])
        }
        #expect(awaitSilent([]))
    }

    @Test(arguments: ["127.0.0.1", "::1"])
    func `packets cross two engines both ways`(outside: String) throws {
        let pair = try EnginePair(outside: outside)
        defer { pair.stop() }
        let there = (0..<50).map { packet(from: 1, to: 2, number: UInt8($0), size: 100 + $0 * 20) }
        for packet in there { #expect(pair.adapters[0].inject(packet)) }
        #expect(pair.collect(50, at: 1) == there)
        let back = (0..<50).map { packet(from: 2, to: 1, number: UInt8($0)) }
        for packet in back { #expect(pair.adapters[1].inject(packet)) }
        #expect(pair.collect(50, at: 0) == back)
        #expect(pair.engines[0].snapshot().peers[0].lastHandshake != nil)
        // The last batch is counted after it has come out.
        pair.stop()
        let figures = pair.engines[0].figures()
        // The first packets may have waited for the session, which the histogram leaves out.
        #expect(figures.inbound.latency.total >= 50)
        #expect(figures.outbound.latency.total <= 50)
        #expect(figures.inbound.latency.percentile(1)! > Interval(nanoseconds: 1000))
        #expect(figures.inbound.stages.allSatisfy { $0.time.nanoseconds > 0 && $0.packets >= 50 && $0.batches > 0 })
        #expect(pair.engines[0].drops.total == 0)
        #expect(pair.engines[1].drops.total == 0)
    }

    @Test func `packets that come before, during and after the handshake arrive in order`() throws {
        let pair = try EnginePair()
        defer { pair.stop() }
        // Fewer than may wait for a session, over the few milliseconds that it takes to be made.
        let packets = (0..<120).map { packet(from: 1, to: 2, number: UInt8($0), size: 100) }
        for packet in packets {
            #expect(pair.adapters[0].inject(packet))
            SystemThread.sleep(Interval(nanoseconds: 30_000))
        }
        #expect(pair.collect(120, at: 1) == packets)
    }

    @Test(arguments: [1, 2, 4])
    func `one flow stays in order with several crypto threads`(threads: Int) throws {
        let pair = try EnginePair(cryptoThreads: threads)
        defer { pair.stop() }
        // The first packet makes the session; then bursts large enough to be shared out.
        pair.adapters[0].inject(packet(from: 1, to: 2, number: 0))
        #expect(pair.collect(1, at: 1).count == 1)
        for burst in 0..<20 {
            let packets = (0..<100).map { packet(from: 1, to: 2, number: UInt8((burst * 100 + $0) & 255), size: 1200) }
            for packet in packets { #expect(pair.adapters[0].inject(packet)) }
            #expect(pair.collect(100, at: 1) == packets)
        }
    }

    @Test func `what is no message of the protocol is kept with its sender`() throws {
        let pair = try EnginePair()
        defer { pair.stop() }
        let socket = try UDPSocket(family: .v4, port: 0, mark: 0)
        let target = Endpoint(address: try #require(IPAddress("127.0.0.1")), port: pair.engines[1].snapshot().listenPort)
        var queue = DatagramSendQueue(capacity: 1, family: .v4)
        _ = queue.begin(target, from: nil)
        let bytes = [UInt8](repeating: 0x6e, count: 40)
        unsafe bytes.withUnsafeBytes { _ = unsafe queue.append($0.baseAddress!, count: $0.count, trafficClass: 0) }
        _ = queue.flush(to: socket, now: Instant(nanoseconds: 1))
        // The suite's limit bounds it.
        while pair.engines[1].drops[.unknownType] == 0 { SystemThread.sleep(.milliseconds(1)) }
        let example = try #require(pair.engines[1].facts().examples.first { $0.reason == .unknownType })
        #expect(example.sender == Endpoint(address: target.address, port: socket.port))
    }

    @Test(arguments: [1, 2, 4] as [UInt8])
    func `a flood of garbage does not keep packets out`(kind: UInt8) throws {
        let pair = try EnginePair()
        defer { pair.stop() }
        pair.adapters[0].inject(packet(from: 1, to: 2, number: 0))
        #expect(pair.collect(1, at: 1).count == 1)
        // More than the send ring would hold if each had a place in it for good.
        let socket = try UDPSocket(family: .v4, port: 0, mark: 0)
        let target = Endpoint(address: try #require(IPAddress("127.0.0.1")), port: pair.engines[1].snapshot().listenPort)
        var queue = DatagramSendQueue(capacity: 64, family: .v4)
        let size = kind == 2 ? 92 : 148
        let garbage = (0..<64).flatMap { _ in [kind, 0, 0, 0] + [UInt8](repeating: 0xa5, count: size - 4) }
        unsafe garbage.withUnsafeBytes { garbage in
            for round in 0..<20_000 {
                // What the socket's buffer loses was no load.
                if round % 16 == 0 && pair.engines[1].drops.total > 80_000 { break }
                _ = queue.begin(target, from: nil)
                for number in 0..<64 {
                    _ = unsafe queue.append(garbage.baseAddress! + number * size, count: size, trafficClass: 0)
                }
                _ = queue.flush(to: socket, now: Instant(nanoseconds: 1))
            }
            // One by one into the last gaps.
            for _ in 0..<500 {
                _ = queue.begin(target, from: nil)
                _ = unsafe queue.append(garbage.baseAddress!, count: size, trafficClass: 0)
                _ = queue.flush(to: socket, now: Instant(nanoseconds: 1))
            }
        }
        // What still stands in the socket's buffer would keep packets out.
        var dropped: UInt64 = 0
        while pair.engines[1].drops.total != dropped {
            dropped = pair.engines[1].drops.total
            SystemThread.sleep(.milliseconds(500))
        }
        #expect(dropped > 80_000)
        let packets = (1...20).map { packet(from: 1, to: 2, number: UInt8($0)) }
        for packet in packets {
            #expect(pair.adapters[0].inject(packet))
            #expect(pair.collect(1, at: 1) == [packet])
        }
    }

    @Test func `a packet that no peer takes is answered with destination unreachable`() throws {
        let pair = try EnginePair()
        defer { pair.stop() }
        pair.adapters[0].inject(packet(from: 1, to: 77, number: 1))
        let answer = try #require(pair.collect(1, at: 0).first)
        #expect(answer[9] == 1)
        #expect(Array(answer[12..<20]) == [10, 0, 0, 77, 10, 0, 0, 1])
        #expect(Array(answer[20..<22]) == [3, 1])
        #expect(pair.engines[0].drops[.noPeerForDestination] == 1)
    }

    @Test func `a packet from a source that its peer may not use is dropped and counted`() throws {
        let pair = try EnginePair()
        defer { pair.stop() }
        pair.adapters[0].inject(packet(from: 9, to: 2, number: 1))
        pair.adapters[0].inject(packet(from: 1, to: 2, number: 2))
        #expect(pair.collect(1, at: 1) == [packet(from: 1, to: 2, number: 2)])
        #expect(pair.engines[1].drops[.sourceNotAllowed] == 1)
    }

    @Test func `the listening port can be changed while packets flow`() throws {
        let pair = try EnginePair()
        defer { pair.stop() }
        pair.adapters[0].inject(packet(from: 1, to: 2, number: 1))
        #expect(pair.collect(1, at: 1).count == 1)
        var update = TunnelUpdate()
        update.listenPort = 0
        let old = pair.engines[0].snapshot().listenPort
        try pair.engines[0].apply(update)
        #expect(pair.engines[0].snapshot().listenPort != old)
        pair.adapters[0].inject(packet(from: 1, to: 2, number: 2))
        #expect(pair.collect(1, at: 1) == [packet(from: 1, to: 2, number: 2)])
        // The peer has followed to the new port.
        pair.adapters[1].inject(packet(from: 2, to: 1, number: 3))
        #expect(pair.collect(1, at: 0) == [packet(from: 2, to: 1, number: 3)])
    }

    @Test func `a port in use is refused and nothing changes`() throws {
        let pair = try EnginePair()
        defer { pair.stop() }
        let before = pair.engines[0].snapshot()
        var generator = SystemRandomNumberGenerator()
        var update = TunnelUpdate()
        update.listenPort = pair.engines[1].snapshot().listenPort
        update.firewallMark = 7
        update.privateKey = .some(PrivateKey.random(using: &generator))
        update.replacesPeers = true
        update.peers = [PeerUpdate(publicKey: PrivateKey.random(using: &generator).publicKey)]
        #expect(throws: EngineError.portInUse(update.listenPort!)) { try pair.engines[0].apply(update) }
        let after = pair.engines[0].snapshot()
        #expect(after.listenPort == before.listenPort)
        #expect(after.firewallMark == before.firewallMark)
        #expect(after.privateKey == before.privateKey)
        #expect(after.peers.map(\.publicKey) == before.peers.map(\.publicKey))
    }

    @Test func `an engine whose session ends says so`() throws {
        let pair = try EnginePair()
        defer { pair.stop() }
        pair.engines[0].session.end()
        guard case .sessionEnded = pair.engines[0].waitUntilEnded() else {
            Issue.record("ended for another reason")
            return
        }
    }
}
