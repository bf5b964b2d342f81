import NetworkTypes
import TunnelCore
import WireGuardCrypto

@testable import TunnelConfiguration

/// Configuration files: read, written back, and read again as the same.
enum ConfigurationFuzz {
    static func run(_ bytes: [UInt8]) {
        let file = ConfigurationFile(text: bytes, name: "fuzz")
        for diagnostic in file.diagnostics { precondition(!"\(diagnostic)".isEmpty) }
        guard !file.hasErrors else { return }
        let update = file.tunnelUpdate()
        let text = UAPIClient.text(of: update)
        var tunnel = Tunnel(mtu: 1420, seed: 1)
        tunnel.apply(update, at: TimePoint(now: .init(nanoseconds: 1), unixNanoseconds: 1))
        let snapshot = tunnel.snapshot(listenPort: update.listenPort ?? 0, firewallMark: update.firewallMark ?? 0)
        // What is there already needs no change: for a file that names each prefix and peer once.
        let saved = file.text(saving: SavedState(snapshot)).bytes
        let again = ConfigurationFile(text: saved, name: "saved")
        precondition(!again.hasErrors, "saving made errors: \(again.diagnostics)")
        var other = Tunnel(mtu: 1420, seed: 1)
        other.apply(again.tunnelUpdate(), at: TimePoint(now: .init(nanoseconds: 1), unixNanoseconds: 1))
        let otherSnapshot = other.snapshot(listenPort: update.listenPort ?? 0, firewallMark: update.firewallMark ?? 0)
        precondition(shown(snapshot) == shown(otherSnapshot), "\(shown(snapshot)) became \(shown(otherSnapshot))")
        precondition(
            ConfigurationFile(text: saved, name: "saved").text(saving: SavedState(otherSnapshot)).bytes == saved,
            "saving twice is not saving once")
        precondition(!text.isEmpty)
    }

    /// A tunnel's state, peers in order of their keys.
    private static func shown(_ snapshot: TunnelSnapshot) -> [String] {
        snapshot.peers.map { peer in
            let prefixes = peer.allowedIPs.map { "\($0)" }.sorted().joined(separator: ",")
            let endpoint = peer.endpoint.map { "\($0)" } ?? ""
            var presharedKey: [UInt8] = []
            peer.presharedKey?.appendHex(to: &presharedKey)
            return "\(peer.publicKey) \(endpoint) \(peer.persistentKeepalive) \(prefixes) \(presharedKey)"
        }.sorted()
    }
}
