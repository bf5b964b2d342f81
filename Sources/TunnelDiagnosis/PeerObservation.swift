public import NetworkTypes
public import WireGuardCrypto

/// What is known of one peer.
public struct PeerObservation: Sendable {
    public var publicKey: PublicKey
    /// Where we send to; nil until it is known.
    public var endpoint: Endpoint?
    /// Whether the endpoint is where the peer was last heard from, not where it was said to be.
    public var isEndpointLearned = false
    /// How often in a row the peer was heard, within a minute, from where it had been before it moved.
    public var returns: UInt64 = 0
    /// Since the last time; nil if there was none.
    public var lastReturn: Interval?
    /// Where it was before it moved last.
    public var previousEndpoint: Endpoint?
    /// When the last handshake was completed; nil if none was.
    public var lastHandshake: Interval?
    /// How long the last handshake took.
    public var handshakeDuration: Interval?
    /// Bytes of UDP payload, since the tunnel is up.
    public var receivedBytes: UInt64 = 0
    /// Bytes of UDP payload, since the tunnel is up.
    public var sentBytes: UInt64 = 0
    /// Nil where the program that runs the tunnel doesn't say.
    public var handshakes: HandshakeObservation?
    /// As with handshakes: nil where the program that runs the tunnel doesn't say.
    public var traffic: TrafficObservation?
    /// The hosts inside that were asked last through this peer, and whether they answer.
    public var asked: [AskedHostObservation] = []
    /// The hosts on this side that the peer asked last, and whether they answer.
    public var askedHere: [AskedHostObservation] = []
    /// The last time that the kernel refused a datagram to the peer.
    public var sendFailure: SendFailure?
    /// The last time that the network said that a datagram to the peer could not be delivered.
    public var networkError: NetworkError?
    /// The peer's initiations that were refused because a later one was seen before.
    public var replayed: ReplayedInitiations?
    /// The route to the endpoint; nil where it wasn't looked up.
    public var route: RouteObservation?
    /// What an echo through the tunnel showed; nil where none was sent.
    public var probe: PathProbe?

    public init(publicKey: PublicKey) {
        self.publicKey = publicKey
    }
}

/// The handshakes with one peer.
public struct HandshakeObservation: Hashable, Sendable {
    /// Initiations sent since a handshake was completed last.
    public var unanswered: UInt64 = 0
    /// How long ago the first of them was sent.
    public var unansweredFor: Interval?
    /// Responses to them that didn't open: made with another preshared key.
    public var refusedResponses: UInt64 = 0
    /// Since the last of them.
    public var lastRefusedResponse: Interval?
    /// Initiations of the peer that we answered since a session of such a kind was confirmed last.
    public var unconfirmedAnswers: UInt64 = 0
    /// How long ago the first of them was answered.
    public var unconfirmedFor: Interval?

    public init() {}
}

/// The packets of one peer's session.
public struct TrafficObservation: Hashable, Sendable {
    /// Packets that are not keepalives, since the last handshake.
    public var sentPackets: UInt64 = 0
    /// Packets that are not keepalives, since the last handshake.
    public var receivedPackets: UInt64 = 0
    /// When packets that are not keepalives were last sent and received.
    public var lastSentPacket: Interval?
    /// How long ago a packet that is no keepalive was last received.
    public var lastReceivedPacket: Interval?
    /// The last authentic datagram of the peer, keepalives included.
    public var lastReceived: Interval?
    /// How often in a row the peer was heard again after more than the time in which a keepalive has to come, and when last.
    public var returns: UInt64 = 0
    /// How long ago it was last heard again; nil if it never was away.
    public var lastReturn: Interval?
    /// For how long packets have gone out with nothing authentic coming back.
    public var unansweredFor: Interval?

    public init() {}
}

/// A host behind a peer that was asked something: the only packets of which it is known that they want an answer.
public struct AskedHostObservation: Hashable, Sendable {
    /// The kinds that are known by their packets; ports other than a name server's say nothing.
    public enum Question: Hashable, Sendable {
        /// An ICMP echo request.
        case echo
        /// The first packet of a TCP connection.
        case connection
        /// A query to a name server.
        case query
    }

