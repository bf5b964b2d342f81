internal import NetworkTypes
internal import TunnelConfiguration
internal import WireGuardCrypto

/// Keys that don't fit: the peer's, ours, or the one that both share.
enum KeyRules {
    static func findings(_ observation: Observation) -> [Finding] {
        observation.peers.compactMap(presharedKey) + observation.strangers.compactMap { stranger($0, observation) }
    }

    private static func presharedKey(_ peer: PeerObservation) -> Finding? {
        guard let handshakes = peer.handshakes, handshakes.refusedResponses > 0 else { return nil }
        let settings = peer.endpoint.map { "\($0)" } ?? "the peer"
        return Finding(
            .presharedKey, .error, peer: peer.publicKey,
            "\(settings) answers, but with another preshared key: PresharedKey differs, or only one side has it",
            evidence: "\(counted(handshakes.refusedResponses, "answer was", "answers were")) refused"
                + (handshakes.lastRefusedResponse.map { ", the last \($0.inWords) ago" } ?? ""),
            remedy: "the PresharedKey of \(peer.publicKey.abbreviation) must be the same on both sides, or on neither")
    }

    private static func stranger(_ stranger: Stranger, _ observation: Observation) -> Finding? {
        // One who calls from a peer's endpoint is that peer, with another key than we know.
        let suspect =
            observation.peers.first { $0.endpoint == stranger.sender && !isSpeaking($0) }
            ?? observation.peers.first { $0.endpoint?.address == stranger.sender.address && !isSpeaking($0) }
        let times = "\(counted(stranger.count, "handshake", "handshakes")), the last \(stranger.age.inWords) ago"
        switch stranger.reason {
        case .unknownKey(let key):
            guard let suspect else {
                return Finding(
                    .unknownSender, isHurting(observation) ? .error : .note,
                    "\(stranger.sender) calls with the public key \(key.base64), which is no peer's here", evidence: times,
                    remedy: "if it should be a peer: wg set \(observation.interface) peer \(key.base64) allowed-ips …")
            }
            return Finding(
                .otherKeyOfPeer, .error, peer: suspect.publicKey,
                "\(stranger.sender) has another public key than is configured here: it uses \(key.base64)",
                evidence: "here it is \(suspect.publicKey.base64); \(times)", remedy: "write PublicKey = \(key.base64)")
        case .wrongKeyOfOurs:
            let own = observation.settings.publicKey.map(\.base64) ?? "none"
            guard let suspect else {
                return Finding(
                    .unknownSender, isHurting(observation) ? .error : .note,
                    "\(stranger.sender) calls with a handshake for another public key than ours, \(own)", evidence: times,
                    remedy: "its peer's PublicKey should be \(own)")
            }
            return Finding(
                .otherKeyOfOurs, .error, peer: suspect.publicKey,
                "\(stranger.sender) calls another public key than ours: there, PublicKey should be \(own)", evidence: times,
                remedy: "write PublicKey = \(own) there")
        }
    }

    private static func isSpeaking(_ peer: PeerObservation) -> Bool {
        PeerState(peer) == .working
    }

    /// A stranger is the cause where somebody is missed: a peer that doesn't answer, or one that never called.
    private static func isHurting(_ observation: Observation) -> Bool {
        observation.peers.contains { PeerState($0).isBroken || ($0.endpoint == nil && $0.lastHandshake == nil) }
            && !observation.peers.contains { PeerState($0) == .working }
    }
}
