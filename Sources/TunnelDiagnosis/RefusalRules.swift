internal import NetworkTypes
internal import TunnelConfiguration
internal import WireGuardCrypto

/// Somebody says no: our own kernel when sending, or a machine on the way by ICMP.
enum RefusalRules {
    static func findings(_ observation: Observation) -> [Finding] {
        let settings = observation.settings.peersByKey
        return observation.peers.compactMap { peer in
            guard let endpoint = peer.endpoint else { return nil }
            if let failure = peer.currentSendFailure { return finding(failure, endpoint, peer, observation) }
            if let error = peer.currentNetworkError { return finding(error, endpoint, peer, settings[peer.publicKey], observation) }
            return nil
        }
    }

    private static func finding(
        _ failure: SendFailure, _ endpoint: Endpoint, _ peer: PeerObservation, _ observation: Observation
    ) -> Finding {
        let key = peer.publicKey
        let evidence = "the last datagram was refused \(failure.age.inWords) ago"
        switch failure.cause {
        case .noRoute: return RouteRules.noRoute(to: endpoint, peer, isFamilyMissing: false, observation)
        case .familyMissing: return RouteRules.noRoute(to: endpoint, peer, isFamilyMissing: true, observation)
        case .hostUnreachable: return unreachable(endpoint, reporter: nil, failure.age, peer)
        case .filtered where observation.filters.isConnectionTableFull:
            return Finding(
                .connectionTableFull, .error, peer: key,
                "the kernel's table of connections (conntrack) is full, so nothing new is let out to \(endpoint)", evidence: evidence,
                remedy: "sysctl net.netfilter.nf_conntrack_max=262144; `conntrack -L` shows whose they are")
        case .prohibited where isBroadcast(endpoint.address, observation):
            return Finding(
                .sendProhibited, .error, peer: key,
                "the endpoint \(endpoint) is a broadcast address, the last of its network, and no machine's own", evidence: evidence,
                remedy: "write the peer's own address in Endpoint")
        case .filtered:
            return Finding(
                .filteredOut, .error, peer: key,
                "a filter of this machine's own firewall lets nothing out to \(endpoint) (operation not permitted)", evidence: evidence,
                remedy: "see `nft list ruleset`, chains with hook output; let UDP to port \(endpoint.port) out")
        case .prohibited:
            return Finding(
                .sendProhibited, .error, peer: key, "a route of this machine prohibits sending to \(endpoint)", evidence: evidence,
                remedy: "see `ip route get \(endpoint.address)` and `ip rule`")
        case .networkDown:
            return Finding(
                .networkDown, .error, peer: key, "the network towards \(endpoint) is down", evidence: evidence, remedy: "see `ip link`")
        case .other(let errno):
            return Finding(
                .sendFailed, .error, peer: key, "the kernel refuses to send to \(endpoint) (errno \(errno))", evidence: evidence,
                remedy: "see `ip route get \(endpoint.address)`")
        }
    }

    private static func isBroadcast(_ address: IPAddress, _ observation: Observation) -> Bool {
        observation.localNetworks.contains { $0.prefix.isBroadcast(address) }
    }