    /// An inner address.
    public var address: IPAddress
    /// What it was asked last.
    public var question: Question
    /// Questions since it answered last.
    public var unanswered: UInt64 = 0
    /// How long ago the first and the last of them were sent.
    public var unansweredFor: Interval?
    /// How long ago the last question was sent, whether it was answered or not.
    public var lastAsked: Interval
    /// Which kinds of question it has answered before.
    public var answered: Set<Question> = []

    public init(_ address: IPAddress, _ question: Question, lastAsked: Interval) {
        self.address = address
        self.question = question
        self.lastAsked = lastAsked
    }
}

/// The kernel didn't take a datagram.
public struct SendFailure: Hashable, Sendable {
    /// By errno of sendmsg(2).
    public enum Cause: Hashable, Sendable {
        /// ENETUNREACH: no route.
        case noRoute
        /// EHOSTUNREACH: nobody answers on the link, or a route says unreachable.
        case hostUnreachable
        /// EPERM: a filter of this machine.
        case filtered
        /// EACCES: a route that prohibits, or a broadcast address.
        case prohibited
        /// EAFNOSUPPORT, EADDRNOTAVAIL: this machine doesn't speak the endpoint's family.
        case familyMissing
        /// ENETDOWN.
        case networkDown
        /// Another errno.
        case other(Int32)
    }

    public var cause: Cause
    /// Since the last datagram that was refused.
    public var age: Interval

    public init(_ cause: Cause, age: Interval) {
        self.cause = cause
        self.age = age
    }
}

/// An ICMP error about a datagram of ours.
public struct NetworkError: Hashable, Sendable {
    /// By type and code of ICMP and ICMPv6 (RFC 792, RFC 4443), as the socket's error queue has them.
    public enum Cause: Hashable, Sendable {
        /// Nobody listens on that port, or a filter says so.
        case portUnreachable
        /// By a filter that says so.
        case prohibited
        /// The last router doesn't reach the machine.
        case hostUnreachable
        /// A router has no route to it.
        case networkUnreachable
        /// No datagram of more bytes goes through.
        case tooLarge(mtu: UInt32)
        /// Time exceeded: it went in circles.
        case routingLoop
        /// Any other type or code: the peer counts as unreachable, and no finding says why.
        case other
    }

    public var cause: Cause
    /// Who said it; nil where the kernel doesn't know.
    public var reporter: IPAddress?
    /// Since the last error.
    public var age: Interval

    public init(_ cause: Cause, reporter: IPAddress?, age: Interval) {
        self.cause = cause
        self.reporter = reporter
        self.age = age
    }
}

/// Initiations with a timestamp that isn't later than one that was accepted.
public struct ReplayedInitiations: Hashable, Sendable {
    /// Initiations of the peer that were refused for whatever reason since it was configured; the last of them for this.
    public var count: UInt64
    /// How far the last of them was behind.
    public var behind: Interval
    /// Since the last of them.
    public var age: Interval

    public init(count: UInt64, behind: Interval, age: Interval) {
        self.count = count
        self.behind = behind
        self.age = age
    }
}

/// Where datagrams to an address go now.
public enum RouteObservation: Hashable, Sendable {
    /// There is no route, or one that says blackhole, prohibit or unreachable.
    case none
    /// - Parameters:
    ///   - isTunnel: whether the interface is the tunnel itself.
    ///   - source: the address that they get.
    ///   - mtu: bytes of the first hop.
    case via(interface: String, isTunnel: Bool, source: IPAddress?, gateway: IPAddress?, mtu: UInt32)

    /// Whether the way leads into the tunnel; false without a way.
    var leadsIntoTunnel: Bool {
        if case .via(_, true, _, _, _) = self { true } else { false }
    }

    var source: IPAddress? {
        if case .via(_, _, let source, _, _) = self { source } else { nil }
    }
}

/// Echoes through the tunnel to the peer's own address.
public struct PathProbe: Hashable, Sendable {
    /// Bytes of the inner packet that was answered; nil if none was.
    public var largestAnswered: UInt32?
    /// Bytes of the smallest that wasn't, although it fits the interface; nil if all were.
    public var smallestLost: UInt32?

    public init(largestAnswered: UInt32?, smallestLost: UInt32?) {
        self.largestAnswered = largestAnswered
        self.smallestLost = smallestLost
    }
}
