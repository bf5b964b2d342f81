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
            let isHurting = isMissed(32, filters.reversePathDrops, observation) || observation.peers.contains { PeerState($0).isBroken }
            findings.append(reversePathFinding(of: strict, filters, isHurting ? .warning : .note))
        }
        if filters.forwardsIPv4 == false, filters.notForwarded > 0 {
            findings.append(
                Finding(
                    .notForwarding, isMissed(32, filters.notForwarded, observation) ? .warning : .note,
                    "this machine doesn't forward, and dropped \(counted(filters.notForwarded, "packet", "packets")) for others (ip_forward is 0)",
                    evidence: "since the tunnel is up", remedy: "sysctl net.ipv4.ip_forward=1"))
        }
        if filters.forwardsIPv6 == false, filters.notForwardedIPv6 > 0 {
            findings.append(
                Finding(
                    .notForwarding, isMissed(128, filters.notForwardedIPv6, observation) ? .warning : .note,
                    "this machine doesn't forward IPv6, and dropped \(counted(filters.notForwardedIPv6, "packet", "packets")) for others (forwarding is 0)",
                    evidence: "since the tunnel is up", remedy: "sysctl net.ipv6.conf.all.forwarding=1"))
        }
        return findings + observation.peers.compactMap { filteredInside($0, filters) }
    }

    /// The kernel counts the packets of all interfaces, and to a machine on the Internet come some that are nobody's. They are the tunnel's
    /// trouble where a peer asks somebody here again and again, and as many packets were dropped.
    /// - Parameter width: bits of an address of the family that is counted.
    private static func isMissed(_ width: Int, _ drops: UInt64, _ observation: Observation) -> Bool {
        observation.peers.contains { missed($0, drops) { $0.address.bitWidth == width } != nil }
    }

    /// The first host here that a peer asks in vain, if its questions can be among so many drops.
    private static func missed(
        _ peer: PeerObservation, _ drops: UInt64, _ isMeant: (AskedHostObservation) -> Bool = { _ in true }
    ) -> AskedHostObservation? {
        guard !PeerState(peer).isBroken else { return nil }
        return peer.askedHere.first { host in
            isMeant(host) && host.isUnanswered(within: .seconds(20), since: .seconds(3)) && drops >= host.unanswered - host.unanswered / 4
        }
    }

    /// A peer asks a host here again and again, nobody answers, and as many packets have vanished between the tunnel and whoever they are
    /// for. Messages that want no answer are nobody's trouble, whatever else this machine's firewall drops; and it may be there to drop these.
    private static func filteredInside(_ peer: PeerObservation, _ filters: FilterObservation) -> Finding? {
        guard let host = missed(peer, filters.vanished) else { return nil }
        return Finding(
            .filteredInside, host.severity, peer: peer.publicKey,
            "packets of \(peer.publicKey.abbreviation) to \(host.address) come out of the tunnel and this machine's own firewall drops them",
            evidence:
                "\(host.questions)\(host.unansweredFor.map { " in \($0.inWords)" } ?? ""), none answered; \(counted(filters.vanished, "packet", "packets")) vanished here",
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