    private static func finding(
        _ error: NetworkError, _ endpoint: Endpoint, _ peer: PeerObservation, _ settings: PeerSettings?, _ observation: Observation
    ) -> Finding? {
        let (key, own) = (peer.publicKey, observation.ownAddresses)
        let from = error.reporter.map { " from \($0)" } ?? ""
        // iptables and nft reject with this by default, and then it is not the endpoint that speaks.
        if error.cause == .portUnreachable, let reporter = error.reporter, reporter != endpoint.address, !peer.isEndpointLearned {
            return rejected(by: reporter, isOwn: own.contains(reporter), endpoint, error, key)
        }
        switch error.cause {
        case .portUnreachable where own.contains(endpoint.address):
            return Finding(
                .endpointIsItself, .error, peer: key,
                "the endpoint \(endpoint) is an address of this machine itself, and nobody listens on that port here",
                evidence: "ICMP port unreachable\(from)",
                remedy: "write the other machine's address in Endpoint; or start the program here that should carry the datagrams on")
        case .portUnreachable where peer.isEndpointLearned:
            return Finding(
                .natForgot, .error, peer: key,
                "\(endpoint) refuses our datagrams (ICMP port unreachable\(from), \(error.age.inWords) ago): it is gone, or the NAT in front of it has forgotten it",
                evidence: "that address was learned, not configured",
                remedy: "there: PersistentKeepalive = 25 keeps a NAT's memory fresh; or wait until it calls")
        case .portUnreachable:
            return Finding(
                .portClosed, .error, peer: key,
                "\(endpoint) refuses our datagrams (ICMP port unreachable\(from), \(error.age.inWords) ago): nobody listens on that port there\(SilenceRules.guestNetwork(endpoint, peer, settings, observation).map { ", or \($0)" } ?? "")",
                evidence: "ICMP port unreachable\(from)",
                remedy:
                    "is the peer's tunnel up, and its ListenPort \(endpoint.port)? There: `wg show all listen-port`; if it is behind the same router as this machine, write its address inside"
            )
        case .prohibited:
            let who = error.reporter.map { "\($0)" } ?? "a machine on the way"
            return Finding(
                .prohibited, .error, peer: key,
                "\(who) prohibits our datagrams to \(endpoint) (ICMP administratively prohibited, \(error.age.inWords) ago)",
                evidence: "a filter on the way rejects them", remedy: "let UDP to port \(endpoint.port) through there")
        case .hostUnreachable:
            // What our own machine says of itself: nobody answered on the link.
            return unreachable(endpoint, reporter: error.reporter.flatMap { own.contains($0) ? nil : $0 }, error.age, peer)
        case .networkUnreachable:
            let who = error.reporter.map { "the router \($0)" } ?? "a router on the way"
            return Finding(
                .networkUnreachable, .error, peer: key,
                "\(who) has no route to \(endpoint) (ICMP network unreachable, \(error.age.inWords) ago)",
                evidence: "ICMP network unreachable\(from)", remedy: "is \(endpoint.address) the right address?")
        case .routingLoop:
            return Finding(
                .routingLoop, .error, peer: key, "datagrams to \(endpoint) go in circles (ICMP time exceeded\(from))",
                evidence: "\(error.age.inWords) ago", remedy: "traceroute \(endpoint.address)")
        case .tooLarge, .other: return nil
        }
    }

    private static func rejected(
        by reporter: IPAddress, isOwn: Bool, _ endpoint: Endpoint, _ error: NetworkError, _ key: PublicKey
    ) -> Finding {
        let evidence = "ICMP port unreachable from \(reporter), which is not the endpoint"
        if isOwn {
            return Finding(
                .filteredOut, .error, peer: key,
                "a filter of this machine's own firewall rejects our datagrams to \(endpoint) (\(error.age.inWords) ago)",
                evidence: evidence,
                remedy: "see `nft list ruleset`, chains with hook output; let UDP to port \(endpoint.port) out")
        }
        return Finding(
            .prohibited, .error, peer: key,
            "\(reporter) on the way rejects our datagrams to \(endpoint) (ICMP port unreachable, \(error.age.inWords) ago): a filter there, or a network that wants a login first",
            evidence: evidence, remedy: "let UDP to port \(endpoint.port) through there; in a guest network, log in with a browser")
    }

    private static func unreachable(
        _ endpoint: Endpoint, reporter: IPAddress?, _ age: Interval, _ peer: PeerObservation
    ) -> Finding {
        var gateway: IPAddress?
        var interface = "the link"
        var source: IPAddress?
        if case .via(let name, _, let from, let via, _) = peer.route { (interface, source, gateway) = (name, from, via) }
        let sentence: String
        if let reporter, reporter != source {
            sentence =
                "the router \(reporter) can't reach \(endpoint) (ICMP host unreachable, \(age.inWords) ago): that machine is off or gone"
        } else if let gateway {
            sentence = "the router \(gateway) towards \(endpoint) doesn't answer on \(interface) (host unreachable: no answer to ARP)"
        } else {
            sentence =
                "\(endpoint.address) doesn't answer on \(interface) (host unreachable: no answer to ARP): that machine is off or has another address"
        }
        return Finding(
            .hostUnreachable, .error, peer: peer.publicKey, sentence, evidence: "\(age.inWords) ago",
            remedy: "ping \(gateway ?? endpoint.address); `ip neighbour`")
    }
}
