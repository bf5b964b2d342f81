internal import NetworkTypes
internal import TunnelConfiguration

/// Where datagrams, queries and the inner networks go now, from look-ups.
enum RouteRules {
    static func findings(_ observation: Observation) -> [Finding] {
        observation.peers.compactMap { endpoint($0, observation) ?? otherTunnel($0, observation) } + outerRoutes(observation)
            + itself(observation) + localNetworks(observation) + nameServers(observation) + notRouted(observation) + beside(observation)
            + passedBy(observation)
    }

    private static func endpoint(_ peer: PeerObservation, _ observation: Observation) -> Finding? {
        guard let endpoint = peer.endpoint, let route = peer.route else { return nil }
        switch route {
        case .via(_, true, _, _, _):
            if let exempt = observation.exemptMark, exempt != observation.mark {
                // `wg syncconf` takes it away, with the file as wg-quick strips it.
                let carried = observation.mark == 0 ? "no mark" : "mark \(observation.mark)"
                return Finding(
                    .endpointInTunnel, .error, peer: peer.publicKey,
                    "the way to the endpoint \(endpoint) leads into the tunnel itself: its datagrams carry \(carried), and its rules let out those with \(exempt)",
                    evidence: "`wg show \(observation.interface) fwmark`, and `ip rule`",
                    remedy: "wg-lite reload \(observation.interface) sets the mark again")
            }
            return Finding(
                .endpointInTunnel, .error, peer: peer.publicKey, "the way to the endpoint \(endpoint) leads into the tunnel itself",
                evidence: "`ip route get \(endpoint.address)\(marked(observation))` says dev \(observation.interface)",
                remedy: "ip route add \(endpoint.address) via GATEWAY; or take it out of AllowedIPs")
        case .via: return nil
        case .none:
            let isMissing = peer.currentSendFailure?.cause == .familyMissing
            return noRoute(to: endpoint, peer, isFamilyMissing: isMissing, observation)
        }
    }

    /// What a look-up for the tunnel's own datagrams has to say besides.
    private static func marked(_ observation: Observation) -> String { observation.mark == 0 ? "" : " mark \(observation.mark)" }

    /// An endpoint that is this tunnel's own socket. On another port it may be a helper that carries the datagrams on.
    private static func itself(_ observation: Observation) -> [Finding] {
        guard let port = observation.settings.listenPort, port != 0 else { return [] }
        // Looked up by key: there may be ten thousand of them.
        let current = Dictionary(observation.peers.map { ($0.publicKey, $0.endpoint) }) { first, _ in first }
        return observation.settings.peers.compactMap { peer in
            guard let endpoint = current[peer.publicKey] ?? peer.endpoint, endpoint.port == port,
                endpoint.address.isLoopback || observation.ownAddresses.contains(endpoint.address)
            else { return nil }
            return Finding(
                .endpointIsItself, .error, peer: peer.publicKey,
                "the endpoint \(endpoint) is this machine and this tunnel's own port: it calls itself",
                evidence: "ListenPort is \(port), and \(endpoint.address) an address of this machine",
                remedy: "write the other machine's address in Endpoint")
        }
    }

    /// A peer that doesn't answer, behind a tunnel of somebody else's.
    private static func otherTunnel(_ peer: PeerObservation, _ observation: Observation) -> Finding? {
        guard let endpoint = peer.endpoint, case .via(let interface, false, _, _, _) = peer.route,
            observation.otherTunnels.contains(interface)
        else { return nil }
        let state = PeerState(peer)
        switch state {
        case .noAnswer, .silent: break
        default: return nil
        }
        return Finding(
            .throughOtherTunnel, .error, peer: peer.publicKey,
            "\(endpoint) doesn't answer, and the way to it leads through another tunnel, \(interface): that one is in the way, or doesn't let this one through",
            evidence: "`ip route get \(endpoint.address)\(marked(observation))` says dev \(interface)",
            remedy:
                "take the other tunnel down to see; or give the endpoint a route beside it: ip route add \(endpoint.address) via GATEWAY")
    }

