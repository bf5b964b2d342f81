public import NetworkTypes
public import TunnelCore
public import WireGuardCrypto

/// A peer's endpoint that has to be looked up.
public struct UnresolvedEndpoint: Hashable, Sendable {
    /// The peer's.
    public var publicKey: PublicKey
    public var name: EndpointName
    /// The line of the file, counted from 1.
    public var line: Int
}

extension ConfigurationFile {
    /// The endpoints that have to be looked up before the update is complete.
    public var unresolvedEndpoints: [UnresolvedEndpoint] {
        peers.compactMap { peer in
            guard let key = peer.publicKey, let endpoint = peer.endpoint, endpoint.value.literal == nil else { return nil }
            return UnresolvedEndpoint(publicKey: key.value, name: endpoint.value, line: endpoint.span.line)
        }
    }

    /// Every allowed IP that is in force, once: of a peer that stands twice a later section's replace those of the former, where they don't say
    /// that they are more or less.
    public var allowedPrefixes: Set<IPPrefix> {
        var allowed: [PublicKey?: Set<IPPrefix>] = [:]
        for peer in peers {
            let key = peer.publicKey?.value
            var prefixes = peer.allowedIPs.allSatisfy { $0.value.change == .replace } ? [] : allowed[key] ?? []
            for entry in peer.allowedIPs.map(\.value) {
                if entry.change == .remove { prefixes.remove(entry.prefix) } else { prefixes.insert(entry.prefix) }
            }
            allowed[key] = prefixes
        }
        return Set(allowed.values.joined())
    }

    /// The change that makes a running tunnel what the file says, as `wg setconf` makes it: every peer is replaced.
    /// - Parameter resolved: the endpoints that were looked up; a peer whose name is missing has none yet.
    public func tunnelUpdate(resolved: [EndpointName: Endpoint] = [:]) -> TunnelUpdate {
        var update = TunnelUpdate()
        // Without a key in the file, hooks may have given one already.
        if let key = interface.privateKey { update.privateKey = .some(key.value) }
        update.listenPort = interface.listenPort?.value ?? 0
        update.firewallMark = interface.firewallMark?.value ?? 0
        update.replacesPeers = true
        update.peers = peers.compactMap { $0.update(resolved: resolved) }
        return update
    }
}

extension PeerConfiguration {
    func update(resolved: [EndpointName: Endpoint]) -> PeerUpdate? {
        guard let publicKey else { return nil }
        var update = PeerUpdate(publicKey: publicKey.value)
        update.presharedKey = presharedKey?.value
        update.persistentKeepalive = persistentKeepalive?.value
        if let endpoint { update.endpoint = endpoint.value.literal ?? resolved[endpoint.value] }
        update.replacesAllowedIPs = allowedIPs.allSatisfy { $0.value.change == .replace }
        update.allowedIPs = allowedIPs.map { AllowedIPChange($0.value.prefix, removes: $0.value.change == .remove) }
        return update
    }
}

extension TunnelUpdate {
    /// What remains of this update for a tunnel in the state `snapshot`: only what differs, as `wg syncconf` makes it.
    ///
    /// Peers that stay keep their sessions. An endpoint is taken only for a new peer or when `changedEndpoints` names the
    /// peer, so that one that roamed isn't called back; applying the remainder twice changes nothing the second time.
    public func remainder(for snapshot: TunnelSnapshot, changedEndpoints: Set<PublicKey>? = nil) -> TunnelUpdate {
        var rest = TunnelUpdate()
        if let wanted = privateKey, !Self.same(wanted, snapshot.privateKey) { rest.privateKey = .some(wanted) }
        if let listenPort, listenPort != 0, listenPort != snapshot.listenPort { rest.listenPort = listenPort }
        if let firewallMark, firewallMark != snapshot.firewallMark { rest.firewallMark = firewallMark }

        let running = Dictionary(snapshot.peers.map { ($0.publicKey, $0) }, uniquingKeysWith: { $1 })
        if replacesPeers {
            let kept = Set(peers.lazy.filter { !$0.removes }.map(\.publicKey))
            for peer in snapshot.peers where !kept.contains(peer.publicKey) {
                var removal = PeerUpdate(publicKey: peer.publicKey)
                removal.removes = true
                rest.peers.append(removal)
            }
        }
        for peer in settledPeers {
            guard let current = running[peer.publicKey] else {
                if !peer.removes { rest.peers.append(peer) }
                continue
            }
            if let change = peer.remainder(for: current, changedEndpoints: changedEndpoints) { rest.peers.append(change) }
        }
        return rest
    }

    /// What the peers come to when all of it is applied: a key that stands twice is one peer, and a prefix belongs to the last that names it.
    /// Where allowed IPs are only added or taken away, that depends on what is there, and they stay as they are.
    private var settledPeers: [PeerUpdate] {
        guard peers.allSatisfy({ $0.replacesAllowedIPs && !$0.removes }) else { return peers }
        var settled: [PublicKey: PeerUpdate] = [:]
        var owners: [IPPrefix: PublicKey] = [:]
        for var peer in peers {
            if let former = settled[peer.publicKey] {
                peer.presharedKey = peer.presharedKey ?? former.presharedKey
                peer.endpoint = peer.endpoint ?? former.endpoint
                peer.persistentKeepalive = peer.persistentKeepalive ?? former.persistentKeepalive
                for change in former.allowedIPs where owners[change.prefix] == peer.publicKey { owners[change.prefix] = nil }
            }
            settled[peer.publicKey] = peer
            for change in peer.allowedIPs { owners[change.prefix] = peer.publicKey }
        }
        var seen: Set<PublicKey> = []
        return peers.compactMap { peer in
            guard seen.insert(peer.publicKey).inserted, var result = settled[peer.publicKey] else { return nil }
            result.allowedIPs.removeAll { owners[$0.prefix] != peer.publicKey }
            return result
        }
    }

    private static func same(_ a: PrivateKey?, _ b: PrivateKey?) -> Bool {
        switch (a, b) {
        case (nil, nil): true
        case (let a?, let b?): a == b
        default: false
        }
    }

    /// Whether applying it changes nothing.
    public var isEmpty: Bool {
        privateKey == nil && listenPort == nil && firewallMark == nil && !replacesPeers && peers.isEmpty
    }
}

extension PeerUpdate {
    /// What of this update a peer in the state `current` lacks, or nil.
    func remainder(for current: PeerSnapshot, changedEndpoints: Set<PublicKey>?) -> PeerUpdate? {
        if removes { return self }
        var rest = PeerUpdate(publicKey: publicKey)
        rest.updatesOnly = true
        var differs = false
        let wantedSecret = presharedKey ?? .zero
        if !(wantedSecret == (current.presharedKey ?? .zero)) {
            rest.presharedKey = wantedSecret
            differs = true
        }
        if let endpoint, endpoint != current.endpoint, changedEndpoints?.contains(publicKey) ?? true {
            rest.endpoint = endpoint
            differs = true
        }
        if (persistentKeepalive ?? 0) != current.persistentKeepalive {
            rest.persistentKeepalive = persistentKeepalive ?? 0
            differs = true
        }
        if replacesAllowedIPs, Set(allowedIPs.map(\.prefix)) != Set(current.allowedIPs) {
            rest.replacesAllowedIPs = true
            rest.allowedIPs = allowedIPs
            differs = true
        } else if !replacesAllowedIPs, !allowedIPs.isEmpty {
            rest.allowedIPs = allowedIPs
            differs = true
        }
        return differs ? rest : nil
    }
}
