internal import NetworkTypes
internal import TunnelConfiguration

/// A NAT or a filter with a memory between us and a peer, which forgets who is silent.
enum NATRules {
    static func findings(_ observation: Observation) -> [Finding] {
        let settings = observation.settings.peersByKey
        return observation.peers.compactMap { peer in
            guard let endpoint = peer.endpoint, let source = peer.route?.source, source.isPrivate, !endpoint.address.isPrivate,
                !endpoint.address.isLoopback, !endpoint.address.isLinkLocal,
                settings[peer.publicKey]?.persistentKeepalive == 0
            else { return nil }
            return Finding(
                // Who only calls, and is never called, needs none.
                .natWithoutKeepalive, .note, peer: peer.publicKey,
                "we are behind a NAT (our address is \(source)) without PersistentKeepalive: when we are silent, it forgets the way to us",
                evidence: "private address \(source), endpoint \(endpoint)", remedy: "write PersistentKeepalive = 25 at this peer")
        }
    }
}

extension IPAddress {
    /// Whether the address is one that a NAT translates: RFC 1918, RFC 6598; of IPv6 fc00::/7.
    var isPrivate: Bool {
        switch self {
        case .v4(let address):
            let bits = address.rawValue
            return bits >> 24 == 10 || bits >> 20 == 0xac1 || bits >> 16 == 0xc0a8 || bits >> 22 == 100 << 2 | 1
        case .v6(let address): return address.high >> 57 == 0xfc >> 1
        }
    }
}
