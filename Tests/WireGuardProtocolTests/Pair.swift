import NetworkTypes
import WireGuardCrypto

@testable import WireGuardProtocol

/// One tunnel end with one peer, as the core would drive it; a message that it wants to send goes to `outbox`.
struct End: ~Copyable {
    let local: LocalIdentity
    var peer: Peer
    var generator: SeededGenerator
    var registered: Set<UInt32> = []
    var outbox: [[UInt8]] = []
    var staged: [[UInt8]] = []
    var delivered: [[UInt8]] = []
    var refusals: [Refusal] = []
    var keepalivesReceived = 0
    /// Added to the wall clock that the end sees.
    var wallClock: UInt64 = 1_700_000_000_000_000_000

    init(local: LocalIdentity, remote: PublicKey, presharedKey: PresharedKey = .zero, seed: UInt64) {
        self.local = local
        peer = Peer(remote: RemoteIdentity(publicKey: remote, presharedKey: presharedKey, local: local), jitterSeed: seed)
        generator = SeededGenerator(state: seed)
    }

    mutating func freshIndex() -> UInt32 {
        let index = UInt32.random(in: .min ... .max, using: &generator)
        registered.insert(index)
        return index
    }

    mutating func unregister(_ indices: consuming ReleasedIndices) {
        var removed: [UInt32] = []
        indices.unregister { removed.append($0) }
        registered.subtract(removed)
    }

    mutating func send(_ packet: [UInt8], at now: Instant) {
        staged.append(packet)
        sendStaged(at: now)
    }

    mutating func sendStaged(at now: Instant, orKeepalive: Bool = false) {
        guard let keypair = unsafe peer.sendingKeypair(at: now) else { return beginHandshake(at: now, isRetry: false) }
        let packets = staged.isEmpty && orKeepalive ? [[]] : staged
        guard !packets.isEmpty else { return }
        staged = []
        for packet in packets { unsafe outbox.append(keypair.pointee.seal(packet)) }
        perform(peer.didSend(carryingData: packets.contains { !$0.isEmpty }, at: now), at: now)
    }

    mutating func beginHandshake(at now: Instant, isRetry: Bool) {
        guard peer.beginHandshake(at: now, isRetry: isRetry) else { return }
        let work = InitiationCreation(
            local: local, remote: peer.remote, senderIndex: freshIndex(),
            timestamp: TAI64N(unixNanoseconds: wallClock + now.nanoseconds), using: &generator)
        do throws(Refusal) {
            var created = try work.perform()
            unregister(try peer.send(&created, at: now))
            outbox.append(created.message.array)
        } catch {
            refusals.append(error)
        }
    }

    mutating func perform(_ actions: PeerActions, at now: Instant) {
        if actions.contains(.zeroKeys) { unregister(peer.zeroKeys(at: now)) }
        if actions.contains(.dropStaged) { staged = [] }
        if actions.contains(.retryHandshake) { beginHandshake(at: now, isRetry: true) }
        if actions.contains(.initiateHandshake) { beginHandshake(at: now, isRetry: false) }
        if actions.contains(.sendStaged) { sendStaged(at: now) }
        if actions.contains(.sendKeepalive) { sendStaged(at: now, orKeepalive: true) }
    }

    mutating func expireTimers(at now: Instant) { perform(peer.timersExpired(at: now), at: now) }

    mutating func receive(_ message: [UInt8], at now: Instant) {
        do throws(Refusal) {
            let kind = unsafe try message.withBytes { bytes throws(Refusal) in unsafe try MessageKind(of: bytes) }
            switch kind {
            case .handshakeInitiation: try receiveInitiation(HandshakeInitiation(message), at: now)
            case .handshakeResponse: try receiveResponse(HandshakeResponse(message), at: now)
            case .cookieReply:
                let reply = unsafe try message.withBytes { bytes throws(Refusal) in unsafe try CookieReply(copying: bytes) }
                try peer.accept(reply, at: now)
            case .transport: try receiveData(message, at: now)
            }
        } catch {
            refusals.append(error)
        }
    }

    private mutating func receiveInitiation(_ message: HandshakeInitiation, at now: Instant) throws(Refusal) {
        guard CookieChecker.hasValidMAC1(message.array, to: local) else { throw .mac1 }
        let opened = try InitiationOpening(local: local, message: message).perform()
        guard opened.initiator == peer.remote.publicKey else { throw .unknownPeer }
        let authenticated = try opened.authenticate(as: peer.remote)
        try peer.accept(authenticated, at: now)
        var response = try ResponseCreation(to: authenticated, senderIndex: freshIndex(), using: &generator).perform()
        unregister(try peer.send(&response, at: now))
        outbox.append(response.message.array)
    }

