internal import NetworkTypes
internal import TunnelConfiguration

/// A peer that lives, and behind which nobody answers.
///
/// A peer that takes what we send and has nothing to say answers with a keepalive after ten seconds. So keepalives show that it lives, has the
/// right keys and gets our datagrams, and say nothing of what it does with the packets inside. Whether something should come back is known
/// of questions only: an echo request, a new TCP connection, a query for a name. Logs, streams and what is sent to everybody want none.
enum AnswerRules {
    /// Programs that try again wait for twice as long each time.
    private static let patience = Interval.seconds(20)

    static func findings(_ observation: Observation) -> [Finding] {
        observation.peers.compactMap { nothingComesBack($0, observation) }
    }

    private static func nothingComesBack(_ peer: PeerObservation, _ observation: Observation) -> Finding? {
        guard !PeerState(peer).isBroken, let traffic = peer.traffic, let heard = traffic.lastReceived else { return nil }
        let waiting = peer.asked.filter { isWaiting($0, heard: heard) }
        guard let host = waiting.max(by: { $0.unanswered < $1.unanswered }), let age = host.unansweredFor else { return nil }
        let name = peer.endpoint.map { "\($0)" } ?? "the peer"
        let evidence =
            "\(host.questions) in \(age.inWords), none answered; the peer itself was heard of \(heard.inWords) ago"
        if traffic.lastReceivedPacket == nil, traffic.receivedPackets == 0 {
            let ours = observation.settings.addresses.map { "\($0.address)" }.joined(separator: ", ")
            return Finding(
                .nothingComesBack, .warning, peer: peer.publicKey,
                "\(name) takes our packets and sends none back: its AllowedIPs for us are too narrow, it doesn't forward, or its firewall drops them",
                evidence: evidence,
                remedy:
                    "there: the AllowedIPs of our key must hold \(ours.isEmpty ? "our addresses" : ours); `sysctl net.ipv4.ip_forward` must be 1 if it is a gateway"
            )
        }
        // It has sent to us: its AllowedIPs for us are right. A machine that is off or mute is not the tunnel's matter, all of them are.
        let beyond = peer.asked.filter { isBeyond($0.address, peer, observation) }
        guard let silent = waiting.first(where: { beyond.contains($0) }), beyond.allSatisfy({ $0.unanswered > 0 }) else { return nil }
        return Finding(
            .nothingComesBack, .warning, peer: peer.publicKey,
            "\(name) answers itself, and nothing comes back from \(silent.address) beyond it: it doesn't forward or masquerade (NAT), a filter there drops it, or that machine is off",
            evidence: evidence,
            remedy:
                "there: `sysctl net.ipv4.ip_forward` must be 1, and `iptables -t nat -A POSTROUTING -s \(observation.settings.addresses.first.map { "\($0.network)" } ?? "our network") ! -o NAME -j MASQUERADE` for the Internet"
        )
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

    /// What it was asked, for people.
    var questions: String {
        switch question {
        case .echo: "\(counted(unanswered, "ping", "pings")) to \(address)"
        case .connection: "\(counted(unanswered, "attempt", "attempts")) to connect to \(address)"
        case .query: "\(counted(unanswered, "query", "queries")) to the name server \(address)"
        }
    }
}
