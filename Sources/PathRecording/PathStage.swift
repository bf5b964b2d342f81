public import TunnelCore

/// The stages of a packet's way out, in order; the functions of `OutboundPath`. What each does says ``explanation``.
public enum OutboundStage: Int, Sendable, Hashable, CaseIterable {
    case read, arrange, route, seal, send, release

    /// What happens in it, for people.
    public var explanation: String {
        switch self {
        case .read: "packets are read from the TUN device; super-packets are cut into single ones"
        case .arrange: "flows that send little go ahead of those that fill the turn"
        case .route: "the destination's peer is looked up, and the session's header written in front of the packet"
        case .seal: "the packet is encrypted and authenticated where it lies"
        case .send: "datagrams to one peer leave the UDP socket as super-datagrams"
        case .release: "the packets' places in the ring are free again"
        }
    }
}

/// The stages of a packet's way in, in order; the functions of `InboundPath`. What each does says ``explanation``.
public enum InboundStage: Int, Sendable, Hashable, CaseIterable {
    case receive, sort, find, open, accept, deliver

    /// What happens in it, for people.
    public var explanation: String {
        switch self {
        case .receive: "super-datagrams are taken from the UDP socket"
        case .sort: "data is told from handshakes, and gets its place in the ring"
        case .find: "the session is found by the receiver index in the header"
        case .open: "the authentication tag is verified and the packet decrypted into its place"
        case .accept: "is it new, and may its peer send from this source?"
        case .deliver: "neighbours of a flow are merged and written to the TUN device"
        }
    }
}

/// One of the two ways.
public enum PathDirection: UInt8, Sendable, Hashable, CaseIterable {
    /// From the interface to the encrypted datagram.
    case outbound
    /// From the encrypted datagram to the interface.
    case inbound

    /// `out` or `in`: what counters and options call it.
    public var word: String { self == .outbound ? "out" : "in" }

    /// The names of the stages, in order.
    public var stageNames: [String] {
        switch self {
        case .outbound: OutboundStage.allCases.map { "\($0)" }
        case .inbound: InboundStage.allCases.map { "\($0)" }
        }
    }

    /// Stages of either way.
    public static let stageCount = 6
}

/// A place on one of the two ways, or beside them.
public enum PathPlace: Sendable, Hashable {
    /// A stage of the way out.
    case outbound(OutboundStage)
    /// A stage of the way in.
    case inbound(InboundStage)
    /// The queue of packets that wait for a session.
    case waiting
    /// The thread for handshakes.
    case handshakes

    /// Its name: that of the stage, `waiting` or `handshakes`.
    public var name: String {
        switch self {
        case .outbound(let stage): "\(stage)"
        case .inbound(let stage): "\(stage)"
        case .waiting: "waiting"
        case .handshakes: "handshakes"
        }
    }
}

extension DropReason {
    /// Where packets are dropped for this reason.
    public var place: PathPlace {
        switch self {
        case .malformed, .noPeerForDestination, .noEndpoint, .routingLoop, .ownDatagram: .outbound(.route)
        case .stagedQueueFull, .handshakeGivenUp: .waiting
        case .sendFailed: .outbound(.send)
        case .tooShort, .unknownType, .interfaceQueueFull, .handshakeQueueFull: .inbound(.sort)
        case .unknownIndex, .sessionExpired, .counterLimit: .inbound(.find)
        case .badTag: .inbound(.open)
        case .replay, .tooOld, .innerMalformed, .sourceNotAllowed, .congestionNotUnderstood: .inbound(.accept)
        case .mac1, .rateLimited, .noIdentity, .handshakeIndex, .handshakeRefused, .unknownPeer, .handshakeReplay, .handshakeFlood,
            .lowOrderKey, .handshakeState, .cookieRefused:
            .handshakes
        }
    }

    /// The reason of a ``name``; nil for another text.
    public init?(name: some StringProtocol) {
        guard let reason = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = reason
    }
}
