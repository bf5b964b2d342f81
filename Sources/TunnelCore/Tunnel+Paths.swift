public import NetworkTypes
public import WireGuardCrypto
internal import WireGuardProtocol

/// What the routing table is asked about a peer.
public struct RouteQuestion: Sendable {
    /// Whom it is about.
    public let peer: PeerReference
    /// Where the peer is.
    public let endpoint: Endpoint
    /// The local address that datagrams to it leave from; nil: the system's choice.
    public let source: EndpointSource?
}

/// Something about a peer's path that a person should hear of.
public struct PathNews: Sendable {
    /// What there is to tell.
    public enum Kind: Hashable, Sendable {
        /// The system refuses to send to it, with this errno.
        case sendingFails(Int32)
        /// It takes datagrams for it again.
        case sendingWorks
        /// The routing table sends its endpoint into the tunnel.
        case loopBegins
        /// Its endpoint is outside of the tunnel again.
        case loopEnds
    }

    /// What.
    public var kind: Kind
    /// Whom it is about.
    public var publicKey: PublicKey
    /// Where that peer is.
    public var endpoint: Endpoint
}

extension Tunnel {
    /// A trouble is over when a send works so long after the last that failed: what fails and works in turn is one trouble.
    static let troubleIsOverAfter = Interval.seconds(1)

    func entry(of reference: PeerReference) -> UnsafeMutablePointer<PeerEntry>? {
        guard let entry = unsafe peers[reference.slot], unsafe entry.pointee.serial == reference.serial else { return nil }
        return unsafe entry
    }

    private static func history(of entry: UnsafeMutablePointer<PeerEntry>) -> PeerHistory {
        if let history = unsafe entry.pointee.path.history { return history }
        let history = PeerHistory()
        unsafe entry.pointee.path.history = history
        return history
    }

    // MARK: Roaming

    /// The endpoint or its source is another: roaming, and news for the routing table.
    @inline(never)
    mutating func move(_ entry: UnsafeMutablePointer<PeerEntry>, _ slot: UInt32, _ arrival: borrowing Arrival, at time: TimePoint) {
        if unsafe entry.pointee.endpoint != arrival.sender {
            let history = unsafe Self.history(of: entry)
            history.moves += 1
            history.lastMove = unsafe EndpointMove(
                from: entry.pointee.endpoint, to: arrival.sender, unixNanoseconds: time.unixNanoseconds)
            unsafe entry.pointee.move(to: arrival.sender, at: time.now)
            unsafe setEndpoint(arrival.sender, of: entry, slot)
        }
        if unsafe entry.pointee.path.refusedSource != arrival.source { unsafe entry.pointee.source = arrival.source }
        unsafe check(entry, slot)
    }

    /// Sets an endpoint of which nothing is known yet.
    mutating func setEndpoint(_ endpoint: Endpoint, of entry: UnsafeMutablePointer<PeerEntry>, _ slot: UInt32) {
        unsafe entry.pointee.location.endpoint = endpoint
        unsafe entry.pointee.source = nil
        unsafe entry.pointee.path.refusedSource = nil
        unsafe entry.pointee.path.isLooping = false
        strangersUntil = Instant(nanoseconds: 0)
        unsafe check(entry, slot)
    }

    /// Notes that the routing table is to be asked about a peer.
    private mutating func check(_ entry: UnsafeMutablePointer<PeerEntry>, _ slot: UInt32) {
        guard unsafe !entry.pointee.path.isUnchecked else { return }
        unsafe entry.pointee.path.isUnchecked = true
        uncheckedPeers.append(slot)
    }

    // MARK: What the routing table says

    /// Whether ``takeRouteQuestions(atMost:)`` has any.
    public var hasRouteQuestions: Bool { !uncheckedPeers.isEmpty }

    /// What to ask about peers whose endpoint or source is new.
    public mutating func takeRouteQuestions(atMost limit: Int) -> [RouteQuestion] {
        var questions: [RouteQuestion] = []
        while questions.count < limit, let slot = uncheckedPeers.popLast() {
            guard let entry = unsafe peers[slot] else { continue }
            unsafe entry.pointee.path.isUnchecked = false
            if let question = unsafe question(about: entry, slot) { questions.append(question) }
        }
        return questions
    }

    /// What to ask about the peers of some slots after routes, rules, addresses or links have changed. What was refused before may be
    /// right now.
    /// - Returns: the questions, and whether there are more peers behind them.
    public mutating func routeQuestions(of slots: Range<Int>) -> (questions: [RouteQuestion], hasMore: Bool) {
        var questions: [RouteQuestion] = []
        for slot in UInt32(slots.lowerBound)..<UInt32(max(slots.lowerBound, min(slots.upperBound, peers.slotCount))) {
            guard let entry = unsafe peers[slot] else { continue }
            unsafe entry.pointee.path.refusedSource = nil
            if let question = unsafe question(about: entry, slot) { questions.append(question) }
        }
        return (questions, slots.upperBound < peers.slotCount)
    }

    private func question(about entry: UnsafeMutablePointer<PeerEntry>, _ slot: UInt32) -> RouteQuestion? {
        guard let endpoint = unsafe entry.pointee.endpoint else { return nil }
        return unsafe RouteQuestion(
            peer: PeerReference(slot: slot, serial: entry.pointee.serial), endpoint: endpoint, source: entry.pointee.source)
    }