    /// Without routes of the tunnel's making, somebody else has to make them.
    private static func notRouted(_ observation: Observation) -> [Finding] {
        guard !observation.settings.addsRoutes, let routes = observation.tunnelRoutes, observation.link?.isUp ?? false else { return [] }
        return observation.settings.peers.compactMap { peer in
            // Everything is what routing protocols allow, and they know better.
            let missing = peer.allowedIPs.filter { prefix in
                !prefix.isDefaultRoute && !routes.contains { overlap($0, prefix) }
            }
            guard let first = missing.first else { return nil }
            return Finding(
                .notRouted, .warning, peer: peer.publicKey,
                "packets to \(first) don't go into the tunnel: Table = off, and nobody has made a route",
                evidence: missing.count == 1 ? "no table has a route to it" : "the same with \(missing.count - 1) more of its AllowedIPs",
                remedy: "ip route add \(first) dev \(observation.interface); or leave Table out")
        }
    }

    /// A tunnel for everything that everything passes by: somebody's rules or routes are asked first.
    private static func passedBy(_ observation: Observation) -> [Finding] {
        // Hooks may mean it.
        guard observation.link?.isUp ?? false, !observation.settings.hasHooks else { return [] }
        return AddressFamily.allCases.compactMap { family in
            let name = family == .v4 ? "IPv4" : "IPv6"
            let sentence: String
            switch observation.everywhere[family] {
            case .via(_, true, _, _, _)?, nil: return nil
            // Of two tunnels for everything one has it.
            case .via(let interface, false, _, _, _)? where observation.otherTunnels.contains(interface): return nil
            case .via(let interface, false, _, _, _)?:
                sentence = "all of \(name) is to go through the tunnel, and leaves beside it, by \(interface)"
            case RouteObservation.none?: sentence = "all of \(name) is to go through the tunnel, and has no way at all"
            }
            return Finding(
                .passedBy, .warning, "\(sentence): somebody's rule or route comes first",
                evidence: "`ip\(family == .v4 ? "" : " -6") route get \(Observation.internet(family))`",
                remedy:
                    "look for it with `ip\(family == .v4 ? "" : " -6") rule` and `ip\(family == .v4 ? "" : " -6") route`, and take it away")
        }
    }

    /// A tunnel for everything, of IPv4 only.
    private static func beside(_ observation: Observation) -> [Finding] {
        // Hooks may stop it, and a private address doesn't reach the Internet.
        guard observation.settings.addsRoutes, !observation.settings.hasHooks,
            case .via(let interface, false, let source?, _, _)? = observation.internetIPv6, !source.isPrivate, !source.isLinkLocal
        else { return [] }
        let allowed = observation.settings.peers.flatMap(\.allowedIPs)
        func isAll(_ width: Int) -> Bool {
            let prefixes = allowed.filter { $0.address.bitWidth == width && $0.length <= 1 }
            return prefixes.contains(where: \.isDefaultRoute) || Set(prefixes).count == 2
        }
        guard isAll(32), !allowed.contains(where: { $0.address.bitWidth == 128 && $0.length <= 3 }) else { return [] }
        return [
            Finding(
                .besideTunnel, .warning, "all of IPv4 goes through the tunnel and IPv6 beside it, by \(interface)",
                evidence: "AllowedIPs have 0.0.0.0/0 and no ::/0", remedy: "write AllowedIPs = 0.0.0.0/0, ::/0")
        ]
    }

    /// A file that isn't up, on a machine that has no way to its endpoints.
    private static func outerRoutes(_ observation: Observation) -> [Finding] {
        observation.settings.peers.compactMap { peer in
            guard let endpoint = peer.endpoint, observation.outerRoutes[peer.publicKey] == RouteObservation.none else { return nil }
            return noRoute(to: endpoint, PeerObservation(publicKey: peer.publicKey), isFamilyMissing: false, observation)
        }
    }

