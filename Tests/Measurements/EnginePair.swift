internal import NetworkTypes
internal import TunAdapter
internal import TunnelCore
internal import TunnelEngine
internal import WireGuardCrypto

/// Two engines in this process, joined by real UDP sockets on the loopback address; where the kernel's interfaces would be, there are
/// sessions of ours on the other ends of adapters in memory. Needs no privilege.
struct EnginePair {
    /// Our sessions: what is sent on one side comes out at the other.
    let ends: [Session]
    let engines: [Engine]

    /// The inner address of a side.
    static func address(_ side: Int) -> UInt32 { 0x0a00_0001 + UInt32(side) }

    init(backend: TransportCipher.Backend, cryptoThreads: Int) throws {
        var generator = SystemRandomNumberGenerator()
        var ends: [Session] = []
        var engines: [Engine] = []
        let keys = (0..<2).map { _ in PrivateKey.random(using: &generator) }
        for side in 0..<2 {
            let (near, far) = try MemoryAdapter.pair(names: ("host\(side)", "tunnel\(side)"))
            ends.append(try near.startSession())
            var options = EngineOptions()
            options.aead = backend == .libsodium ? .libsodium : .accelerated
            options.cryptoThreads = cryptoThreads
            options.log = { _, text in print("engine \(side): \(text)") }
            engines.append(try Engine(session: try far.startSession(Engine.sessionOptions(capacity: 0x40_0000)), options: options))
        }
        for side in 0..<2 {
            var update = TunnelUpdate()
            update.privateKey = .some(keys[side])
            var peer = PeerUpdate(publicKey: keys[1 - side].publicKey)
            let inner = IPv4Address(rawValue: Self.address(1 - side))
            peer.allowedIPs = [AllowedIPChange(IPPrefix(.v4(inner), length: 32))]
            peer.endpoint = Endpoint(
                address: .v4(IPv4Address(rawValue: 0x7f00_0001)), port: engines[1 - side].snapshot().listenPort)
            update.peers = [peer]
            try engines[side].apply(update)
            try engines[side].start()
        }
        self.ends = ends
        self.engines = engines
    }

    func stop() {
        for engine in engines { engine.stop() }
    }
}
