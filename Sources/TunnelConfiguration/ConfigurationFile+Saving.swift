public import NetworkTypes
public import TunnelCore
internal import WireGuardCrypto

/// What of a running tunnel belongs into its file.
public struct SavedState: Sendable {
    /// The interface's keys, port and mark, and the peers, as they are in force.
    public var tunnel: TunnelSnapshot
    /// The interface's; nil where they can't be told, for example because it was moved to another network namespace.
    public var addresses: [IPInterfaceAddress]?

    public init(_ tunnel: TunnelSnapshot, addresses: [IPInterfaceAddress]? = nil) {
        self.tunnel = tunnel
        self.addresses = addresses
    }
}

extension ConfigurationFile {
    /// The file's text with the state of the running tunnel written back, as SaveConfig wants it.
    ///
    /// The file is what it is now, and only what the tunnel knows better is changed: what has become different since it came up. So what a
    /// person wrote meanwhile stays, as do comments, order, spelling and host names. New peers go to the end; peers that were removed leave
    /// with the comments directly above them.
    /// - Parameters:
    ///   - state: what runs.
    ///   - former: what ran when the tunnel had come up; nil if nobody knows: then the file's values are taken for that.
    public func text(saving state: SavedState, since former: FormerState? = nil) -> SecretText {
        var edit = SourceEdit(self)
        save(interface: state, former, &edit)
        let running = Dictionary(state.tunnel.peers.map { ($0.publicKey, $0) }, uniquingKeysWith: { $1 })
        let before = former.map { Dictionary($0.tunnel.peers.map { ($0.publicKey, $0) }, uniquingKeysWith: { $1 }) }
        var written: Set<PublicKey> = []
        let peerSections = sections.indices.filter { sections[$0].kind == .peer }
        for (peer, section) in zip(peers, peerSections) {
            guard let key = peer.publicKey?.value else { continue }
            guard let state = running[key] else {
                // Who is new in the file was never removed from the tunnel.
                if before.map({ $0[key] != nil }) ?? true { edit.remove(section: section) }
                continue
            }
            let base = before?[key]
            let hasNewKey = former.map { !$0.hasPresharedKey(state.presharedKey, of: key) } ?? true
            if let base, !hasNewKey, state.hasSameSettings(as: base) {
                written.insert(key)
            } else if written.insert(key).inserted {
                save(peer, state, base, hasNewKey: hasNewKey, section, &edit)
            } else {
                edit.remove(section: section)
            }
        }
        for state in state.tunnel.peers where !written.contains(state.publicKey) && before?[state.publicKey] == nil {
            edit.append(lines: Self.lines(of: state))
        }
        return edit.result()
    }

    private func save(interface state: SavedState, _ former: FormerState?, _ edit: inout SourceEdit) {
        let own = sections.indices.filter { sections[$0].kind == .interface }
        guard !own.isEmpty else { return }
        let (tunnel, before) = (state.tunnel, former?.tunnel)
        if let key = tunnel.privateKey, !(interface.privateKey.map { $0.value == key } ?? false),
            former.map({ $0.publicKey != key.publicKey }) ?? true
        {
            edit.set(.privateKey, to: key.secretText, in: own)
        }
        // A port that the kernel chose is known to the tunnel only.
        let hasNewPort = before.map { $0.listenPort != tunnel.listenPort || interface.listenPort == nil } ?? true
        if hasNewPort, tunnel.listenPort != 0, interface.listenPort?.value != tunnel.listenPort {
            edit.set(.listenPort, to: SecretText(String(tunnel.listenPort)), in: own)
        }
        // Without a mark in the file, the running one may be what default routes asked for: unless it has changed since.
        let hasNewMark = before.map { $0.firewallMark != tunnel.firewallMark } ?? (interface.firewallMark != nil)
        if hasNewMark, (interface.firewallMark?.value ?? 0) != tunnel.firewallMark {
            let mark = tunnel.firewallMark
            edit.set(.firewallMark, to: mark == 0 ? nil : SecretText("0x" + String(mark, radix: 16)), in: own)
        }
        guard let addresses = state.addresses else { return }
        let written = interface.addresses
        let base = former?.addresses ?? written.map(\.value)
        edit.change(
            .address, entries: written.map(\.span),
            removing: Set(written.indices.filter { base.contains(written[$0].value) && !addresses.contains(written[$0].value) }),
            adding: addresses.filter { new in !base.contains(new) && !written.contains { $0.value == new } }.map(\.description), in: own)
    }

    private func save(
        _ peer: PeerConfiguration, _ state: PeerSnapshot, _ former: PeerSnapshot?, hasNewKey: Bool, _ section: Int, _ edit: inout SourceEdit
    ) {
        let key = state.presharedKey ?? .zero
        if hasNewKey, !((peer.presharedKey?.value ?? .zero) == key) {
            edit.set(.presharedKey, to: key.isZero ? nil : key.secretText, in: [section])
        }
        let written = peer.allowedIPs
        let base = Set(former?.allowedIPs ?? written.map(\.value.prefix))
        let allowed = Set(state.allowedIPs)
        var known = Set(written.map(\.value.prefix)).union(former.map { Set($0.allowedIPs) } ?? [])
        edit.change(
            .allowedIPs, entries: written.map(\.span),
            removing: Set(
                written.indices.filter { index in
                    let entry = written[index].value
                    guard entry.change != .remove else { return false }
                    return base.contains(entry.prefix) && !allowed.contains(entry.prefix)
                }),
            adding: state.allowedIPs.filter { known.insert($0).inserted }.map(\.description), in: [section])
        // A name outlives the address it had when it was looked up.
        let isNamed = peer.endpoint.map { $0.value.literal == nil } ?? false
        if !isNamed, let endpoint = state.endpoint, peer.endpoint?.value.literal != endpoint, former?.endpoint != endpoint {
            edit.set(.endpoint, to: SecretText(endpoint.description), in: [section])
        }
        if (peer.persistentKeepalive?.value ?? 0) != state.persistentKeepalive, former?.persistentKeepalive != state.persistentKeepalive {
            let interval = state.persistentKeepalive
            edit.set(.persistentKeepalive, to: interval == 0 ? nil : SecretText(String(interval)), in: [section])
        }
    }

    private static func lines(of peer: PeerSnapshot) -> [SecretText] {
        var lines = [SecretText(""), SecretText("[Peer]")]
        func add(_ key: ConfigurationKey, _ value: SecretText) { lines.append(SecretText(setting: key, to: value)) }
        add(.publicKey, SecretText(peer.publicKey.base64))
        if let key = peer.presharedKey, !key.isZero { add(.presharedKey, key.secretText) }
        if !peer.allowedIPs.isEmpty { add(.allowedIPs, SecretText(peer.allowedIPs.map(\.description).joined(separator: ", "))) }
        if let endpoint = peer.endpoint { add(.endpoint, SecretText(endpoint.description)) }
        if peer.persistentKeepalive != 0 { add(.persistentKeepalive, SecretText(String(peer.persistentKeepalive))) }
        return lines
    }
}

extension PeerSnapshot {
    /// Whether nothing of what a file says of a peer is different, its preshared key aside.
    fileprivate func hasSameSettings(as other: PeerSnapshot) -> Bool {
        endpoint == other.endpoint
            && persistentKeepalive == other.persistentKeepalive && Set(allowedIPs) == Set(other.allowedIPs)
    }
}
