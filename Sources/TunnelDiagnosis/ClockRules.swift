internal import NetworkTypes
internal import TunnelConfiguration

/// Clocks that went back: a peer takes no initiation with a timestamp that isn't later than all before (whitepaper, section 5.1).
enum ClockRules {
    static func findings(_ observation: Observation) -> [Finding] {
        var findings: [Finding] = []
        if let behind = observation.clockBehindOurTimestamps, behind > .seconds(0) {
            findings.append(
                Finding(
                    .clockBehind, isHurting(observation) ? .error : .warning,
                    "this machine's clock is \(behind.inWords) behind the time of its own last handshake: peers take new ones for replays",
                    evidence: "the clock went back since then", remedy: "set the clock (`timedatectl set-ntp true`, or `date -s`)"))
        }
        for peer in observation.peers {
            guard let replayed = peer.replayed, replayed.age < .seconds(180), replayed.behind > .seconds(0),
                peer.lastHandshake.map({ $0 > replayed.age }) ?? true
            else { continue }
            findings.append(
                Finding(
                    .peerClockBehind, .error, peer: peer.publicKey,
                    "the clock of peer \(peer.publicKey.abbreviation) is \(replayed.behind.inWords) behind: its handshakes look like replays",
                    evidence: "\(counted(replayed.count, "initiation", "initiations")) refused, the last \(replayed.age.inWords) ago",
                    remedy: "set the clock there; or restart the tunnel here, which forgets the later time"))
        }
        return findings
    }

    private static func isHurting(_ observation: Observation) -> Bool {
        observation.peers.contains { PeerState($0).isBroken }
    }
}
