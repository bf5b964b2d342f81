internal import NetworkTypes
internal import TunnelConfiguration

/// Clocks that went back: a peer takes no initiation with a timestamp that isn't later than all before (whitepaper, section 5.1).
public enum ClockRules {
    /// The beginning of 2025, in seconds of the Unix epoch: no clock that is right stands before it.
    public static let earliest: UInt64 = 1_735_689_600

    static func findings(_ observation: Observation) -> [Finding] {
        var findings: [Finding] = []
        if let behind = observation.clockBehindOurTimestamps, behind > .seconds(0) {
            findings.append(
                Finding(
                    .clockBehind, isHurting(observation) ? .error : .warning,
                    "this machine's clock is \(behind.inWords) behind the time of its own last handshake: peers take new ones for replays",
                    evidence: "the clock went back since then", remedy: "set the clock (`timedatectl set-ntp true`, or `date -s`)"))
        }
        if let seconds = observation.unixSeconds, seconds < earliest, findings.isEmpty {
            findings.append(
                Finding(
                    .clockBehind, isHurting(observation) ? .error : .warning,
                    "this machine's clock stands in \(1970 + seconds / 31_556_952): peers that knew it with a later time take its handshakes for replays",
                    evidence: "\(seconds) s of the Unix epoch", remedy: "set the clock (`timedatectl set-ntp true`, or `date -s`)"))
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
