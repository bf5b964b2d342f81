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
            case .noEndpoint: return noEndpoint(drop)
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
        return broadcast.rawValue == .max
            || observation.settings.addresses.contains { own in
                own.network.contains(address) && own.prefixLength < 32
                    && broadcast.rawValue & (.max >> UInt32(own.prefixLength)) == .max >> UInt32(own.prefixLength)
            }
    }

    private static func source(_ drop: DropObservation, _ observation: Observation) -> Finding {
        let name = drop.peer.map { $0.abbreviation } ?? "a peer"
        guard let source = drop.source else {
            return Finding(
                .sourceNotAllowed, .warning, "packets of a peer are refused: their source address is not in its AllowedIPs",
                evidence: when(drop), remedy: "compare the peers' addresses with AllowedIPs")
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

    private static func noEndpoint(_ drop: DropObservation) -> Finding {
        Finding(
            .noEndpoint, .warning, peer: drop.peer,
            "packets for \(drop.peer.map(\.abbreviation) ?? "a peer") wait: it has no Endpoint here and has not called yet",
            evidence: when(drop), remedy: "write Endpoint = HOST:PORT at this peer, or let it begin")
    }
}
