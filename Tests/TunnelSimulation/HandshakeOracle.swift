internal import NetworkTypes
internal import TunnelCore
internal import WireGuardCrypto
internal import WireGuardProtocol

/// Tells the ``HandshakeModel`` of each peer what its node sees, and says where the tunnel does otherwise.
///
/// It knows every genuine handshake message by its bytes, since it was there when it was sent: nothing else may be taken.
package struct HandshakeOracle {
    private struct Pair: Hashable {
        var node: Int
        var peer: PublicKey
    }

    private struct Genuine {
        var sender: PublicKey
        var timestamp: TAI64N
    }

    private var models: [Pair: HandshakeModel] = [:]
    private var timestamps: [UInt32: TAI64N] = [:]
    /// Handshake messages without their second MAC, which says nothing about who made them.
    private var initiations: [ArraySlice<UInt8>: Genuine] = [:]
    private var responses: [ArraySlice<UInt8>: PublicKey] = [:]

    package init() {}

    private static func withoutMAC2(_ message: [UInt8]) -> ArraySlice<UInt8> { message.dropLast(16) }

    static func index(_ bytes: [UInt8], at offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
    }

    private mutating func with(_ node: SimulatedNode, _ peer: PublicKey, _ body: (inout HandshakeModel) -> String?) {
        let complaint = body(&models[Pair(node: node.number, peer: peer), default: HandshakeModel()])
        if let complaint { node.network.note("node \(node.number) with \(name(peer, node)): \(complaint)") }
    }

    private func name(_ peer: PublicKey, _ node: SimulatedNode) -> String {
        node.network.node(peer).map { "node \($0.number)" } ?? "a stranger"
    }

    // MARK: Configuration

    mutating func apply(_ update: TunnelUpdate, at node: SimulatedNode) {
        for peer in update.peers {
            let pair = Pair(node: node.number, peer: peer.publicKey)
            if peer.removes {
                models[pair] = HandshakeModel(keysChangedAt: node.network.now)
                continue
            }
            if let seconds = peer.persistentKeepalive {
                models[pair, default: HandshakeModel()].keepsAlive(seconds > 0, at: node.network.now)
            }
            if peer.presharedKey != nil { models[pair, default: HandshakeModel()].keysChangedAt = node.network.now }
        }
    }

    mutating func wakesUp(_ node: SimulatedNode) {
        for pair in models.keys where pair.node == node.number { models[pair]?.wakesUp(at: node.network.now) }
    }

    mutating func restart(_ node: SimulatedNode) {
        for pair in models.keys where pair.node == node.number { models[pair] = HandshakeModel(keysChangedAt: node.network.now) }
    }

    // MARK: What a node does

    mutating func waits(_ node: SimulatedNode, for peer: PublicKey) {
        with(node, peer) { model in
            model.waits(at: node.network.now, canSend: node.tunnel.endpoint(of: peer) != nil)
            return nil
        }
    }

    mutating func begins(_ index: UInt32, at node: SimulatedNode) {
        timestamps[index] = TAI64N(unixNanoseconds: node.time.unixNanoseconds)
        guard let peer = node.tunnel.owner(ofIndex: index) else { return }
        with(node, peer) { $0.beginsInitiation(at: node.network.now) }
    }

    /// A node sends a datagram, whichever.
    mutating func sends(_ bytes: [UInt8], _ node: SimulatedNode) {
        let now = node.network.now
        switch bytes[0] {
        case 1:
            let index = Self.index(bytes, at: 4)
            guard let peer = node.tunnel.owner(ofIndex: index), let timestamp = timestamps[index] else {
                return node.network.note("node \(node.number) sent an initiation that it did not begin")
            }
            initiations[Self.withoutMAC2(bytes)] = Genuine(sender: node.publicKey, timestamp: timestamp)
            with(node, peer) { model in
                model.sentInitiation(index, at: now)
                return nil
            }
        case 2:
            let session = PeerSessions.Session(
                localIndex: Self.index(bytes, at: 4), remoteIndex: Self.index(bytes, at: 8), isInitiator: false, createdAt: now)
            guard let peer = node.tunnel.owner(ofIndex: session.localIndex) else {
                return node.network.note("node \(node.number) sent a response for nobody")
            }
            responses[Self.withoutMAC2(bytes)] = node.publicKey
            with(node, peer) { model in
                model.sentResponse(session, at: now)
                return nil
            }
        default: break
        }
    }

    mutating func sendsData(_ bytes: [UInt8], _ node: SimulatedNode, to peer: PublicKey) {
        let counter = UInt64(Self.index(bytes, at: 8)) | UInt64(Self.index(bytes, at: 12)) << 32
        with(node, peer) {
            $0.sentData(to: Self.index(bytes, at: 4), counter: counter, isKeepalive: bytes.count == 32, at: node.network.now)
        }
    }

    mutating func receivedData(_ node: SimulatedNode, from peer: PublicKey, on index: UInt32, isKeepalive: Bool) {
        with(node, peer) { $0.receivedData(on: index, isKeepalive: isKeepalive, at: node.network.now) }
    }

    /// An initiation was opened; `acceptedFrom` is the peer that the tunnel now answers.
    mutating func opened(_ message: [UInt8], _ node: SimulatedNode, acceptedFrom peer: PublicKey?) {
        guard let genuine = initiations[Self.withoutMAC2(message)] else {
            if peer != nil { node.network.note("node \(node.number) took an initiation that nobody made") }
            return
        }
        guard node.routing.contains(genuine.sender) else {
            if peer != nil { node.network.note("node \(node.number) took an initiation of a stranger") }
            return
        }
        with(node, genuine.sender) { model in
            let expected = model.receivesInitiation(genuine.timestamp, at: node.network.now)
            if expected == (peer == genuine.sender) { return nil }
            return expected ? "a new initiation was refused" : "an old initiation was taken"
        }
    }

    /// A response was consumed by the handshake of `peer`; `session` is what the tunnel made of it.
    mutating func consumed(_ message: [UInt8], _ node: SimulatedNode, peer: PublicKey, isEstablished: Bool) {
        let now = node.network.now
        let session = PeerSessions.Session(
            localIndex: Self.index(message, at: 8), remoteIndex: Self.index(message, at: 4), isInitiator: true, createdAt: now)
        let isGenuine = responses[Self.withoutMAC2(message)] == peer
        let sharesKey = node.presharedKey(of: peer) == node.network.node(peer)?.presharedKey(of: node.publicKey)
        let peerKeysChangedAt = peerKeysChangedAt(node, peer)
        with(node, peer) { model in
            let isExpected = isGenuine && model.sessions.pending == session.localIndex
            if isEstablished {
                model.establish(session, at: now)
                return isExpected ? nil : "a response was taken that answers nothing"
            }
            // With keys that were changed meanwhile it may be refused, and so may one that a machine slept upon until its secrets were wiped.
            let mayBeRefused =
                !sharesKey || max(model.keysChangedAt, peerKeysChangedAt) >= model.pendingSince
                || now.since(model.pendingSince) >= Limits.zeroKeysAfterTime
            return isExpected && !mayBeRefused ? "the response was refused" : nil
        }
    }

    private func peerKeysChangedAt(_ node: SimulatedNode, _ peer: PublicKey) -> Instant {
        let other = node.network.node(peer).flatMap { models[Pair(node: $0.number, peer: node.publicKey)] }
        return other?.keysChangedAt ?? Instant(nanoseconds: 0)
    }

    // MARK: After each step

    package mutating func compare(_ node: SimulatedNode, wasSuspended: Bool) {
        for peer in node.network.nodes where peer !== node {
            guard let found = node.tunnel.sessions(of: peer.publicKey) else { continue }
            let canSend = !wasSuspended && node.tunnel.endpoint(of: peer.publicKey) != nil
            let now = node.network.now
            with(node, peer.publicKey) { $0.compare(found, at: now, isAwake: !wasSuspended && !node.isSuspended) }
            with(node, peer.publicKey) { $0.overdue(at: now, canSend: canSend) }
        }
    }
}
