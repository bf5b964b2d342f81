internal import NetworkTypes
internal import WireGuardCrypto
internal import WireGuardProtocol

extension Tunnel {
    /// Applies one update. Peers that keep their keys keep their sessions.
    ///
    /// A new peer costs a scalar multiplication, as does each peer when the private key changes; callers that hold a lock may
    /// want to pass long lists in parts.
    /// - Parameters:
    ///   - update: ``TunnelUpdate/listenPort`` and ``TunnelUpdate/firewallMark`` are the sockets' and ignored here.
    ///   - time: the time of the change.
    public mutating func apply(_ update: TunnelUpdate, at time: TimePoint) {
        change(update, at: time)
        // Our private key was multiplied with.
        wipeDeadStack(HandshakeStep.stackByteCount)
    }

    @inline(never)
    private mutating func change(_ update: TunnelUpdate, at time: TimePoint) {
        if let privateKey = update.privateKey { setPrivateKey(privateKey, at: time) }
        if update.replacesPeers {
            for slot in 0..<UInt32(peers.slotCount) { removePeer(slot) }
        }
        for peer in update.peers { apply(peer, at: time) }
        // Whoever sleeps on the deadlines looks again.
        needsAttention = true
    }

    private mutating func setPrivateKey(_ key: PrivateKey?, at time: TimePoint) {
        let identity = key.map { LocalIdentity(privateKey: $0) }
        if let identity, let current = self.identity, identity.publicKey == current.publicKey { return }
        let hadIdentity = self.identity != nil
        self.identity = identity
        unsafe tell(.keyChanged(identity?.publicKey), of: nil, at: time)
        // Nobody is a peer of himself.
        if let identity, let own = peers.slot(of: identity.publicKey) { removePeer(own) }
        for slot in 0..<UInt32(peers.slotCount) {
            guard let entry = unsafe peers[slot] else { continue }
            unsafe entry.pointee.told.hasSession = false
            unsafe entry.pointee.handshakes.callingSince = nil
            if let identity {
                let remote = unsafe RemoteIdentity(
                    publicKey: entry.pointee.peer.remote.publicKey, presharedKey: entry.pointee.peer.remote.presharedKey,
                    local: identity)
                unsafe entry.pointee.peer.replaceRemote(remote)
                unsafe unregister(entry.pointee.peer.expireSessions())
                // What `stop()` had switched off.
                if !hadIdentity { unsafe armPersistentKeepalive(slot, entry, at: time) }
            } else {
                unsafe unregister(entry.pointee.peer.stop())
            }
        }
    }

    private mutating func removePeer(_ slot: UInt32) {
        guard let entry = unsafe peers[slot] else { return }
        unsafe unregister(entry.pointee.peer.stop())
        allowedIPs.removeAll(of: slot)
        deadlines.cancel(slot)
        unsafe forgetPath(of: entry, slot)
        peers.remove(slot)
    }

    private mutating func apply(_ update: PeerUpdate, at time: TimePoint) {
        if let own = identity?.publicKey, own == update.publicKey { return }
        let existing = peers.slot(of: update.publicKey)
        if update.removes {
            if let existing { removePeer(existing) }
            return
        }
        if existing == nil && update.updatesOnly { return }
        let slot = existing ?? addPeer(update)
        guard let entry = unsafe peers[slot] else { return }
        if let key = update.presharedKey, unsafe key != entry.pointee.peer.remote.presharedKey {
            // A session made with the old key stays good; only the next handshake mixes in the new one.
            let remote = unsafe RemoteIdentity(entry.pointee.peer.remote, presharedKey: key)
            unsafe entry.pointee.peer.replaceRemote(remote)
        }
        if let endpoint = update.endpoint {
            unsafe entry.pointee.location.configured = endpoint
            if unsafe endpoint != entry.pointee.endpoint { unsafe setEndpoint(endpoint, of: entry, slot) }
            unsafe entry.pointee.location.origin = .configured
            unsafe entry.pointee.told.isEndpointOld = false
        }
        if update.replacesAllowedIPs { allowedIPs.removeAll(of: slot) }
        for change in update.allowedIPs {
            if change.removes {
                allowedIPs.remove(change.prefix, peer: slot)
            } else {
                allowedIPs.insert(change.prefix, peer: slot)
            }
        }
        if let seconds = update.persistentKeepalive {
            unsafe entry.pointee.persistentKeepalive = seconds
            unsafe armPersistentKeepalive(slot, entry, at: time)
        }
        perform([], slot, at: time)
    }

    private mutating func armPersistentKeepalive(_ slot: UInt32, _ entry: UnsafeMutablePointer<PeerEntry>, at time: TimePoint) {
        let seconds = unsafe entry.pointee.persistentKeepalive
        unsafe entry.pointee.peer.setPersistentKeepalive(seconds == 0 ? nil : .seconds(UInt64(seconds)), at: time.now)
        perform([], slot, at: time)
    }

    /// Stands in while there is no key of our own: peers can be added, but no handshake is made, and `setPrivateKey` replaces what
    /// was derived from it.
    private static let absentIdentity = unsafe LocalIdentity(
        privateKey: PresharedKey.zero.withUnsafeBytes { unsafe PrivateKey($0)! })

    private mutating func addPeer(_ update: PeerUpdate) -> UInt32 {
        seed = seed &* 0x5851_f42d_4c95_7f2d &+ 0x1405_7b7e_f767_814f
        let remote = RemoteIdentity(
            publicKey: update.publicKey, presharedKey: update.presharedKey ?? .zero, local: identity ?? Self.absentIdentity)
        return peers.insert(PeerEntry(peer: Peer(remote: remote, jitterSeed: seed)))
    }

    /// The state as others are shown it, peers in the order in which they were added.
    public func snapshot(listenPort: UInt16, firewallMark: UInt32) -> TunnelSnapshot {
        var snapshot = snapshotWithoutPeers(listenPort: listenPort, firewallMark: firewallMark)
        snapshot.peers.reserveCapacity(peers.count)
        appendPeers(0..<peers.slotCount, to: &snapshot)
        return snapshot
    }

    /// The interface's part of ``snapshot(listenPort:firewallMark:)``.
    public func snapshotWithoutPeers(listenPort: UInt16, firewallMark: UInt32) -> TunnelSnapshot {
        TunnelSnapshot(privateKey: identity?.privateKey, listenPort: listenPort, firewallMark: firewallMark, peers: [])
    }

    /// Appends the peers of some slots, for callers who can't keep others from the tunnel for as long as all of them take.
    /// - Returns: whether there are more behind them.
    @discardableResult
    public func appendPeers(_ slots: Range<Int>, to snapshot: inout TunnelSnapshot) -> Bool {
        for slot in UInt32(slots.lowerBound)..<UInt32(max(slots.lowerBound, min(slots.upperBound, peers.slotCount))) {
            guard let entry = unsafe peers[slot] else { continue }
            let psk = unsafe entry.pointee.peer.remote.presharedKey
            unsafe snapshot.peers.append(
                PeerSnapshot(
                    publicKey: entry.pointee.peer.remote.publicKey, presharedKey: psk.isZero ? nil : psk,
                    endpoint: entry.pointee.endpoint, persistentKeepalive: entry.pointee.persistentKeepalive,
                    lastHandshake: entry.pointee.peer.lastHandshake, receivedBytes: entry.pointee.receivedBytes,
                    sentBytes: entry.pointee.sentBytes, allowedIPs: allowedIPs.prefixes(of: slot)))
        }
        return slots.upperBound < peers.slotCount
    }
}
