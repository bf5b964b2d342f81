internal import NetworkTypes
internal import TunnelConfiguration

/// Nothing comes back, and nobody says why: what the pattern of the silence tells.
enum SilenceRules {
    static func findings(_ observation: Observation) -> [Finding] {
        // Of those who come and go some are always gone.
        let isAlone = !observation.peers.contains { PeerState($0) == .working }
        return observation.peers.flatMap { peer in
            [silence(peer, observation, isAlone: isAlone), answersLost(peer), nothingComesBack(peer, observation)].compactMap { $0 }
        }
    }

    private static func silence(_ peer: PeerObservation, _ observation: Observation, isAlone: Bool) -> Finding? {
        guard let endpoint = peer.endpoint else { return nil }
        let sent = peer.handshakes.map { counted($0.unanswered, "handshake", "handshakes") } ?? "handshakes"
        switch PeerState(peer) {
        case .noAnswer(let age) where peer.handshakes.map({ $0.unanswered > 0 }) ?? true:
            let own = observation.settings.publicKey?.abbreviation ?? "ours"
            return Finding(
                .noAnswer, .error, peer: peer.publicKey,
                "\(endpoint) doesn't answer\(age.map { " for \($0.inWords)" } ?? ""): it doesn't know our key \(own), has another key than \(peer.publicKey.abbreviation), or a filter on the way drops UDP",
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
        return Finding(
            .nothingComesBack, .warning, peer: peer.publicKey,
            "\(peer.endpoint.map { "\($0)" } ?? "the peer") takes our packets and sends none back: its AllowedIPs for us are too narrow, or it doesn't forward",
            evidence: "for \(quiet.inWords) packets were sent and only keepalives came back",
            remedy:
                "there: the AllowedIPs of our key must hold \(ours.isEmpty ? "our addresses" : ours); `sysctl net.ipv4.ip_forward` must be 1 if it is a gateway"
        )
    }
}
