internal import NetworkTypes
internal import TunnelConfiguration

/// Nothing comes back, and nobody says why: what the pattern of the silence tells.
enum SilenceRules {
    static func findings(_ observation: Observation) -> [Finding] {
        // Of those who come and go some are always gone.
        let isAlone = !observation.peers.contains { PeerState($0) == .working }
        let settings = observation.settings.peersByKey
        return observation.peers.flatMap { peer in
            [
                silence(peer, settings[peer.publicKey], observation, isAlone: isAlone),
                settings[peer.publicKey].flatMap { nameMoved(peer, $0, observation) },
                answersLost(peer), keyUsedTwice(peer),
            ].compactMap { $0 }
        }
    }

    private static func silence(
        _ peer: PeerObservation, _ settings: PeerSettings?, _ observation: Observation, isAlone: Bool
    ) -> Finding? {
        guard let endpoint = peer.endpoint else { return nil }
        let sent = peer.handshakes.map { counted($0.unanswered, "handshake", "handshakes") } ?? "handshakes"
        // Packets go without an answer for a while before a handshake is tried.
        let unanswered = peer.handshakes?.unanswered == 0 ? "what was sent is not answered" : "\(sent) unanswered"
        switch PeerState(peer) {
        case .noAnswer(let age) where peer.handshakes.map({ $0.unanswered > 0 }) ?? true:
            let own = observation.settings.publicKey?.abbreviation ?? "ours"
            let elsewhere =
                isElsewhere(endpoint.address, observation)
                ? "a private address in no network of this machine may be another place's; else "
                : guestNetwork(endpoint, peer, settings, observation).map { "\($0); else " } ?? ""
            return Finding(
                .noAnswer, .error, peer: peer.publicKey,
                "\(endpoint) doesn't answer\(age.map { " for \($0.inWords)" } ?? ""): \(elsewhere)it doesn't know our key \(own), has another key than \(peer.publicKey.abbreviation), or a filter on the way drops UDP",
                evidence: "\(sent) sent, nothing came back, not even an error",
                remedy:
                    "there: `wg show` must list our key \(observation.settings.publicKey?.base64 ?? "") and have \(peer.publicKey.base64) itself; and let UDP to port \(endpoint.port) in"
            )
        case .silent where isHeardByTurns(peer, observation): return answersGoElsewhere(peer, endpoint, .error)
        case .silent(let age):
            if peer.isEndpointLearned {
                return Finding(
                    .natForgot, isAlone ? .error : .warning, peer: peer.publicKey,
                    "\(endpoint) has been silent for \(age.inWords): it is gone, or the NAT in front of it has forgotten it",
                    evidence: "that address was learned, not configured; \(unanswered)",
                    remedy: "there: PersistentKeepalive = 25 keeps a NAT's memory fresh; or wait until it calls")
            }
            return Finding(
                .peerSilent, .error, peer: peer.publicKey,
                "\(endpoint) has been silent for \(age.inWords) though it answered before: its tunnel was restarted, is gone, or the way to it is cut",
                evidence: "\(unanswered)\(peer.traffic?.lastReceived.map { ", heard of \($0.inWords) ago" } ?? "")",
                remedy: "is the peer's tunnel up? There: `wg show`")
        default: return isHeardByTurns(peer, observation) && !PeerState(peer).isBroken ? answersGoElsewhere(peer, endpoint, .warning) : nil
        }
    }

    /// Whether the peer falls silent and comes back, again and again, or speaks to us in a session that is another's.
    private static func isHeardByTurns(_ peer: PeerObservation, _ observation: Observation) -> Bool {
        // After a restart of ours it uses the old session until a new one is made, and never after.
        if let handshake = peer.lastHandshake, handshake >= .seconds(10), handshake <= PeerState.sessionLife,
            observation.drops.contains(where: { drop in
                drop.reason == .unknownSession && drop.sender == peer.endpoint && drop.count >= 10
                    && drop.age.map { $0 < .seconds(15) } ?? false
            })
        {
            return true
        }
        guard let traffic = peer.traffic, traffic.returns >= 3, let last = traffic.lastReturn else { return false }
        return last < .seconds(60)
    }

    /// Who begins a session takes the answers from whoever has the same key, until that one begins a session.
    private static func answersGoElsewhere(_ peer: PeerObservation, _ endpoint: Endpoint, _ severity: Finding.Severity) -> Finding {
        Finding(
            .keyUsedTwice, severity, peer: peer.publicKey,
            "\(endpoint) answers by turns only: another machine uses our key and takes our answers, or the way there is cut again and again",
            evidence: "it falls silent and comes back with a new handshake, or sends what is for a session that isn't ours",
            remedy: "is this file in use on another machine too? Give each a key of its own (`wg-lite genkey`)")
    }

    /// What a name may mean that is an address of this machine's own network: networks that want a login answer all names so.
    static func guestNetwork(
        _ endpoint: Endpoint, _ peer: PeerObservation, _ settings: PeerSettings?, _ observation: Observation
    ) -> String? {
        guard let name = settings?.endpointName, Endpoint(name) == nil, !peer.isEndpointLearned,
            observation.localNetworks.contains(where: { $0.prefix.contains(endpoint.address) })
        else { return nil }
        return "this is a guest network that answers for \(name.prefix { $0 != ":" }) itself until somebody logs in with a browser"
    }

    /// A private address that is in no network of this machine.
    private static func isElsewhere(_ address: IPAddress, _ observation: Observation) -> Bool {
        address.isPrivate && !observation.localNetworks.contains { $0.prefix.contains(address) }
    }

    /// The endpoint's name has other addresses by now than the one that doesn't answer.
    private static func nameMoved(_ peer: PeerObservation, _ settings: PeerSettings, _ observation: Observation) -> Finding? {
        guard let endpoint = peer.endpoint, PeerState(peer).isBroken,
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
}
