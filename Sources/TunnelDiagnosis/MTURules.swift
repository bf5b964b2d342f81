internal import NetworkTypes
internal import TunnelConfiguration

extension PeerObservation {
    /// Whether a router on the way has said what fits.
    fileprivate var isToldTooLarge: Bool {
        if case .tooLarge = networkError?.cause { true } else { false }
    }
}

/// Sizes that don't get through.
enum MTURules {
    /// Bytes that the tunnel adds to a packet: UDP header, message header and tag, and the outer IP header.
    static func overhead(to address: IPAddress) -> UInt32 { (address.bitWidth == 32 ? 20 : 40) + 8 + 16 + 16 }

    static func findings(_ observation: Observation) -> [Finding] {
        observation.peers.compactMap { peer in
            guard let endpoint = peer.endpoint, let link = observation.link else { return nil }
            let extra = overhead(to: endpoint.address)
            // What a router has said comes below; IPv6 inside needs 1280, whatever is outside.
            if case .via(let interface, false, _, _, let outer) = peer.route, link.mtu + extra > outer, link.mtu > 1280, outer > extra,
                !peer.isToldTooLarge
            {
                let fitting = outer - extra
                let isLost = peer.probe?.smallestLost != nil
                return Finding(
                    .largeMTU, isLost ? .error : .warning, peer: peer.publicKey,
                    "the tunnel's MTU of \(link.mtu) is too large for the way to \(endpoint) by \(interface), which takes \(fitting) of it whole: larger packets leave in fragments\(isLost ? ", and vanish" : "")",
                    evidence: "the way has an MTU of \(outer), and the tunnel adds \(extra)",
                    remedy: "leave MTU out of the file, or write MTU = \(fitting); now: ip link set \(observation.interface) mtu \(fitting)"
                )
            }
            if let probe = peer.probe, let answered = probe.largestAnswered, let lost = probe.smallestLost {
                return Finding(
                    .pathMTU, .error, peer: peer.publicKey,
                    "large packets vanish on the way to \(endpoint): of \(answered) bytes they pass, of \(lost) not (path MTU, and ICMP about it is filtered)",
                    evidence: "echoes through the tunnel; the interface's MTU is \(link.mtu)",
                    remedy: "write MTU = \(answered); now: ip link set \(observation.interface) mtu \(answered)")
            }
            guard let error = peer.networkError, case .tooLarge(let mtu) = error.cause, mtu < link.mtu + overhead(to: endpoint.address)
            else { return nil }
            let fitting = mtu > overhead(to: endpoint.address) ? mtu - overhead(to: endpoint.address) : 0
            return Finding(
                .pathMTU, .warning, peer: peer.publicKey,
                "the way to \(endpoint) has an MTU of \(mtu), and the tunnel's packets of \(link.mtu) bytes don't fit",
                evidence: "ICMP\(error.reporter.map { " from \($0)" } ?? ""), \(error.age.inWords) ago",
                remedy: "write MTU = \(fitting); now: ip link set \(observation.interface) mtu \(fitting)")
        }
    }
}