    /// Takes the answer to a question; one that was overtaken by a change is ignored, for then there is another question.
    /// - Parameters:
    ///   - question: what was asked.
    ///   - keepsSource: whether a datagram from the source leaves by the interface that the source belongs to.
    ///   - isLoop: whether it would leave by the tunnel's own interface.
    public mutating func routeAnswered(_ question: RouteQuestion, keepsSource: Bool, isLoop: Bool) -> PathNews? {
        guard let entry = unsafe entry(of: question.peer), unsafe entry.pointee.endpoint == question.endpoint else { return nil }
        if !keepsSource, let source = question.source, unsafe entry.pointee.source == source {
            unsafe entry.pointee.path.refusedSource = source
            unsafe entry.pointee.source = nil
        }
        guard unsafe entry.pointee.path.isLooping != isLoop else { return nil }
        unsafe entry.pointee.path.isLooping = isLoop
        return unsafe news(isLoop ? .loopBegins : .loopEnds, entry)
    }

    private func news(_ kind: PathNews.Kind, _ entry: UnsafeMutablePointer<PeerEntry>) -> PathNews? {
        guard let endpoint = unsafe entry.pointee.endpoint else { return nil }
        return unsafe PathNews(kind: kind, publicKey: entry.pointee.peer.remote.publicKey, endpoint: endpoint)
    }

    // MARK: What became of datagrams

    /// Datagrams to a peer were handed to the system.
    ///
    /// What it refused was counted as sent when it was made, and is taken back.
    /// - Parameters:
    ///   - peer: nil for what goes to nobody in particular.
    ///   - endpoint: where they went.
    ///   - datagrams: how many the system refused.
    ///   - bytes: those of the refused ones.
    ///   - errno: why the last of the refused was; 0 if all were taken.
    ///   - isTrouble: false for what is lost as a network would lose it, for example because a queue is full.
    ///   - time: the time.
    public mutating func didSend(
        to peer: PeerReference?, at endpoint: Endpoint, refused datagrams: Int, bytes: Int, errno: Int32, isTrouble: Bool,
        at time: TimePoint
    ) -> PathNews? {
        if datagrams > 0 { drops.add(.sendFailed, datagrams) }
        guard let peer, let entry = unsafe entry(of: peer) else { return nil }
        if datagrams > 0 { unsafe entry.pointee.drops.add(.sendFailed, datagrams) }
        if datagrams == 0 {
            guard unsafe entry.pointee.path.isInTrouble, let last = unsafe entry.pointee.path.history?.lastFailure,
                time.now.since(last) >= Self.troubleIsOverAfter
            else { return nil }
            unsafe entry.pointee.path.isInTrouble = false
            troubledPeerCount -= 1
            guard unsafe entry.pointee.path.isTroubleTold else { return nil }
            return unsafe news(.sendingWorks, entry)
        }
        unsafe entry.pointee.sentBytes -= min(entry.pointee.sentBytes, UInt64(bytes))
        guard isTrouble else { return nil }
        let history = unsafe Self.history(of: entry)
        history.lastSendError = SendErrorRecord(
            errno: errno, endpoint: endpoint, unixNanoseconds: time.unixNanoseconds,
            datagrams: (history.lastSendError?.datagrams ?? 0) + UInt64(datagrams))
        history.lastFailure = time.now
        guard unsafe !entry.pointee.path.isInTrouble else { return nil }
        unsafe entry.pointee.path.isInTrouble = true
        unsafe entry.pointee.path.isTroubleTold = false
        troubledPeerCount += 1
        return unsafe news(.sendingFails(errno), entry)
    }

    /// Somebody was told of the trouble that `news` was about.
    public mutating func troubleWasTold(_ news: PathNews) {
        guard let slot = peers.slot(of: news.publicKey), let entry = unsafe peers[slot] else { return }
        unsafe entry.pointee.path.isTroubleTold = true
    }

    /// Keeps an ICMP message with the peers whose endpoint it is about.
    ///
    /// It looks at all peers, so whoever calls it bounds how often.
    public mutating func note(_ error: ICMPErrorRecord) {
        for slot in 0..<UInt32(peers.slotCount) {
            guard let entry = unsafe peers[slot], let endpoint = unsafe entry.pointee.endpoint,
                endpoint.address == error.destination.address, endpoint.port == error.destination.port
            else { continue }
            unsafe Self.history(of: entry).lastICMPError = error
        }
    }

    /// A peer leaves the table.
    mutating func forgetPath(of entry: UnsafeMutablePointer<PeerEntry>, _ slot: UInt32) {
        if unsafe entry.pointee.path.isInTrouble { troubledPeerCount -= 1 }
        if unsafe entry.pointee.path.isUnchecked { uncheckedPeers.removeAll { $0 == slot } }
    }

    /// What is known of the ways to the peers of some slots, appended to `observations`.
    /// - Returns: whether there are more behind them.
    public func appendPaths(_ slots: Range<Int>, to observations: inout [PathObservation]) -> Bool {
        for slot in UInt32(slots.lowerBound)..<UInt32(max(slots.lowerBound, min(slots.upperBound, peers.slotCount))) {
            guard let entry = unsafe peers[slot] else { continue }
            let history = unsafe entry.pointee.path.history
            unsafe observations.append(
                PathObservation(
                    publicKey: entry.pointee.peer.remote.publicKey, endpoint: entry.pointee.endpoint, source: entry.pointee.source,
                    isLooping: entry.pointee.path.isLooping, endpointMoves: history?.moves ?? 0, lastMove: history?.lastMove,
                    lastSendError: history?.lastSendError, lastICMPError: history?.lastICMPError))
        }
        return slots.upperBound < peers.slotCount
    }
}
