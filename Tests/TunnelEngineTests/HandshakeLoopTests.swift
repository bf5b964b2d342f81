import LinuxSystem
import NetworkTypes
import Synchronization
import Testing
import TunAdapter
import TunnelCore
import WireGuardCrypto

@testable import TunnelEngine

@Suite struct HandshakeLoopTests {
    /// An engine whose threads are not started.
    private static func engine() throws -> (MemoryAdapter, Engine) {
        let adapter = try MemoryAdapter(name: "alone")
        let engine = try Engine(session: try adapter.startSession(Engine.sessionOptions(capacity: 0x40_0000)))
        var generator = SystemRandomNumberGenerator()
        var update = TunnelUpdate()
        update.privateKey = .some(PrivateKey.random(using: &generator))
        try engine.apply(update)
        return (adapter, engine)
    }

    @Test func `a flood of cookie replies takes the tunnel's lock a few times for all of them`() throws {
        let (adapter, engine) = try Self.engine()
        defer { engine.stop() }
        let sender = try #require(Endpoint("192.0.2.1:1"))
        let reply = [3, 0, 0, 0] + [UInt8](repeating: 0xa5, count: 60)
        let datagram = try #require(unsafe reply.withUnsafeBytes { unsafe HandshakeDatagram($0, from: sender, at: nil) })
        engine.inbox.withLock { inbox in
            for _ in 0..<320 { _ = inbox.append(datagram, now: Clock.now) }
        }
        var loop = HandshakeLoop(engine)
        let before = engine.tunnel.turns
        for _ in 0..<10 { loop.turn() }
        #expect(engine.tunnel.turns - before <= 40)
        #expect(engine.drops[.handshakeIndex] == 320)
        _ = adapter
    }
}
