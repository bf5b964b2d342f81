internal import NetworkTypes
internal import TunnelConfiguration

/// What this machine drops of what has arrived: filters before the socket, reverse path filters, and packets that it should pass on.
enum FilterRules {
    static func findings(_ observation: Observation) -> [Finding] {
        let filters = observation.filters
        var findings: [Finding] = []
        if let arrived = filters.arrivedUnseen {
            let reversePath = filters.reversePathFilters[arrived.interface] == 1 && filters.reversePathDrops > 0
            if reversePath {
                findings.append(reversePathFinding(of: arrived.interface, filters, .error))
            } else {
                findings.append(
                    Finding(
                        .filteredIn, .error,
                        "answers of \(arrived.sender) arrive on \(arrived.interface) and a filter of this machine's own firewall drops them",
                        evidence: "\(counted(arrived.count, "datagram", "datagrams")) seen there, none reached the tunnel",
                        remedy: "see `nft list ruleset`, chains with hook input; let UDP to the tunnel's port in"))
            }
        } else if filters.reversePathDrops > 0,
            let strict = filters.reversePathFilters.filter({ $0.value == 1 }).keys.min(by: { a, b in
                (a == observation.interface ? 0 : 1, a) < (b == observation.interface ? 0 : 1, b)
            })
        {
            findings.append(reversePathFinding(of: strict, filters, .warning))
        }
        if filters.forwardsIPv4 == false, filters.notForwarded > 0 {
            findings.append(
                Finding(
                    .notForwarding, .warning,
                    "this machine doesn't forward, and dropped \(counted(filters.notForwarded, "packet", "packets")) for others (ip_forward is 0)",
                    evidence: "since the tunnel is up", remedy: "sysctl net.ipv4.ip_forward=1"))
        }
        if filters.forwardsIPv6 == false, filters.notForwardedIPv6 > 0 {
            findings.append(
                Finding(
                    .notForwarding, .warning,
                    "this machine doesn't forward IPv6, and dropped \(counted(filters.notForwardedIPv6, "packet", "packets")) for others (forwarding is 0)",
                    evidence: "since the tunnel is up", remedy: "sysctl net.ipv6.conf.all.forwarding=1"))
        }
        return findings + observation.peers.compactMap { filteredInside($0, filters) }
    }

    /// A peer asks a host here again and again, nobody answers, and as many packets have vanished between the tunnel and whoever they are
    /// for. Messages that want no answer are nobody's trouble, whatever else this machine's firewall drops.
    private static func filteredInside(_ peer: PeerObservation, _ filters: FilterObservation) -> Finding? {
        guard !PeerState(peer).isBroken,
            let host = peer.askedHere.first(where: { host in
                host.isUnanswered(within: .seconds(20), since: .seconds(3)) && filters.vanished >= host.unanswered - host.unanswered / 4
            })
        else { return nil }
        return Finding(
            .filteredInside, .warning, peer: peer.publicKey,
            "packets of \(peer.publicKey.abbreviation) to \(host.address) come out of the tunnel and this machine's own firewall drops them",
            evidence:
                "\(host.questions)\(host.unansweredFor.map { " in \($0.inWords)" } ?? ""), none answered; \(filters.vanished) packets vanished here",
            remedy: "see `nft list ruleset`, chains with hook input (for this machine) and forward (for others behind it)")
    }

    private static func reversePathFinding(of interface: String, _ filters: FilterObservation, _ severity: Finding.Severity) -> Finding {
        Finding(
            .reversePath, severity,
            "the reverse path filter of \(interface) (rp_filter) dropped \(counted(filters.reversePathDrops, "packet", "packets")): the way back is another",
            evidence: "net.ipv4.conf.\(interface).rp_filter is 1, strict",
            remedy: "sysctl net.ipv4.conf.\(interface).rp_filter=2; if net.ipv4.conf.all.rp_filter is 1, that as well")
    }
}
