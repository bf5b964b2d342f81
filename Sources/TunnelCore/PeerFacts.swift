public import NetworkTypes
public import WireGuardCrypto
public import WireGuardProtocol

/// How often something happened, and when it last did.
public struct Tally: Hashable, Sendable {
    /// How often, since the peer was configured.
    public var count: UInt64 = 0
    /// When last; nil: never.
    public var last: Instant?

    /// Never.
    public init() {}

    mutating func add(at now: Instant) {
        count += 1
        last = now
    }
}

/// What is known of a peer beside what `get` shows: the evidence from which somebody can tell what is wrong.
///
/// Everything is counted where it happens anyway, at most once a batch of packets. Times are on the tunnel's monotonic clock; see
/// ``TunnelFacts/time``.
public struct PeerFacts: Hashable, Sendable {
    /// Whose facts these are.
    public var publicKey: PublicKey
    /// What became of the handshakes, ours and the peer's.
    public var handshakes: HandshakeFacts
    /// What was sent and received.
    public var traffic: TrafficFacts
    /// Where the peer is thought to be.
    public var location: LocationFacts
    /// The hosts behind the peer that were asked last, and whether they answer.
    public var asked: [AskedHost]
    /// The hosts on this side that the peer asked last, and whether they answer.
    public var askedHere: [AskedHost]
    /// Whether there is a session that can be sent on.
    public var hasSession: Bool
    /// Packets that wait for a session.
    public var stagedPackets: Int
    /// Initiations sent without an answer since a packet last asked for a session; 0 while nobody is called.
    public var tries: Int
    /// When a new handshake begins unless something is heard from the peer; nil while nothing that was sent waits for an answer.
    public var newHandshakeDeadline: Instant?
    /// Seconds between persistent keepalives; 0 for none.
    public var persistentKeepalive: UInt16
}

/// What became of the handshakes with one peer, stage by stage.
///
/// ```
/// we call:    begun -> sent -> completed         or: refusedResponses, givenUp
/// we answer:  received -> answered -> confirmed  or: refusedInitiations
/// ```
public struct HandshakeFacts: Hashable, Sendable {
    /// Times that we began to call the peer; further tries are not counted here.
    public var begun = Tally()
    /// Initiations that we sent, further tries included.
    public var sent = Tally()
    /// Initiations sent since a session was last made.
    public var unanswered: UInt64 = 0
    /// When the first of them was sent.
    public var unansweredSince: Instant?
    /// Responses to us that made a session.
    public var completed = Tally()
    /// Responses to us that were refused, though they were addressed to a handshake of ours.
    public var refusedResponses = RefusalFacts()
    /// Times that we gave up calling the peer.
    public var givenUp = Tally()
    /// Cookies that the peer asked us to show: it is under load.
    public var cookies = Tally()
    /// Initiations of the peer that were authentic and new.
    public var received = Tally()
    /// Initiations that claimed the peer's public key and were refused.
    public var refusedInitiations = RefusalFacts()
    /// Responses that we sent.
    public var answered = Tally()
    /// Sessions that we answered for and on which something then came: so our response had arrived.
    public var confirmed = Tally()
    /// Responses that we sent since a session was last confirmed or completed: if it grows, our responses don't arrive.
    public var unconfirmed: UInt64 = 0
    /// When the first of them was sent.
    public var unconfirmedSince: Instant?
    /// How far the timestamp of the initiation that was last refused as a repetition was behind the greatest one of the peer: if more than
    /// seconds, its clock was set back. Nil if none was.
    public var timestampLag: Interval?
    /// How long the last handshake took, from our first initiation or from our response until its session could be used.
    public var duration: Interval?
    /// When the call that is under way was begun; nil while none is.
    public var callingSince: Instant?
}

/// Handshake messages that were refused.
public struct RefusalFacts: Hashable, Sendable {
    /// How many, and when the last.
    public var tally = Tally()
    /// Why the last one was. ``WireGuardProtocol/Refusal/empty``: made with another preshared key, if it wasn't forged.
    public var reason: Refusal?

    mutating func add(_ reason: Refusal, at now: Instant) {
        tally.add(at: now)
        self.reason = reason
    }
}

/// What was sent to a peer and received from it.
public struct TrafficFacts: Hashable, Sendable {
    /// When the last session was made; nil if none was.
    public var lastHandshake: Instant?
    /// Packets sent since then; keepalives are none.
    public var sentSinceHandshake: UInt64 = 0
    /// Packets received since then; keepalives are none.
    public var receivedSinceHandshake: UInt64 = 0
    /// When data was last sent; keepalives are none.
    public var lastDataSent: Instant?
    /// When data was last received; keepalives are none.
    public var lastDataReceived: Instant?
    /// When anything authentic was last received: data, a keepalive, or a handshake message.
    public var lastAuthentic: Instant?
    /// Since when data has been sent without anything coming back; nil while nothing waits for an answer.
    public var unansweredSince: Instant?
    /// How often in a row, each within two minutes of the one before, the peer was heard again after it had been away.
    public var returns = Tally()
    /// Whether so long a time has passed so that a new handshake was begun for it.
    public var isSilent = false
}

/// Where a peer is thought to be.
public struct LocationFacts: Hashable, Sendable {
    /// How an endpoint became known.
    public enum Origin: Hashable, Sendable {
        /// It was configured.
        case configured
        /// An authentic message came from there.
        case heard
    }

    /// Where the peer's datagrams go.
    public var endpoint: Endpoint?
    /// How ``endpoint`` became known; nil without one.
    public var origin: Origin?
    /// What was configured last, wherever the peer has gone since.
    public var configured: Endpoint?
    /// Where it was before it moved last.
    public var previous: Endpoint?
    /// How often authentic messages came from elsewhere than before.
    public var moves = Tally()
    /// How often in a row it was heard again from ``previous``, each within a minute of the one before: two machines with one key.
    public var returns = Tally()
}
