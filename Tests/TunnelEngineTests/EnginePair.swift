import LinuxSystem
import NetworkTypes
import TunAdapter
import TunnelCore
import TunnelEngine
import WireGuardCrypto

/// Two engines with adapters in memory, joined by real UDP sockets on the loopback address: needs no privilege.
struct EnginePair {
    let adapters: [MemoryAdapter]
    let engines: [Engine]
    let keys: [PrivateKey]

    init(outside: String = "127.0.0.1", cryptoThreads: Int = 1) throws {
        var generator = SystemRandomNumberGenerator()
        adapters = [try MemoryAdapter(name: "left"), try MemoryAdapter(name: "right")]
        keys = [PrivateKey.random(using: &generator), PrivateKey.random(using: &generator)]
        engines = try adapters.map { adapter in
            var options = EngineOptions()
            options.cryptoThreads = cryptoThreads
            return try Engine(session: try adapter.startSession(Engine.sessionOptions(capacity: 0x40_0000)), options: options)
        }
        for side in 0..<2 {
            let other = 1 - side
            var update = TunnelUpdate()
            update.privateKey = .some(keys[side])
            var peer = PeerUpdate(publicKey: keys[other].publicKey)
            peer.allowedIPs = [AllowedIPChange(IPPrefix("10.0.0.\(other + 1)/32")!)]
            let port = engines[other].snapshot().listenPort
            peer.endpoint = Endpoint(address: IPAddress(outside)!, port: port)
            update.peers = [peer]
            try engines[side].apply(update)
            try engines[side].start()
        }
    }

    func stop() {
        for engine in engines { engine.stop() }
    }

    /// The next `count` packets that come out at `side`, or fewer if they take more than ten seconds.
    func collect(_ count: Int, at side: Int) -> [[UInt8]] {
        var packets: [[UInt8]] = []
        let start = Clock.now
        while packets.count < count, Clock.now.since(start) < .seconds(10) {
            if let packet = adapters[side].collect() {
                packets.append(packet)
            } else {
                SystemThread.sleep(.milliseconds(1))
            }
        }
        return packets
    }
}

func packet(from source: UInt8, to destination: UInt8, number: UInt8, size: Int = 200) -> [UInt8] {
    var packet = [UInt8](repeating: number, count: size)
    packet.replaceSubrange(
        0..<20, with: [0x45, 0, UInt8(size >> 8), UInt8(size & 255), 0, 0, 0, 0, 64, 253, 0, 0, 10, 0, 0, source, 10, 0, 0, destination])
    return packet
}
