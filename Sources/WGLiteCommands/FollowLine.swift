internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelControl
internal import TunnelCore
internal import TunnelDiagnosis
internal import TunnelView
internal import WireGuardCrypto

/// One line of `status -f`.
struct FollowLine {
    enum Content {
        /// The verdict, a finding or a peer's state that wasn't there before.
        case change(StatusLine)
        case event(TunnelEvent, names: [PublicKey: String])
    }

    /// When, in nanoseconds of the Unix epoch.
    var unixNanoseconds: UInt64
    var tunnel: String
    var content: Content

    /// For people.
    var text: String {
        let seconds = unixNanoseconds / 1_000_000_000
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
        func two(_ number: UInt64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(hour)):\(two(minute)):\(two(second)) UTC  \(message)"
    }

    /// `time` (seconds of the Unix epoch), `nanoseconds` (the rest of them), `tunnel`, `event`, `peer`, `message`, and what the event or the finding has.
    var json: JSON {
        var members: [(String, JSON)] = [
            ("time", .number(unixNanoseconds / 1_000_000_000)), ("nanoseconds", .number(unixNanoseconds % 1_000_000_000)),
            ("tunnel", .string(tunnel)),
        ]
        switch content {
        case .change(let line):
            members.append(("event", .string("state")))
            members += line.subject.members
        case .event(let event, let names):
            members.append(("event", .string(event.kind.code)))
            if let peer = event.peer {
                members.append(("peer", .string(peer.base64)))
                if let name = names[peer] { members.append(("name", .string(name))) }
            }
            members += event.kind.members
        }
        members.append(("message", .string(message)))
        return .object(members)
    }

    private var message: String {
        switch content {
        case .change(let line): line.text
        case .event(let event, let names): "\(tunnel): \(event.text(names: names))"
        }
    }
}

extension TunnelEvent.Kind {
    /// The event's values.
    fileprivate var members: [(String, JSON)] {
        switch self {
        case .handshakeBegun, .sessionExpired: []
        case .handshakeCompleted(let took, let role), .sessionRenewed(let took, let role):
            [("tookNanoseconds", .number(took.nanoseconds)), ("role", .string(role.code))]
        case .handshakeRefused(let refusal, let role): [("refusal", .string("\(refusal)")), ("role", .string(role.code))]
        case .handshakeGivenUp(let time), .peerSilent(let time), .peerBack(let time): [("afterNanoseconds", .number(time.nanoseconds))]
        case .endpointMoved(let old, let new):
            [("from", old.map { .string($0.description) } ?? .null), ("to", .string(new.description))]
        case .keyChanged(let key): [("publicKey", key.map { .string($0.base64) } ?? .null)]
        case .missed(let count): [("count", .number(UInt64(count)))]
        }
    }
}
