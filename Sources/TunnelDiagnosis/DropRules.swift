public import NetworkTypes
internal import TunnelConfiguration

/// Packets that the tunnel itself didn't forward, by the last example of each reason.
public enum DropRules {
    /// Older examples say nothing of now.
    public static let memory = Interval.seconds(300)

    static func findings(_ observation: Observation) -> [Finding] {
        observation.drops.compactMap { drop in
            guard drop.count > 0, (drop.age ?? .seconds(0)) <= memory else { return nil }
            switch drop.reason {
            case .noPeerForDestination: return noPeer(drop, observation)
            case .sourceNotAllowed: return source(drop, observation)
            case .ownDatagram: return own(drop, observation)
            case .noEndpoint: return noEndpoint(drop, observation)
            case .notWireGuard: return notWireGuard(drop, observation)
            // Of a session that is over some still come; who has begun another one is SilenceRules' to say.
            case .unknownSession: return nil
            }
        }
    }

    private static func when(_ drop: DropObservation) -> String {
        counted(drop.count, "packet", "packets") + (drop.age.map { ", the last \($0.inWords) ago" } ?? "")
    }

    private static func noPeer(_ drop: DropObservation, _ observation: Observation) -> Finding? {
        guard let destination = drop.destination, !destination.isMulticast, !destination.isLinkLocal, !isBroadcast(destination, observation)
        else { return nil }
        return Finding(
            .noPeerForDestination, .warning, "packets to \(destination) have nowhere to go: it is in nobody's AllowedIPs",
            evidence: when(drop), remedy: "add \(destination)/\(destination.bitWidth), or its network, to the peer behind which it is")
    }

    private static func isBroadcast(_ address: IPAddress, _ observation: Observation) -> Bool {
        guard case .v4(let broadcast) = address else { return false }
        return broadcast.rawValue == .max || observation.settings.addresses.contains { $0.network.isBroadcast(address) }
    }

    private static func source(_ drop: DropObservation, _ observation: Observation) -> Finding? {
        // Every interface that speaks IPv6 asks for routers and tells its groups, and nobody routes that.
        if let source = drop.source, source.isLinkLocal || source.isUnspecified { return nil }
        let name = drop.peer.map { $0.abbreviation } ?? "a peer"
        guard let source = drop.source else {
            return Finding(
                .sourceNotAllowed, .warning, "packets of a peer are refused: their source address is not in its AllowedIPs",
                evidence: when(drop), remedy: "compare the peers' addresses with AllowedIPs")
        }
        if let owner = observation.settings.peer(for: source), owner.publicKey != drop.peer {
            return Finding(
                .sourceNotAllowed, .warning, peer: drop.peer,
                "packets of \(name) from \(source) are refused: here that address is in the AllowedIPs of another peer, \(owner.publicKey.abbreviation)",
                evidence: when(drop),
                remedy: "are the two peers' AllowedIPs swapped here, or have both machines the same Address?")
        }
        return Finding(
            .sourceNotAllowed, .warning, peer: drop.peer,
            "packets of \(name) from \(source) are refused: that address is not in its AllowedIPs here", evidence: when(drop),
            remedy: "add \(source)/\(source.bitWidth), or its network, to the AllowedIPs of \(name)")
    }

    private static func own(_ drop: DropObservation, _ observation: Observation) -> Finding {
        Finding(
            .ownDatagrams, .error, peer: drop.peer,
            "the tunnel's own datagrams\(drop.destination.map { " to the endpoint \($0)" } ?? "") are routed into the tunnel itself",
            evidence: when(drop), remedy: "ip route add \(drop.destination.map { "\($0)" } ?? "ENDPOINT") via GATEWAY")
    }

    /// Something else answers where a peer should be.
    private static func notWireGuard(_ drop: DropObservation, _ observation: Observation) -> Finding? {
        guard let sender = drop.sender,
            let peer = observation.peers.first(where: { $0.endpoint == sender }), case .noAnswer = PeerState(peer)
        else { return nil }
        return Finding(
            .notWireGuard, .error, peer: peer.publicKey,
            "\(sender) answers, but not as a WireGuard does: another service has that port, or its WireGuard is a changed one (obfuscated)",
            evidence: when(drop), remedy: "is it the right port? There: `wg show all listen-port`")
    }

    private static func noEndpoint(_ drop: DropObservation, _ observation: Observation) -> Finding? {
        // It has called since.
        if observation.peers.contains(where: { $0.publicKey == drop.peer && $0.endpoint != nil }) { return nil }
        // Of those who come and go some are always gone.
        let isAlone = !observation.peers.contains { PeerState($0) == .working }
        if let peer = observation.settings.peers.first(where: { $0.publicKey == drop.peer }), observation.settings.addsRoutes,
            let all = peer.allowedIPs.first(where: \.isDefaultRoute)
        {
            return Finding(
                .noEndpoint, .warning, peer: drop.peer,
                "all of this machine's traffic is for \(peer.publicKey.abbreviation) (\(all) in its AllowedIPs), which has no Endpoint here and has not called yet",
                evidence: when(drop),
                remedy: "at a server AllowedIPs are the client's own addresses inside, as 10.8.0.2/32; of a gateway, write its Endpoint")
        }
        return Finding(
            .noEndpoint, isAlone ? .warning : .note, peer: drop.peer,
            "packets for \(drop.peer.map(\.abbreviation) ?? "a peer") wait: it has no Endpoint here and has not called yet",
            evidence: when(drop), remedy: "write Endpoint = HOST:PORT at this peer, or let it begin")
    }
}

extension IPPrefix {
    /// Whether an address is the one of IPv4 that means everybody in the network.
    func isBroadcast(_ address: IPAddress) -> Bool {
        guard case .v4(let last) = address, contains(address), length < 31 else { return false }
        return last.rawValue & (.max >> UInt32(length)) == .max >> UInt32(length)
    }
}