    private mutating func receiveResponse(_ message: HandshakeResponse, at now: Instant) throws(Refusal) {
        guard CookieChecker.hasValidMAC1(message.array, to: local) else { throw .mac1 }
        guard registered.contains(message.receiverIndex) else { throw .index }
        guard let pending = peer.pendingHandshake, pending.localIndex == message.receiverIndex else { throw .state }
        let session = try ResponseConsumption(local: local, remote: peer.remote, handshake: pending, message: message).perform()
        unregister(try peer.establish(session, at: now, unixNanoseconds: wallClock + now.nanoseconds))
        sendStaged(at: now, orKeepalive: true)
    }

    private mutating func receiveData(_ message: [UInt8], at now: Instant) throws(Refusal) {
        let index = unsafe message.withBytes { unsafe TransportMessage(header: $0) }.receiverIndex
        for slot in 0..<3 {
            guard let keypair = unsafe keypair(in: slot), unsafe keypair.pointee.localIndex == index else { continue }
            let plaintext = try unsafe keypair.pointee.open(message, at: now)
            if unsafe peer.isUnconfirmed(keypair) {
                unregister(peer.confirm(at: now, unixNanoseconds: wallClock + now.nanoseconds))
                sendStaged(at: now)
            }
            if plaintext.isEmpty { keepalivesReceived += 1 } else { delivered.append(plaintext) }
            perform(peer.didReceive(carryingData: !plaintext.isEmpty, at: now), at: now)
            return
        }
        throw .index
    }

    private func keypair(in slot: Int) -> UnsafeMutablePointer<Keypair>? {
        switch slot {
        case 0: unsafe peer.keypairs.current
        case 1: unsafe peer.keypairs.previous
        default: unsafe peer.keypairs.next
        }
    }

    /// Local indices of the sessions and the handshake that the peer holds.
    var heldIndices: Set<UInt32> {
        var indices: Set<UInt32> = []
        for slot in 0..<3 {
            if let keypair = unsafe keypair(in: slot) { unsafe indices.insert(keypair.pointee.localIndex) }
        }
        if let pending = peer.pendingHandshake { indices.insert(pending.localIndex) }
        return indices
    }
}

/// Two ends, a wire without delay that can be cut, and a clock that jumps from deadline to deadline.
struct Pair: ~Copyable {
    var a: End
    var b: End
    var now = Instant.at(1000)
    /// Whether a message from the end gets through.
    var aIsHeard = true
    var bIsHeard = true
    /// When initiations were sent by `a`, whether heard or not.
    var initiationsOfA: [Instant] = []
    var initiationsOfB: [Instant] = []

    init(seed: UInt64 = 1, presharedKeys: (PresharedKey, PresharedKey) = (.zero, .zero)) {
        let (localA, localB) = (LocalIdentity.of(seed: seed &* 2 &+ 1), LocalIdentity.of(seed: seed &* 2 &+ 2))
        a = End(local: localA, remote: localB.publicKey, presharedKey: presharedKeys.0, seed: seed &+ 100)
        b = End(local: localB, remote: localA.publicKey, presharedKey: presharedKeys.1, seed: seed &+ 200)
    }

    /// Carries messages until both ends are silent.
    mutating func exchange() {
        while !a.outbox.isEmpty || !b.outbox.isEmpty {
            let (fromA, fromB) = (a.outbox, b.outbox)
            a.outbox = []
            b.outbox = []
            for message in fromA {
                if message[0] == MessageKind.handshakeInitiation.rawValue { initiationsOfA.append(now) }
                if aIsHeard { b.receive(message, at: now) }
            }
            for message in fromB {
                if message[0] == MessageKind.handshakeInitiation.rawValue { initiationsOfB.append(now) }
                if bIsHeard { a.receive(message, at: now) }
            }
        }
    }

    /// Steps through all deadlines up to `end`.
    mutating func run(until end: Instant) {
        exchange()
        while true {
            let next = min(a.peer.nextDeadline, b.peer.nextDeadline)
            guard next <= end else { break }
            now = max(now, next)
            a.expireTimers(at: now)
            b.expireTimers(at: now)
            exchange()
        }
        now = end
    }

    mutating func run(for interval: Interval) { run(until: now + interval) }
}
