internal import NetworkTypes
internal import TunnelConfiguration

/// Nothing comes back, and nobody says why: what the pattern of the silence tells.
enum SilenceRules {
    static func findings(_ observation: Observation) -> [Finding] {
        // Of those who come and go some are always gone.
        let isAlone = !observation.peers.contains { PeerState($0) == .working }
        return observation.peers.flatMap { peer in
            [
                silence(peer, observation, isAlone: isAlone), nameMoved(peer, observation), answersLost(peer),
                nothingComesBack(peer, observation),
                keyUsedTwice(peer),
            ].compactMap { $0 }
        }
    }

    private static func silence(_ peer: PeerObservation, _ observation: Observation, isAlone: Bool) -> Finding? {
        guard let endpoint = peer.endpoint else { return nil }
        let sent = peer.handshakes.map { counted($0.unanswered, "handshake", "handshakes") } ?? "handshakes"
        switch PeerState(peer) {
        case .noAnswer(let age) where peer.handshakes.map({ $0.unanswered > 0 }) ?? true:
            let own = observation.settings.publicKey?.abbreviation ?? "ours"
            let elsewhere =
                isElsewhere(endpoint.address, observation)
                ? "a private address in no network of this machine may be another place's; else " : ""
            return Finding(
                .noAnswer, .error, peer: peer.publicKey,
                "\(endpoint) doesn't answer\(age.map { " for \($0.inWords)" } ?? ""): \(elsewhere)it doesn't know our key \(own), has another key than \(peer.publicKey.abbreviation), or a filter on the way drops UDP",
                evidence: "\(sent) sent, nothing came back, not even an error",
                remedy:
                    "there: `wg show` must list our key \(observation.settings.publicKey?.base64 ?? "") and have \(peer.publicKey.base64) itself; and let UDP to port \(endpoint.port) in"
            )
        case .silent(let age):
            if peer.isEndpointLearned {
                return Finding(
                    .natForgot, isAlone ? .error : .warning, peer: peer.publicKey,
                    "\(endpoint) has been silent for \(age.inWords): it is gone, or the NAT in front of it has forgotten it",
                    evidence: "that address was learned, not configured; \(sent) unanswered",
                    remedy: "there: PersistentKeepalive = 25 keeps a NAT's memory fresh; or wait until it calls")
            }
            return Finding(
                .peerSilent, .error, peer: peer.publicKey,
                "\(endpoint) has been silent for \(age.inWords) though it answered before: its tunnel was restarted, is gone, or the way to it is cut",
                evidence: "\(sent) unanswered\(peer.traffic?.lastReceived.map { ", heard of \($0.inWords) ago" } ?? "")",
                remedy: "is the peer's tunnel up? There: `wg show`")
        default: return nil
        }
    }

    /// A private address that is in no network of this machine.
    private static func isElsewhere(_ address: IPAddress, _ observation: Observation) -> Bool {
        address.isPrivate && !observation.localNetworks.contains { $0.prefix.contains(address) }
    }

    /// The endpoint's name has other addresses by now than the one that doesn't answer.
    private static func nameMoved(_ peer: PeerObservation, _ observation: Observation) -> Finding? {
        guard let endpoint = peer.endpoint, PeerState(peer).isBroken,
            let settings = observation.settings.peers.first(where: { $0.publicKey == peer.publicKey }),
            let name = settings.endpointName,
            let other = settings.nameAddresses.first(where: { $0 != endpoint.address && $0.bitWidth == endpoint.address.bitWidth })
                ?? settings.nameAddresses.first(where: { $0 != endpoint.address })
        else { return nil }
        let hasBoth = settings.nameAddresses.contains(endpoint.address)
        return Finding(
            .nameMoved, .error, peer: peer.publicKey,
            hasBoth
                ? "\(endpoint) doesn't answer; \(name) has another address as well, \(other), which wasn't tried"
                : "\(name) is \(other) by now, and the tunnel still sends to \(endpoint), where nobody answers",
            evidence: "the name was looked up again",
            remedy: hasBoth ? "write \(other) itself in Endpoint to see" : "wg-lite reload \(observation.interface)")
    }

