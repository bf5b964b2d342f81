internal import NetworkTypes
internal import TunnelConfiguration
public import TunnelCore
internal import WireGuardCrypto
internal import WireGuardProtocol

/// Events as they travel from the process that runs a tunnel: a line of words each.
extension TunnelEvent {
    /// Both clocks in nanoseconds, the peer's key or `-`, the kind's code, and its values.
    var line: String {
        let head = "\(time.now.nanoseconds) \(time.unixNanoseconds) \(peer?.base64 ?? "-") \(kind.code)"
        switch kind {
        case .handshakeBegun, .sessionExpired: return head
        case .handshakeCompleted(let took, let role), .sessionRenewed(let took, let role):
            return "\(head) \(took.nanoseconds) \(role.code)"
        case .handshakeRefused(let refusal, let role): return "\(head) \(refusal) \(role.code)"
        case .handshakeGivenUp(let time), .peerSilent(let time), .peerBack(let time): return "\(head) \(time.nanoseconds)"
        case .endpointMoved(let old, let new): return "\(head) \(old?.description ?? "-") \(new)"
        case .keyChanged(let key): return "\(head) \(key?.base64 ?? "-")"
        case .missed(let count): return "\(head) \(count)"
        }
    }

    /// Reads what ``line`` wrote; nil for anything else, an event of a later version for example.
    init?(line: String) {
        let words = line.split(separator: " ").map(String.init)
        guard words.count >= 4, let now = UInt64(words[0]), let unix = UInt64(words[1]) else { return nil }
        let key = words[2] == "-" ? nil : try? PublicKey(base64: words[2])
        guard key != nil || words[2] == "-", let kind = Kind(code: words[3], Array(words[4...])) else { return nil }
        self.init(time: TimePoint(now: Instant(nanoseconds: now), unixNanoseconds: unix), peer: key, kind: kind)
    }
}

extension TunnelEvent.Kind {
    /// What happened, as one stable word.
    public var code: String {
        switch self {
        case .handshakeBegun: "handshake-begun"
        case .handshakeCompleted: "handshake-completed"
        case .sessionRenewed: "session-renewed"
        case .handshakeRefused: "handshake-refused"
        case .handshakeGivenUp: "handshake-given-up"
        case .sessionExpired: "session-expired"
        case .endpointMoved: "endpoint-moved"
        case .peerSilent: "peer-silent"
        case .peerBack: "peer-back"
        case .keyChanged: "key-changed"
        case .missed: "missed"
        }
    }

    /// - Parameter words: its values, as ``TunnelEvent/line`` writes them.
    fileprivate init?(code: String, _ words: [String]) {
        let time = words.first.flatMap { UInt64($0) }.map { Interval(nanoseconds: $0) }
        let role = words.last.flatMap { TunnelEvent.Role(code: $0) }
        switch (code, words.count) {
        case ("handshake-begun", 0): self = .handshakeBegun
        case ("session-expired", 0): self = .sessionExpired
        case ("handshake-completed", 2):
            guard let time, let role else { return nil }
            self = .handshakeCompleted(took: time, role: role)
        case ("session-renewed", 2):
            guard let time, let role else { return nil }
            self = .sessionRenewed(took: time, role: role)
        case ("handshake-refused", 2):
            guard let refusal = Refusal.allCases.first(where: { "\($0)" == words[0] }), let role else { return nil }
            self = .handshakeRefused(refusal, role: role)
        case ("handshake-given-up", 1):
            guard let time else { return nil }
            self = .handshakeGivenUp(after: time)
        case ("peer-silent", 1):
            guard let time else { return nil }
            self = .peerSilent(for: time)
        case ("peer-back", 1):
            guard let time else { return nil }
            self = .peerBack(after: time)
        case ("endpoint-moved", 2):
            let old = Endpoint(words[0])
            guard old != nil || words[0] == "-", let new = Endpoint(words[1]) else { return nil }
            self = .endpointMoved(from: old, to: new)
        case ("key-changed", 1):
            let key = try? PublicKey(base64: words[0])
            guard key != nil || words[0] == "-" else { return nil }
            self = .keyChanged(key)
        case ("missed", 1):
            guard let count = Int(words[0]), count > 0 else { return nil }
            self = .missed(count)
        default: return nil
        }
    }
}

extension TunnelEvent.Role {
    /// `initiator` or `responder`: us.
    public var code: String {
        switch self {
        case .initiator: "initiator"
        case .responder: "responder"
        }
    }

    fileprivate init?(code: String) {
        switch code {
        case "initiator": self = .initiator
        case "responder": self = .responder
        default: return nil
        }
    }
}
