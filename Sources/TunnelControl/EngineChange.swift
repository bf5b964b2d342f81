internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelCore
internal import WireGuardCrypto

/// What a changed file changes in the engine: keys, port, peers. What comes is apart from what goes, which comes last: a peer that is
/// removed loses its session for good.
struct EngineChange {
    let additions: TunnelUpdate
    let removals: TunnelUpdate
    /// What takes the additions back.
    let inverse: TunnelUpdate
    /// For people, a line a change.
    private(set) var lines: [String] = []

    init(from old: ConfigurationFile, to new: ConfigurationFile, state: TunnelSnapshot, resolved: [EndpointName: Endpoint]) {
        let oldEndpoints = Dictionary(old.peers.map { ($0.publicKey?.value, $0.endpoint?.value) }, uniquingKeysWith: { $1 })
        let moved = new.peers.filter { oldEndpoints[$0.publicKey?.value] != .some($0.endpoint?.value) }
        var wanted = new.tunnelUpdate(resolved: resolved)
        // A port that the file doesn't say is left to the kernel; the mark belongs to routes and rules.
        if new.interface.listenPort == nil { wanted.listenPort = nil }
        wanted.firewallMark = nil
        let update = wanted.remainder(for: state, changedEndpoints: Set(moved.compactMap { $0.publicKey?.value }))
        var (additions, removals) = (update, TunnelUpdate())
        additions.peers.removeAll(where: \.removes)
        removals.peers = update.peers.filter(\.removes)
        self.additions = additions
        self.removals = removals
        inverse = additions.inverse(for: state)
        describe(update, state)
    }

    private mutating func describe(_ update: TunnelUpdate, _ state: TunnelSnapshot) {
        if update.privateKey != nil { lines.append("~ private key: all sessions start anew") }
        if let port = update.listenPort { lines.append("~ port \(port)") }
        let known = Set(state.peers.map(\.publicKey))
        for peer in update.peers {
            let label = "peer \(peer.publicKey.abbreviation)"
            if peer.removes {
                lines.append("- \(label)")
            } else if !known.contains(peer.publicKey) {
                lines.append("+ \(label)")
            } else {
                var changes: [String] = []
                if peer.presharedKey != nil { changes.append("preshared key") }
                if let endpoint = peer.endpoint { changes.append("endpoint \(endpoint)") }
                if let interval = peer.persistentKeepalive { changes.append("keepalive \(interval == 0 ? "off" : "\(interval) s")") }
                if !peer.allowedIPs.isEmpty || peer.replacesAllowedIPs {
                    changes.append("allowed IPs \(peer.allowedIPs.map(\.prefix.description).joined(separator: ", "))")
                }
                lines.append("~ \(label): \(changes.joined(separator: ", "))")
            }
        }
    }
}

extension TunnelUpdate {
    /// What makes a tunnel that this was applied to what it was in the state `snapshot`; sessions of peers that stay go on.
    func inverse(for snapshot: TunnelSnapshot) -> TunnelUpdate {
        var inverse = TunnelUpdate()
        if privateKey != nil { inverse.privateKey = .some(snapshot.privateKey) }
        if listenPort != nil { inverse.listenPort = snapshot.listenPort }
        if firewallMark != nil { inverse.firewallMark = snapshot.firewallMark }
        let former = Dictionary(snapshot.peers.map { ($0.publicKey, $0) }, uniquingKeysWith: { $1 })
        for peer in peers where former[peer.publicKey] == nil {
            var removal = PeerUpdate(publicKey: peer.publicKey)
            removal.removes = true
            inverse.peers.append(removal)
        }
        // A prefix that came to one peer was taken from another.
        let taken = Set(peers.flatMap { $0.allowedIPs.map(\.prefix) })
        let changed = Set(peers.map(\.publicKey))
        for peer in snapshot.peers where changed.contains(peer.publicKey) || peer.allowedIPs.contains(where: taken.contains) {
            var restored = PeerUpdate(publicKey: peer.publicKey)
            restored.presharedKey = peer.presharedKey ?? .zero
            restored.endpoint = peer.endpoint
            restored.persistentKeepalive = peer.persistentKeepalive
            restored.replacesAllowedIPs = true
            restored.allowedIPs = peer.allowedIPs.map { AllowedIPChange($0) }
            inverse.peers.append(restored)
        }
        return inverse
    }
}
