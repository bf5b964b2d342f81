internal import NetworkTypes
internal import TunnelCore
internal import WireGuardCrypto

/// What ran when a tunnel had come up or had been reloaded: what is different now is to be saved.
///
/// It is kept for as long as the tunnel runs, and keys may be replaced meanwhile. So it has none: whether a key is still the same is told by
/// the public key, and by a fingerprint.
public struct FormerState: Sendable {
    /// Without its keys.
    private(set) var tunnel: TunnelSnapshot
    let addresses: [IPInterfaceAddress]?
    /// That of the private key; nil without one.
    let publicKey: PublicKey?
    private let presharedKeys: [PublicKey: PresharedKey.Fingerprint]

    /// What ran, without what of it is secret.
    public init(_ state: SavedState) {
        tunnel = state.tunnel
        addresses = state.addresses
        publicKey = state.tunnel.privateKey?.publicKey
        tunnel.privateKey = nil
        var presharedKeys: [PublicKey: PresharedKey.Fingerprint] = [:]
        for (index, peer) in state.tunnel.peers.enumerated() {
            if let key = peer.presharedKey, !key.isZero { presharedKeys[peer.publicKey] = key.fingerprint }
            tunnel.peers[index].presharedKey = nil
        }
        self.presharedKeys = presharedKeys
    }

    /// Whether a peer had this preshared key; nil and zero are none.
    func hasPresharedKey(_ key: PresharedKey?, of peer: PublicKey) -> Bool {
        presharedKeys[peer] == key.flatMap { $0.isZero ? nil : $0.fingerprint }
    }

    /// What ran when a reload took `file` over; this is what ran before it, when the tunnel had come up or had been reloaded.
    ///
    /// A reload leaves alone what the file doesn't speak of: marks and addresses that others set, and where peers have moved to. That has
    /// still changed since the tunnel came up, and is still to be saved.
    /// - Parameters:
    ///   - running: what runs after the reload.
    ///   - ownMark: the mark that the file, or its routes, ask for.
    public func takingOver(_ file: ConfigurationFile, running: SavedState, ownMark: UInt32) -> FormerState {
        var state = running
        if running.tunnel.firewallMark != ownMark { state.tunnel.firewallMark = tunnel.firewallMark }
        let known = Set((addresses ?? []) + file.interface.addresses.map(\.value))
        state.addresses = running.addresses?.filter(known.contains) ?? addresses
        let former = Dictionary(tunnel.peers.map { ($0.publicKey, $0.endpoint) }, uniquingKeysWith: { $1 })
        let written = Dictionary(file.peers.map { ($0.publicKey?.value, $0.endpoint?.value.literal) }, uniquingKeysWith: { $1 })
        for (index, peer) in state.tunnel.peers.enumerated() where written[peer.publicKey] != .some(peer.endpoint) {
            if let endpoint = former[peer.publicKey] { state.tunnel.peers[index].endpoint = endpoint }
        }
        return FormerState(state)
    }
}