    /// Phones move too, but not to and fro for minutes.
    private static func keyUsedTwice(_ peer: PeerObservation) -> Finding? {
        guard peer.returns >= 4, let last = peer.lastReturn, last < .seconds(90), let endpoint = peer.endpoint,
            let other = peer.previousEndpoint
        else { return nil }
        return Finding(
            .keyUsedTwice, .warning, peer: peer.publicKey,
            "two machines use the key of \(peer.publicKey.abbreviation): it is heard by turns from \(endpoint) and \(other), and each takes the other's answers",
            evidence: "it came back \(peer.returns) times in a row, the last \(last.inWords) ago",
            remedy: "give each machine a key of its own (`wg-lite genkey`) and a [Peer] section here")
    }

    /// We answer, and what we answer is never used.
    private static func answersLost(_ peer: PeerObservation) -> Finding? {
        guard let handshakes = peer.handshakes, handshakes.losesAnswers, handshakes.refusedResponses == 0,
            let age = handshakes.unconfirmedFor
        else { return nil }
        let name = peer.endpoint.map { "\($0)" } ?? peer.publicKey.abbreviation
        return Finding(
            .answersLost, .error, peer: peer.publicKey,
            "\(name) calls, and our answers are refused there (another preshared key) or don't arrive (a filter, rp_filter)",
            evidence: "\(handshakes.unconfirmedAnswers) handshakes answered in \(age.inWords), none confirmed",
            remedy: "compare PresharedKey on both sides; then let UDP from our port through to it")
    }

    /// For so long nothing but keepalives has come, while packets were sent.
    private static let oneWay = Interval.seconds(9)

    /// The peer takes what we send, for it answers with keepalives, and no packet comes out again.
    private static func nothingComesBack(_ peer: PeerObservation, _ observation: Observation) -> Finding? {
        guard let traffic = peer.traffic, let heard = traffic.lastReceived, let sent = traffic.lastSentPacket,
            let handshake = peer.lastHandshake, traffic.sentPackets >= 3, sent < .seconds(5), !PeerState(peer).isBroken
        else { return nil }
        let quiet = traffic.receivedPackets == 0 ? handshake : traffic.lastReceivedPacket ?? handshake
        guard quiet >= oneWay, heard + .seconds(3) < quiet else { return nil }
        let ours = observation.settings.addresses.map { "\($0.address)" }.joined(separator: ", ")
        let name = peer.endpoint.map { "\($0)" } ?? "the peer"
        if traffic.receivedPackets > 0 {
            // It has sent to us in this session: its AllowedIPs for us are right.
            return Finding(
                .nothingComesBack, .warning, peer: peer.publicKey,
                "\(name) answers itself, and nothing comes back of what goes on beyond it: it doesn't forward or masquerade (NAT), or a filter there drops it",
                evidence: "for \(quiet.inWords) packets were sent and only keepalives came back",
                remedy:
                    "there: `sysctl net.ipv4.ip_forward` must be 1, and `iptables -t nat -A POSTROUTING -s \(observation.settings.addresses.first.map { "\($0.network)" } ?? "our network") ! -o NAME -j MASQUERADE` for the Internet"
            )
        }
        return Finding(
            .nothingComesBack, .warning, peer: peer.publicKey,
            "\(name) takes our packets and sends none back: its AllowedIPs for us are too narrow, it doesn't forward, or its firewall drops them",
            evidence: "for \(quiet.inWords) packets were sent and only keepalives came back",
            remedy:
                "there: the AllowedIPs of our key must hold \(ours.isEmpty ? "our addresses" : ours); `sysctl net.ipv4.ip_forward` must be 1 if it is a gateway"
        )
    }
}
