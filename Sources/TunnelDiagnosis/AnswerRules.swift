internal import NetworkTypes
internal import TunnelConfiguration

/// A peer that lives, and behind which nobody answers.
///
/// A peer that takes what we send and has nothing to say answers with a keepalive after ten seconds. So keepalives show that it lives, has the
/// right keys and gets our datagrams, and say nothing of what it does with the packets inside. Whether something should come back is known
/// of questions only: an echo request, a new TCP connection, a query for a name. Logs, streams and what is sent to everybody want none.
///
/// And even then it may be as somebody wanted it: machines drop pings, and connections to ports that aren't for everybody. From here both
/// look the same, so that both are told, and it is no more than a remark. A name server that doesn't answer is always missed.
enum AnswerRules {
    /// Programs that try again wait for twice as long each time.
    private static let patience = Interval.seconds(20)

    static func findings(_ observation: Observation) -> [Finding] {
        observation.peers.compactMap { nothingComesBack($0, observation) }
    }

    private static func nothingComesBack(_ peer: PeerObservation, _ observation: Observation) -> Finding? {
        guard !PeerState(peer).isBroken, let heard = peer.traffic?.lastReceived else { return nil }
        let waiting = peer.asked.filter { isWaiting($0, heard: heard) }
        if !peer.hasSpoken {
            guard let host = waiting.max(by: { ($0.severity, $0.unanswered) < ($1.severity, $1.unanswered) }) else { return nil }
            return neverSpoken(host, peer, heard: heard, observation)
        }
        // It has sent to us: its AllowedIPs for us are right. A machine that is off or mute is not the tunnel's matter, all of them are.
        let beyond = peer.asked.filter { isBeyond($0.address, peer, observation) }
        guard let host = waiting.first(where: { beyond.contains($0) }), beyond.allSatisfy({ $0.unanswered > 0 }) else { return nil }
        return silentBeyond(host, peer, heard: heard, observation)
    }

    private static func neverSpoken(
        _ host: AskedHostObservation, _ peer: PeerObservation, heard: Interval, _ observation: Observation
    ) -> Finding {
        let name = peer.endpoint.map { "\($0)" } ?? "the peer"
        let ours = observation.settings.addresses.map { "\($0.address)" }.joined(separator: ", ")
        return Finding(
            .nothingComesBack, host.severity, peer: peer.publicKey,
            "\(host.silence): \(host.harmlessReason), or \(name), which sends nothing but keepalives, doesn't forward them, or its AllowedIPs for us are too narrow",
            evidence: evidence(host, heard: heard),
            remedy:
                "there: the AllowedIPs of our key must hold \(ours.isEmpty ? "our addresses" : ours); `sysctl net.ipv4.ip_forward` must be 1 if it is a gateway"
        )
    }

    private static func silentBeyond(
        _ host: AskedHostObservation, _ peer: PeerObservation, heard: Interval, _ observation: Observation
    ) -> Finding {
        let name = peer.endpoint.map { "\($0)" } ?? "the peer"
        return Finding(
            .nothingComesBack, host.severity, peer: peer.publicKey,
            "\(name) answers itself, and nothing comes back from \(host.address) beyond it: that machine is off, \(host.harmlessReason), or the peer doesn't forward or masquerade (NAT)",
            evidence: evidence(host, heard: heard),
            remedy:
                "there: `sysctl net.ipv4.ip_forward` must be 1, and `iptables -t nat -A POSTROUTING -s \(observation.settings.addresses.first.map { "\($0.network)" } ?? "our network") ! -o NAME -j MASQUERADE` for the Internet"
        )
    }

    private static func evidence(_ host: AskedHostObservation, heard: Interval) -> String {
        "\(host.questions)\(host.unansweredFor.map { " in \($0.inWords)" } ?? ""), none answered; the peer itself was heard of \(heard.inWords) ago"
    }

    /// Whether a host was asked again and again while the peer lived, and hasn't answered what it would answer.
    private static func isWaiting(_ host: AskedHostObservation, heard: Interval) -> Bool {
        guard host.isUnanswered(within: patience, since: .seconds(4)), let age = host.unansweredFor else { return false }
        return heard + .seconds(2) < age
    }

    /// Whether an address is neither in the tunnel's own network nor a peer's own.
    private static func isBeyond(_ address: IPAddress, _ peer: PeerObservation, _ observation: Observation) -> Bool {
        if observation.settings.addresses.contains(where: { $0.network.contains(address) }) { return false }
        let settings = observation.settings.peers.first { $0.publicKey == peer.publicKey }
        return !(settings?.allowedIPs.contains { Int($0.length) == address.bitWidth && $0.contains(address) } ?? false)
    }
}

extension AskedHostObservation {
    /// One that was asked less often may have been asleep.
    private static let questions: UInt64 = 3

    /// Whether the host was asked again and again, and hasn't answered what it would answer.
    /// - Parameters:
    ///   - patience: who wasn't asked for so long isn't waited for any more.
    ///   - age: for how long at least it must have been asked.
    func isUnanswered(within patience: Interval, since age: Interval) -> Bool {
        guard unanswered >= Self.questions, lastAsked < patience, unansweredFor.map({ $0 >= age }) ?? false else { return false }
        // Machines that answer, and not to pings, or not on that port, are as somebody wanted them.
        return answered.isEmpty || answered.contains(question)
    }

    /// What its silence means for the tunnel.
    var severity: Finding.Severity { question == .query ? .warning : .note }

    /// That it doesn't answer, for people.
    var silence: String {
        switch question {
        case .echo: "no ping to \(address) is answered"
        case .connection: "no attempt to connect to \(address) is answered"
        case .query: "no query to the name server \(address) is answered"
        }
    }

    /// Why it may not answer although the tunnel is as it should be.
    var harmlessReason: String {
        switch question {
        case .echo: "it drops pings"
        case .connection: "its firewall drops them"
        case .query: "no name server runs there"
        }
    }

    /// What it was asked, for people.
    var questions: String {
        switch question {
        case .echo: "\(counted(unanswered, "ping", "pings")) to \(address)"
        case .connection: "\(counted(unanswered, "attempt", "attempts")) to connect to \(address)"
        case .query: "\(counted(unanswered, "query", "queries")) to the name server \(address)"
        }
    }
}
