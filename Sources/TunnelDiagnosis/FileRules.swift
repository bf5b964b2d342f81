internal import NetworkTypes
internal import TunnelConfiguration

/// What the configuration alone shows. What a file's reading reports by itself (spelling, permissions) is not repeated here.
enum FileRules {
    static func findings(_ observation: Observation) -> [Finding] {
        let settings = observation.settings
        return keys(observation) + duplicates(settings) + ownAddresses(settings) + endpoints(observation) + nameServers(settings)
            + addresses(settings) + mtu(settings)
    }

    private static func place(_ peer: PeerSettings, _ settings: TunnelSettings) -> String {
        guard let file = settings.file, let line = peer.line else { return "" }
        return " (\(file):\(line))"
    }

    private static func keys(_ observation: Observation) -> [Finding] {
        let settings = observation.settings
        guard let own = settings.publicKey else {
            guard !settings.hasHooks else { return [] }
            return [
                Finding(
                    .noPrivateKey, .error, "it has no private key, so nothing is sent or answered",
                    remedy: settings.file == nil
                        ? "wg set \(observation.interface) private-key FILE" : "add PrivateKey to [Interface]: `wg-lite genkey` makes one")
            ]
        }
        let itself = settings.peers.filter { $0.publicKey == own }
        guard let first = itself.first else { return [] }
        let isOnly = itself.count == settings.peers.count
        return [
            Finding(
                isOnly ? .onlyPeerIsItself : .peerIsItself, isOnly ? .error : .warning,
                "the public key of \(isOnly ? "its only peer" : "a peer") is this interface's own key, so that peer is left out",
                evidence: "PublicKey = \(own.base64)\(place(first, settings))",
                remedy: "put the other end's public key there: `wg show NAME public-key` there says it")
        ]
    }

    private static func duplicates(_ settings: TunnelSettings) -> [Finding] {
        var owners: [IPPrefix: PeerSettings] = [:]
        var findings: [Finding] = []
        for peer in settings.peers {
            for prefix in peer.allowedIPs {
                if let other = owners[prefix], other.publicKey != peer.publicKey {
                    findings.append(
                        Finding(
                            .duplicateAllowedIPs, .warning, peer: other.publicKey,
                            "\(prefix) is in the AllowedIPs of two peers, and only \(peer.publicKey.abbreviation) gets it",
                            evidence: "also at \(other.publicKey.abbreviation)\(place(other, settings))",
                            remedy: "leave it at one of the two"))
                }
                owners[prefix] = peer
            }
        }
        return findings
    }

    /// The same address at both ends: what is sent there never leaves this machine.
    private static func ownAddresses(_ settings: TunnelSettings) -> [Finding] {
        settings.peers.compactMap { peer in
            guard
                let prefix = peer.allowedIPs.first(where: { prefix in
                    Int(prefix.length) == prefix.address.bitWidth && settings.addresses.contains { $0.address == prefix.address }
                })
            else { return nil }
            return Finding(
                .ownAddressAllowed, .warning, peer: peer.publicKey,
                "\(prefix.address) is this interface's own Address and in the AllowedIPs of \(peer.publicKey.abbreviation): what is sent there stays on this machine",
                evidence: "Address and AllowedIPs both have \(prefix.address)\(place(peer, settings))",
                remedy: "each end has an Address of its own, and AllowedIPs are the other's")
        }
    }

    /// An endpoint that would be routed into the tunnel. With look-ups, ``RouteRules`` knows better.
    private static func endpoints(_ observation: Observation) -> [Finding] {
        let settings = observation.settings
        guard settings.addsRoutes, !settings.hasHooks, observation.peers.isEmpty else { return [] }
        return settings.peers.compactMap { peer in
            guard let endpoint = peer.endpoint,
                let (owner, prefix) = longest(for: endpoint.address, in: settings), !prefix.isDefaultRoute,
                !observation.localNetworks.contains(where: { $0.prefix.contains(endpoint.address) && $0.prefix.length > prefix.length })
            else { return nil }
            return Finding(
                .endpointInTunnel, .error, peer: peer.publicKey,
                "the endpoint \(endpoint) lies within \(prefix), which is routed into the tunnel itself",
                evidence: "AllowedIPs of \(owner.publicKey.abbreviation)\(place(owner, settings))",
                remedy: "take \(endpoint.address) out of AllowedIPs, or write 0.0.0.0/0: then the tunnel's own datagrams go beside it")
        }
    }

    private static func longest(for address: IPAddress, in settings: TunnelSettings) -> (PeerSettings, IPPrefix)? {
        var best: (PeerSettings, IPPrefix)?
        for peer in settings.peers {
            for prefix in peer.allowedIPs where prefix.contains(address) && best.map({ prefix.length > $0.1.length }) ?? true {
                best = (peer, prefix)
            }
        }
        return best
    }

    private static func nameServers(_ settings: TunnelSettings) -> [Finding] {
        settings.nameServers.filter { settings.peer(for: $0) == nil && !$0.isLoopback }.map { server in
            Finding(
                .nameServerOutside, .warning, "the name server \(server) is in nobody's AllowedIPs, so queries don't go through the tunnel",
                evidence: "DNS = \(server)",
                remedy: "add \(server)/\(server.bitWidth) to the AllowedIPs of the peer behind which it is")
        }
    }

    private static func addresses(_ settings: TunnelSettings) -> [Finding] {
        guard !settings.peers.isEmpty else { return [] }
        return settings.addresses.compactMap { address in
            // A network of one address, or one of which some part is a peer's, is how it should be.
            let network = address.network
            guard Int(address.prefixLength) < address.address.bitWidth,
                !settings.peers.contains(where: { peer in
                    peer.allowedIPs.contains { $0.contains(network) || network.contains($0) }
                })
            else { return nil }
            return Finding(
                .addressOutside, .warning, "the interface's network \(network) is in nobody's AllowedIPs, so nobody in it can be reached",
                evidence: "Address = \(address)", remedy: "add \(network), or the peers' addresses in it, to AllowedIPs")
        }
    }

    private static func mtu(_ settings: TunnelSettings) -> [Finding] {
        guard let mtu = settings.mtu, mtu < 1280 else { return [] }
        let isIPv6Inside =
            settings.addresses.contains { $0.address.bitWidth == 128 }
            || settings.peers.contains { $0.allowedIPs.contains { $0.address.bitWidth == 128 } }
        guard isIPv6Inside else { return [] }
        return [
            Finding(
                .smallMTU, .warning, "with an MTU of \(mtu) there is no IPv6 inside: it needs 1280", evidence: "MTU = \(mtu)",
                remedy: "write MTU = 1280, or leave MTU out")
        ]
    }
}
