internal import NetworkTypes
internal import TunnelCore
internal import TunnelDiagnosis
internal import TunnelEngine
internal import WireGuardCrypto
internal import WireGuardProtocol

extension Observation {
    /// Adds the evidence of our own engine.
    mutating func complete(with facts: TunnelFacts) {
        let now = facts.time.now
        let byKey = Dictionary(facts.peers.map { ($0.publicKey, $0) }, uniquingKeysWith: { first, _ in first })
        for index in peers.indices {
            if let peer = byKey[peers[index].publicKey] { peers[index].complete(with: peer, at: now) }
        }
        strangers =
            facts.unknownPeers.compactMap { Stranger($0, at: now) }
            + facts.misaddressed.compactMap { Stranger($0, at: now) }
        drops = facts.examples.compactMap { DropObservation($0, count: facts.drops[$0.reason], at: now) }
    }
}

extension TunnelFacts {
    /// When an initiation was last sent to anybody.
    var lastInitiation: Instant? { peers.compactMap(\.handshakes.sent.last).max() }
}

extension PeerObservation {
    mutating func complete(with facts: PeerFacts, at now: Instant) {
        handshakes = HandshakeObservation(facts.handshakes, at: now)
        handshakeDuration = facts.handshakes.duration
        traffic = TrafficObservation(facts.traffic, at: now)
        asked = facts.asked.map { AskedHostObservation($0, at: now) }
        askedHere = facts.askedHere.map { AskedHostObservation($0, at: now) }
        isEndpointLearned = facts.location.origin == .heard && facts.location.configured == nil
        returns = facts.location.returns.count
        lastReturn = facts.location.returns.last.map { now.since($0) }
        previousEndpoint = facts.location.previous
        // On the clock that nobody sets back.
        lastHandshake = facts.traffic.lastHandshake.map { now.since($0) }
        let refused = facts.handshakes.refusedInitiations
        if let lag = facts.handshakes.timestampLag, refused.reason == .replay, let last = refused.tally.last {
            replayed = ReplayedInitiations(count: refused.tally.count, behind: lag, age: now.since(last))
        }
    }
}

extension HandshakeObservation {
    init(_ facts: HandshakeFacts, at now: Instant) {
        self.init()
        unanswered = facts.unanswered
        unansweredFor = facts.unansweredSince.map { now.since($0) }
        // Of a call that is over, or from before it, a refused response says nothing.
        if facts.refusedResponses.reason == .empty, let last = facts.refusedResponses.tally.last, let since = facts.unansweredSince,
            last >= since
        {
            refusedResponses = facts.refusedResponses.tally.count
            lastRefusedResponse = now.since(last)
        }
        unconfirmedAnswers = facts.unconfirmed
        unconfirmedFor = facts.unconfirmedSince.map { now.since($0) }
    }
}

extension TrafficObservation {
    init(_ facts: TrafficFacts, at now: Instant) {
        self.init()
        sentPackets = facts.sentSinceHandshake
        receivedPackets = facts.receivedSinceHandshake
        lastSentPacket = facts.lastDataSent.map { now.since($0) }
        lastReceivedPacket = facts.lastDataReceived.map { now.since($0) }
        lastReceived = facts.lastAuthentic.map { now.since($0) }
        unansweredFor = facts.unansweredSince.map { now.since($0) }
        returns = facts.returns.count
        lastReturn = facts.returns.last.map { now.since($0) }
    }
}

extension AskedHostObservation {
    init(_ host: AskedHost, at now: Instant) {
        self.init(host.address, Question(host.question), lastAsked: now.since(host.last))
        unanswered = host.unanswered
        unansweredFor = host.since.map { now.since($0) }
        answered = Set(TunnelCore.Question.allCases.filter { host.answered & $0.rawValue != 0 }.map { Question($0) })
    }
}

extension AskedHostObservation.Question {
    init(_ question: TunnelCore.Question) {
        switch question {
        case .echo: self = .echo
        case .connection: self = .connection
        case .query: self = .query
        }
    }
}

extension Stranger {
    /// One whose handshakes have come since not too long ago.
    init?(_ sender: UnknownSender, at now: Instant) {
        guard let last = sender.tally.last, now.since(last) < DropRules.memory else { return nil }
        self.init(
            sender: sender.sender, reason: sender.publicKey.map { .unknownKey($0) } ?? .wrongKeyOfOurs, count: sender.tally.count,
            age: now.since(last))
    }
}

extension DropObservation {
    init?(_ example: DropExample, count: UInt64, at now: Instant) {
        switch example.reason {
        case .noPeerForDestination: self.init(.noPeerForDestination, count: count)
        case .sourceNotAllowed: self.init(.sourceNotAllowed, count: count)
        case .noEndpoint: self.init(.noEndpoint, count: count)
        case .ownDatagram: self.init(.ownDatagram, count: count)
        case .unknownIndex: self.init(.unknownSession, count: count)
        case .tooShort, .unknownType: self.init(.notWireGuard, count: count)
        default: return nil
        }
        source = example.packet?.source
        destination = example.packet?.destination
        peer = example.peer
        sender = example.sender
        age = now.since(example.time)
    }
}