    /// The finding for an endpoint without a way to it.
    static func noRoute(
        to endpoint: Endpoint, _ peer: PeerObservation, isFamilyMissing: Bool, _ observation: Observation
    ) -> Finding {
        let isIPv6 = endpoint.address.bitWidth == 128
        if isFamilyMissing || isIPv6 {
            return Finding(
                isFamilyMissing ? .familyMissing : .noRoute, .error, peer: peer.publicKey,
                "there is no \(isIPv6 ? "IPv6" : "IPv4") route to \(endpoint)\(isIPv6 ? ": this machine has no IPv6 to the outside" : "")",
                evidence: "`ip -\(isIPv6 ? 6 : 4) route get \(endpoint.address)` finds none",
                remedy: isIPv6 ? "give the endpoint by its IPv4 address, or get IPv6" : "see `ip route`")
        }
        if case .v4(let address) = endpoint.address, hasOnlyIPv6(observation) {
            // The prefix that is everybody's (RFC 6052).
            let translated = IPAddress.v6(IPv6Address(high: 0x64_ff9b << 32, low: UInt64(address.rawValue)))
            return Finding(
                .noRoute, .error, peer: peer.publicKey, "there is no IPv4 route to \(endpoint): this machine has only IPv6 to the outside",
                evidence: "`ip -4 route get \(endpoint.address)` finds none, and there is a route to the IPv6 Internet",
                remedy:
                    "give the endpoint by its IPv6 address; where the network has NAT64, by \(Endpoint(address: translated, port: endpoint.port))"
            )
        }
        return Finding(
            .noRoute, .error, peer: peer.publicKey, "there is no route to \(endpoint): network is unreachable",
            evidence: "`ip route get \(endpoint.address)\(marked(observation))` finds none",
            remedy: "is the network up? See `ip route` and `ip rule`")
    }

    /// Whether the machine has a way to the IPv6 Internet beside the tunnel, and no network of IPv4.
    private static func hasOnlyIPv6(_ observation: Observation) -> Bool {
        guard case .via(_, false, _, _, _)? = observation.internetIPv6 else { return false }
        return !observation.localNetworks.contains { $0.prefix.address.bitWidth == 32 }
    }

    /// A network of a peer that another interface is on as well.
    private static func localNetworks(_ observation: Observation) -> [Finding] {
        guard observation.settings.addsRoutes else { return [] }
        var findings: [Finding] = []
        for local in observation.localNetworks {
            for peer in observation.settings.peers {
                for prefix in peer.allowedIPs where !prefix.isDefaultRoute && overlap(prefix, local.prefix) {
                    // Half of everything is a default route by another name, and the local network is longer.
                    guard prefix.length > 1 else { continue }
                    let winner = prefix.length > local.prefix.length ? "the tunnel" : local.interface
                    findings.append(
                        Finding(
                            .localNetwork, .warning, peer: peer.publicKey,
                            "the peer's network \(prefix) overlaps the local network \(local.prefix) of \(local.interface): \(winner) gets what is in both",
                            evidence: "`ip route show \(local.prefix)`",
                            remedy: "number one of the two differently, or allow the addresses that are only there"))
                }
            }
            for address in observation.settings.addresses
            where Int(address.prefixLength) < address.address.bitWidth && overlap(address.network, local.prefix) {
                findings.append(
                    Finding(
                        .localNetwork, .warning,
                        "the tunnel's own network \(address.network) overlaps the local network \(local.prefix) of \(local.interface)",
                        evidence: "Address = \(address)", remedy: "number one of the two differently"))
            }
        }
        return findings
    }

    private static func overlap(_ a: IPPrefix, _ b: IPPrefix) -> Bool {
        a.contains(b) || b.contains(a)
    }

    private static func nameServers(_ observation: Observation) -> [Finding] {
        observation.nameServers.compactMap { server in
            guard let route = server.route, !server.address.isLoopback else { return nil }
            switch route {
            case .none:
                return Finding(
                    .nameServerUnreachable, .warning, "there is no route to the name server \(server.address): names are not found",
                    evidence: "`ip route get \(server.address)` finds none",
                    remedy: "add \(server.address)/\(server.address.bitWidth) to AllowedIPs")
            case .via(_, true, _, _, _): return nil
            case .via(let interface, false, _, _, _):
                // A file that says so itself has been told already.
                guard observation.settings.peer(for: server.address) != nil else { return nil }
                return Finding(
                    .nameServerOutside, .warning,
                    "queries to the name server \(server.address) leave by \(interface), beside the tunnel",
                    evidence: "`ip route get \(server.address)` says dev \(interface)",
                    remedy: "is another route to it longer? See `ip route`")
            }
        }
    }
}
