internal import LinuxSystem
internal import NetworkTypes
internal import TunnelCore
internal import WireGuardCrypto

/// Completed handshakes a second on one processor, beside what the scalar multiplications alone would allow.
enum HandshakeCost {
    static func run(_ arguments: Arguments) -> Bool {
        let peers = arguments.number("peers", default: 2000)
        let time = TimePoint(now: Clock.now, unixNanoseconds: Clock.unixNanoseconds)
        var generator = SystemRandomNumberGenerator()
        var keys: [PrivateKey] = []
        for _ in 0..<peers { keys.append(PrivateKey.random(using: &generator)) }
        // Making a key is one multiplication of the base point.
        let base = nanoseconds(each: peers) {
            for _ in 0..<peers { _ = PrivateKey.random(using: &generator) }
        }
        let points = keys.map(\.publicKey)
        let shared = nanoseconds(each: peers) {
            for i in 0..<peers { _ = keys[i].sharedSecret(with: points[peers - 1 - i]) }
        }
        // Either side: its ephemeral public key, and three shared secrets; that of both static keys is computed once for each peer.
        let multiplications = base + 3 * shared
        let (initiator, responder) = handshakes(keys, at: time)
        guard initiator > 0 else { return false }
        print("\nhandshakes, \(peers) peers, each once; one processor\n")
        print("X25519: base point \(column(base / 1000, 6)) µs, shared secret \(column(shared / 1000, 6)) µs")
        print("           " + column("µs each") + column("each second") + column("X25519 allows", 15) + column("share", 9))
        for (name, cost) in [("initiator  ", initiator), ("responder  ", responder)] {
            print(
                name + column(cost / 1000) + column("\(Int(1e9 / cost))") + column("\(Int(1e9 / multiplications))", 15)
                    + column(100 * multiplications / cost, 8) + "%")
        }
        return true
    }

    private static func failure(_ step: Int) -> (Double, Double) {
        print("FAIL step \(step) of a handshake had no answer")
        return (0, 0)
    }

    /// Nanoseconds for each handshake, as initiator and as responder; the peers' own share is not in it.
    private static func handshakes(_ keys: [PrivateKey], at time: TimePoint) -> (Double, Double) {
        var generator = SystemRandomNumberGenerator()
        var centre = SimulatedTunnel(PrivateKey.random(using: &generator), at: time)
        for i in keys.indices { centre.add(keys[i].publicKey, number: i, at: time) }
        var initiating: UInt64 = 0
        var responding: UInt64 = 0
        // Six seconds later: who has just answered does not begin for five (Rekey-Timeout).
        let later = TimePoint(now: time.now + .seconds(6), unixNanoseconds: time.unixNanoseconds + 6_000_000_000)
        for i in keys.indices {
            var peer = SimulatedTunnel(keys[i], at: time)
            peer.add(centre.key.publicKey, number: 0, prefixes: [IPPrefix(.v4(IPv4Address(rawValue: 0)), length: 0)], at: time)
            // The peer begins.
            guard let initiation = peer.initiate(to: SimulatedTunnel.inner(0), at: time).first else { return failure(1) }
            var start = Clock.monotonicNanoseconds
            let response = centre.receive(initiation.bytes, from: SimulatedTunnel.endpoint(i), at: time)
            responding += Clock.monotonicNanoseconds - start
            guard let response = response.first else { return failure(2) }
            _ = peer.receive(response.bytes, from: SimulatedTunnel.endpoint(0), at: time)
            // The centre begins: it has no confirmed session to send on yet.
            start = Clock.monotonicNanoseconds
            let ours = centre.initiate(to: SimulatedTunnel.inner(i), at: later)
            initiating += Clock.monotonicNanoseconds - start
            guard let ours = ours.first else { return failure(3) }
            guard let answer = peer.receive(ours.bytes, from: SimulatedTunnel.endpoint(0), at: later).first else { return failure(4) }
            start = Clock.monotonicNanoseconds
            let data = centre.receive(answer.bytes, from: SimulatedTunnel.endpoint(i), at: later)
            initiating += Clock.monotonicNanoseconds - start
            guard !data.isEmpty else { return failure(5) }
        }
        return (Double(initiating) / Double(keys.count), Double(responding) / Double(keys.count))
    }
}
