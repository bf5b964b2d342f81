public import NetworkTypes
public import WireGuardCrypto
public import WireGuardProtocol

/// Something that happened to the tunnel or to one of its peers and that a person may want to read: nothing a packet.
public struct TunnelEvent: Hashable, Sendable {
    /// When.
    public var time: TimePoint
    /// Whom it is about; nil: the tunnel itself.
    public var peer: PublicKey?
    /// What.
    public var kind: Kind

    /// What happened, to whom, and when.
    public init(time: TimePoint, peer: PublicKey?, kind: Kind) {
        self.time = time
        self.peer = peer
        self.kind = kind
    }

    /// What can happen.
    public enum Kind: Hashable, Sendable {
        /// We began to call the peer.
        case handshakeBegun
        /// There is a session where there was none.
        /// - `took`: from the first initiation of the call, or from our response, until the session could be used.
        case handshakeCompleted(took: Interval, role: Role)
        /// A new session has taken the place of one that could still be used.
        case sessionRenewed(took: Interval, role: Role)
        /// A handshake message of the peer, or one that claims to be, was refused. Told at most once in five seconds.
        case handshakeRefused(Refusal, role: Role)
        /// Nobody answered for so long; packets that waited were dropped.
        case handshakeGivenUp(after: Interval)
        /// The session is over and there is no other.
        case sessionExpired
        /// Authentic messages come from elsewhere than before; `from` is nil if the peer had not been heard of. Told at most once a second.
        case endpointMoved(from: Endpoint?, to: Endpoint)
        /// Data was sent for so long and nothing came back.
        case peerSilent(for: Interval)
        /// The peer was heard of again.
        case peerBack(after: Interval)
        /// Our key has changed; nil: it was taken away.
        case keyChanged(PublicKey?)
        /// So many events were not told, because they came faster than they were taken.
        case missed(Int)
    }

    /// Who called in a handshake.
    public enum Role: Hashable, Sendable {
        /// We did.
        case initiator
        /// The peer did.
        case responder
    }
}

/// Events that nobody has taken yet.
struct PendingEvents {
    /// So many are kept, then they are only counted.
    static let capacity = 1024
    /// How often a peer's refusals are told at most, and how often that it moved.
    static let refusalInterval = Interval.seconds(5)
    static let moveInterval = Interval.seconds(1)

    private var events: [TunnelEvent] = []
    private var missed = 0

    var isEmpty: Bool { events.isEmpty }

    mutating func add(_ kind: TunnelEvent.Kind, of peer: PublicKey?, at time: TimePoint) {
        guard events.count < Self.capacity else {
            missed += 1
            return
        }
        events.append(TunnelEvent(time: time, peer: peer, kind: kind))
    }

    /// All of them, in order, and how many were missed as the last one.
    mutating func take(at time: TimePoint) -> [TunnelEvent] {
        guard !events.isEmpty else { return [] }
        var taken: [TunnelEvent] = []
        swap(&taken, &events)
        if missed > 0 { taken.append(TunnelEvent(time: time, peer: nil, kind: .missed(missed))) }
        missed = 0
        return taken
    }
}
