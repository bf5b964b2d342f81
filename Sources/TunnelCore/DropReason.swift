package import WireGuardProtocol

/// Why a packet or a message was not forwarded. Each one is counted, and each is a line in the status; what it means is its
/// ``explanation``.
public enum DropReason: Int, CaseIterable, Sendable {
    // Out: packets from the interface.
    /// Not an IP packet.
    case malformed
    /// No peer's allowed IPs include the destination.
    case noPeerForDestination
    /// The peer has no endpoint yet.
    case noEndpoint
    /// The oldest of too many packets that waited for a handshake.
    case stagedQueueFull
    /// The peer didn't answer the handshake that it waited for.
    case handshakeGivenUp
    /// The system refused the datagram.
    case sendFailed
    /// The peer's endpoint is routed into the tunnel itself.
    case routingLoop
    /// One of our own datagrams, which came back out of the interface.
    case ownDatagram
    // In: datagrams from the network.
    /// Not of a length that a message of its type has.
    case tooShort
    /// Not a WireGuard message.
    case unknownType
    /// For a session that doesn't exist, or not any more.
    case unknownIndex
    /// On a session that is too old.
    case sessionExpired
    /// The session's counters are used up.
    case counterLimit
    /// The authentication tag is wrong.
    case badTag
    /// Received before.
    case replay
    /// Further behind the newest than the replay window goes back.
    case tooOld
    /// What was inside is not an IP packet.
    case innerMalformed
    /// The inner source is not among the peer's allowed IPs.
    case sourceNotAllowed
    /// It met congestion, and its sender would not understand the mark (RFC 6040).
    case congestionNotUnderstood
    /// The interface did not take packets fast enough.
    case interfaceQueueFull
    // Handshakes.
    /// Handshakes came faster than they could be answered.
    case handshakeQueueFull
    /// The first MAC is wrong: the sender does not know our public key.
    case mac1
    /// Too many handshakes from one address.
    case rateLimited
    /// There is no private key.
    case noIdentity
    /// It answers a handshake that we did not begin.
    case handshakeIndex
    /// Forged, damaged, or made with another preshared key.
    case handshakeRefused
    /// A handshake from a public key that is no peer's.
    case unknownPeer
    /// An initiation that is not newer than the last.
    case handshakeReplay
    /// An initiation too soon after the last.
    case handshakeFlood
    /// A public key whose shared secret everybody knows.
    case lowOrderKey
    /// Its handshake is over, or the keys have changed.
    case handshakeState
    /// A cookie that answers nothing we sent.
    case cookieRefused

    /// The reason for which the protocol refused a handshake or cookie message.
    package init(_ refusal: Refusal) {
        self =
            switch refusal {
            case .length: .tooShort
            case .type: .unknownType
            case .mac1: .mac1
            case .index: .handshakeIndex
            case .sealedStatic, .timestamp, .empty: .handshakeRefused
            case .unknownPeer: .unknownPeer
            case .replay: .handshakeReplay
            case .flood: .handshakeFlood
            case .lowOrder: .lowOrderKey
            case .state: .handshakeState
            case .cookie: .cookieRefused
            case .tag: .badTag
            case .window: .tooOld
            case .limit: .counterLimit
            case .expired: .sessionExpired
            }
    }

    /// A stable name for machines.
    public var name: String {
        var name = ""
        for character in "\(self)" {
            if character.isUppercase { name.append("_") }
            name.append(contentsOf: character.lowercased())
        }
        return name
    }

    /// What it means, for people.
    public var explanation: String {
        switch self {
        case .malformed: "not an IP packet"
        case .noPeerForDestination: "no peer's AllowedIPs include the destination"
        case .noEndpoint: "the peer has no Endpoint and has not been heard of yet"
        case .stagedQueueFull: "too many packets waited for a handshake; the oldest gave way"
        case .handshakeGivenUp: "the peer did not answer for 90 seconds"
        case .sendFailed: "the network refused the datagram"
        case .routingLoop: "the peer's Endpoint is routed into the tunnel itself"
        case .ownDatagram: "one of our own datagrams, which came back out of the interface"
        case .tooShort: "shorter or longer than a message of its type"
        case .unknownType: "not a WireGuard message"
        case .unknownIndex: "for a session that does not exist (any more)"
        case .sessionExpired: "on a session older than 180 seconds"
        case .counterLimit: "the session's counters are used up"
        case .badTag: "forged or damaged: the authentication tag is wrong"
        case .replay: "received before"
        case .tooOld: "too far behind what was received since"
        case .innerMalformed: "what was inside is not an IP packet"
        case .sourceNotAllowed: "the inner source address is not among the peer's AllowedIPs"
        case .congestionNotUnderstood: "met congestion, and its sender would not understand the mark (RFC 6040)"
        case .interfaceQueueFull: "the interface did not take packets fast enough"
        case .handshakeQueueFull: "handshakes arrived faster than they could be answered"
        case .mac1: "the sender does not know our public key"
        case .rateLimited: "too many handshakes from one address"
        case .noIdentity: "no private key is configured"
        case .handshakeIndex: "answers a handshake that we did not begin"
        case .handshakeRefused: "forged, damaged, or made with another preshared key"
        case .unknownPeer: "a handshake from a public key that is no peer"
        case .handshakeReplay: "an old initiation again"
        case .handshakeFlood: "a second initiation within 20 ms"
        case .lowOrderKey: "a public key whose shared secret everybody knows"
        case .handshakeState: "its handshake is over, or the keys have changed"
        case .cookieRefused: "a cookie that answers nothing we sent"
        }
    }
}

/// How often each ``DropReason`` was met.
public struct DropCounters: Sendable {
    private var counts = InlineArray<32, UInt64>(repeating: 0)

    /// None was met.
    public init() {
        precondition(DropReason.allCases.count == counts.count)
    }

    /// It was met so often.
    public mutating func add(_ reason: DropReason, _ count: Int = 1) {
        counts[reason.rawValue] += UInt64(count)
    }

    /// Everything that somebody else has counted.
    public mutating func add(_ other: DropCounters) {
        for i in counts.indices { counts[i] += other.counts[i] }
    }

    /// How often a reason was met.
    public subscript(reason: DropReason) -> UInt64 {
        counts[reason.rawValue]
    }

    /// The sum over all reasons.
    public var total: UInt64 {
        var total: UInt64 = 0
        for i in counts.indices { total += counts[i] }
        return total
    }
}
