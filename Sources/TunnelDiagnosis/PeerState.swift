public import NetworkTypes

/// How it is with one peer, in a word that holds: nobody is "working" while what we send isn't answered.
public enum PeerState: Hashable, Sendable {
    /// There is a session, and what was sent was answered.
    case working
    /// Nothing is wrong and nothing to be sent.
    case idle
    /// There was a session; since then, for so long, what we send has not been answered.
    case silent(Interval)
    /// Handshakes are sent, for so long where it is known, and none was ever answered.
    case noAnswer(Interval?)
    /// The peer's machine, a filter or a key refuses.
    case refused
    /// What we send doesn't get there.
    case unreachable
    /// We don't know where it is: it has to begin.
    case waitingToBeCalled

    /// A handshake is given a second before it counts as unanswered, and data the time in which a keepalive has to come.
    static let handshakePatience = Interval.milliseconds(900)
    static let dataPatience = Interval.seconds(11)
    /// A session that is older neither sends nor receives.
    static let sessionLife = Interval.seconds(180)

    /// How it is with a peer.
    public init(_ peer: PeerObservation) {
        if let state = Self.broken(peer) {
            self = state
        } else if let age = peer.lastHandshake, age <= Self.sessionLife {
            self = .working
        } else if peer.endpoint == nil {
            self = .waitingToBeCalled
        } else {
            self = .idle
        }
    }

    private static func broken(_ peer: PeerObservation) -> PeerState? {
        if let failure = peer.currentSendFailure {
            return failure.cause == .filtered || failure.cause == .prohibited ? .refused : .unreachable
        }
        if let error = peer.currentNetworkError {
            switch error.cause {
            case .portUnreachable, .prohibited: return .refused
            case .tooLarge: break
            case .hostUnreachable, .networkUnreachable, .routingLoop, .other: return .unreachable
            }
        }
        if let handshakes = peer.handshakes {
            if handshakes.refusedResponses > 0 { return .refused }
            if handshakes.unanswered > 0, let age = handshakes.unansweredFor, age >= handshakePatience {
                return peer.lastHandshake == nil ? .noAnswer(age) : .silent(max(age, peer.traffic?.unansweredFor ?? age))
            }
            if handshakes.losesAnswers, peer.lastHandshake == nil { return .noAnswer(handshakes.unconfirmedFor) }
        } else if peer.lastHandshake == nil, peer.sentBytes > 0, peer.receivedBytes == 0 {
            return .noAnswer(nil)
        }
        if let age = peer.traffic?.unansweredFor, age >= dataPatience { return .silent(age) }
        return nil
    }

    /// The state for people.
    public var words: String {
        switch self {
        case .working: "working"
        case .idle: "idle, nothing to send"
        case .silent(let age): "silent for \(age.inWords)"
        case .noAnswer(let age?): "no answer for \(age.inWords)"
        case .noAnswer(nil): "no answer"
        case .refused: "refused"
        case .unreachable: "unreachable"
        case .waitingToBeCalled: "waiting to be called"
        }
    }

    /// The state for machines.
    public var name: String {
        switch self {
        case .working: "working"
        case .idle: "idle"
        case .silent: "silent"
        case .noAnswer: "no-answer"
        case .refused: "refused"
        case .unreachable: "unreachable"
        case .waitingToBeCalled: "waiting"
        }
    }

    /// Whether the peer can't be spoken with.
    public var isBroken: Bool {
        switch self {
        case .silent, .noAnswer, .refused, .unreachable: true
        case .working, .idle, .waitingToBeCalled: false
        }
    }
}

extension HandshakeObservation {
    /// Whether what we answer is never used: more than two handshakes that cross.
    var losesAnswers: Bool { unconfirmedAnswers >= 2 && unconfirmedFor.map { $0 >= .seconds(4) } ?? false }
}

extension PeerObservation {
    /// Whether a packet came from it that is no keepalive; where that isn't known, as if.
    var hasSpoken: Bool { traffic.map { $0.lastReceivedPacket != nil || $0.receivedPackets > 0 } ?? true }

    /// The last failure of sending, unless the peer has been heard since.
    var currentSendFailure: SendFailure? {
        sendFailure.flatMap { isOver(since: $0.age) ? nil : $0 }
    }

    /// The last word of the network, unless the peer has been heard since.
    var currentNetworkError: NetworkError? {
        networkError.flatMap { isOver(since: $0.age) ? nil : $0 }
    }

    private func isOver(since age: Interval) -> Bool {
        // What is older than a whole attempt, and didn't come again, says nothing of now.
        if age > .seconds(95), handshakes.map({ $0.unanswered == 0 }) ?? false { return true }
        return [traffic?.lastReceived, lastHandshake].compactMap { $0 }.contains { $0 < age }
    }
}
