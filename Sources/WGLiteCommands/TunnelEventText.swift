internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelCore
internal import WireGuardCrypto
internal import WireGuardProtocol

extension TunnelEvent {
    /// The event as a log line: peers by the ends of their public keys, behind what the file calls them.
    func text(names: [PublicKey: String] = [:]) -> String {
        guard let peer else { return kind.text }
        return "peer \(names[peer].map { "\($0) " } ?? "")\(peer.abbreviation): \(kind.text)"
    }
}

extension TunnelEvent.Kind {
    var text: String {
        switch self {
        case .handshakeBegun: "handshake begun"
        case .handshakeCompleted(let took, let role): "handshake completed in \(took.text), \(role.text)"
        case .sessionRenewed(let took, let role): "session renewed in \(took.text), \(role.text)"
        case .handshakeRefused(let refusal, .initiator): "its response was refused: \(refusal.text)"
        case .handshakeRefused(let refusal, .responder): "its initiation was refused: \(refusal.text)"
        case .handshakeGivenUp(let time): "handshake given up: no answer for \(time.text)"
        case .sessionExpired: "session expired"
        case .endpointMoved(nil, let new): "heard from \(new)"
        case .endpointMoved(let old?, let new): "moved from \(old) to \(new)"
        case .peerSilent(let time): "silent for \(time.text): a new handshake is begun"
        case .peerBack(let time): "back after \(time.text)"
        case .keyChanged(let key?): "our public key is \(key.base64) now"
        case .keyChanged(nil): "our private key was removed"
        case .missed(let count): "(\(count) events were not told)"
        }
    }
}

extension TunnelEvent.Role {
    fileprivate var text: String {
        switch self {
        case .initiator: "we called"
        case .responder: "it called"
        }
    }
}

extension Refusal {
    /// What it means in a handshake with a known peer.
    fileprivate var text: String {
        switch self {
        case .empty: "made with another preshared key, or forged"
        case .timestamp: "made with another private key than the peer's, or forged"
        case .replay: "older than one that was taken: its clock was set back, or somebody repeats a recording"
        case .flood: "a second one within 20 ms"
        case .lowOrder: "its public key is one whose secrets everybody knows"
        case .state: "keys have changed meanwhile, or a later one has taken its place"
        case .length, .type, .mac1, .index, .sealedStatic, .unknownPeer, .cookie, .tag, .window, .limit, .expired: "\(self)"
        }
    }
}

extension Interval {
    /// Milliseconds below ten seconds, else seconds.
    fileprivate var text: String {
        nanoseconds < 10_000_000_000 ? "\(nanoseconds / 1_000_000) ms" : "\(nanoseconds / 1_000_000_000) s"
    }
}
