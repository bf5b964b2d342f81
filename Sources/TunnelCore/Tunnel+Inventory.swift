package import NetworkTypes
package import WireGuardCrypto
internal import WireGuardProtocol

/// What a tunnel holds at one instant: how much, and since when.
package struct TunnelInventory: Sendable {
    /// Receiver indices in use, those of handshakes included.
    package var sessionIndices = 0
    package var keypairs = 0
    package var pendingHandshakes = 0
    package var stagedPackets = 0
    package var scheduledDeadlines = 0
    /// When the oldest session key that is still held was derived.
    package var oldestKeypair: Instant?
}

/// The sessions of one peer, by the indices that both ends gave them.
package struct PeerSessions: Equatable, Sendable {
    package struct Session: Equatable, Sendable {
        package var localIndex: UInt32
        package var remoteIndex: UInt32
        package var isInitiator: Bool
        package var createdAt: Instant

        package init(localIndex: UInt32, remoteIndex: UInt32, isInitiator: Bool, createdAt: Instant) {
            self.localIndex = localIndex
            self.remoteIndex = remoteIndex
            self.isInitiator = isInitiator
            self.createdAt = createdAt
        }
    }

    package var current: Session?
    package var previous: Session?
    package var next: Session?
    /// The index of the initiation that waits for its response.
    package var pending: UInt32?

    package init() {}
}

extension Tunnel {
    package var inventory: TunnelInventory {
        var inventory = TunnelInventory()
        inventory.sessionIndices = sessions.count
        inventory.scheduledDeadlines = deadlines.count
        for slot in 0..<UInt32(peers.slotCount) {
            guard let entry = unsafe peers[slot] else { continue }
            let held = unsafe Self.sessions(of: entry)
            for session in [held.current, held.previous, held.next] {
                guard let session else { continue }
                inventory.keypairs += 1
                inventory.oldestKeypair = min(inventory.oldestKeypair ?? session.createdAt, session.createdAt)
            }
            if held.pending != nil { inventory.pendingHandshakes += 1 }
            unsafe inventory.stagedPackets += entry.pointee.staged.count
        }
        return inventory
    }

    /// The sessions of the peer with a key; nil if it is no peer.
    package func sessions(of key: PublicKey) -> PeerSessions? {
        guard let slot = peers.slot(of: key), let entry = unsafe peers[slot] else { return nil }
        return unsafe Self.sessions(of: entry)
    }

    /// The peer at a slot.
    package func publicKey(at slot: UInt32) -> PublicKey? {
        guard let entry = unsafe peers[slot] else { return nil }
        return unsafe entry.pointee.peer.remote.publicKey
    }

    /// The peer that a receiver index of ours leads to.
    package func owner(ofIndex index: UInt32) -> PublicKey? {
        guard let session = sessions.lookup(index) else { return nil }
        return publicKey(at: session.peer)
    }

    /// Where a peer was last heard, or is configured to be.
    package func endpoint(of key: PublicKey) -> Endpoint? {
        guard let slot = peers.slot(of: key) else { return nil }
        return destination(of: slot)?.endpoint
    }

    /// Uses counters of the peer's current session up, so that `counter` comes next unless it is passed already.
    package mutating func skipCounters(of key: PublicKey, to counter: UInt64) {
        guard let slot = peers.slot(of: key), let keypair = unsafe peers[slot]?.pointee.peer.keypairs.current else { return }
        while unsafe keypair.pointee.nextCounter < counter {
            let count = unsafe Int(clamping: counter - keypair.pointee.nextCounter)
            if unsafe keypair.pointee.reserveCounters(count).isEmpty { return }
        }
    }

    private static func sessions(of entry: UnsafeMutablePointer<PeerEntry>) -> PeerSessions {
        func session(_ keypair: UnsafeMutablePointer<Keypair>?) -> PeerSessions.Session? {
            guard let keypair = unsafe keypair else { return nil }
            return unsafe PeerSessions.Session(
                localIndex: keypair.pointee.localIndex, remoteIndex: keypair.pointee.remoteIndex,
                isInitiator: keypair.pointee.isInitiator, createdAt: keypair.pointee.createdAt)
        }
        var sessions = PeerSessions()
        unsafe sessions.current = session(entry.pointee.peer.keypairs.current)
        unsafe sessions.previous = session(entry.pointee.peer.keypairs.previous)
        unsafe sessions.next = session(entry.pointee.peer.keypairs.next)
        unsafe sessions.pending = entry.pointee.peer.pendingHandshake?.localIndex
        return sessions
    }
}
