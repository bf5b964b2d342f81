public import NetworkTypes
internal import WireGuardCrypto
internal import WireGuardProtocol

extension Tunnel {
    // MARK: Reading

    /// All facts, peers in the order of their slots.
    public func facts(at time: TimePoint) -> TunnelFacts {
        var facts = factsWithoutPeers(at: time)
        facts.peers.reserveCapacity(peers.count)
        appendPeers(0..<peers.slotCount, to: &facts)
        return facts
    }

    /// The tunnel's part of ``facts(at:)``.
    public func factsWithoutPeers(at time: TimePoint) -> TunnelFacts {
        TunnelFacts(
            time: time, publicKey: identity?.publicKey, drops: drops, examples: examples.all, unknownPeers: unknownPeers.senders,
            misaddressed: misaddressed.senders, greatestTimestampSent: greatestTimestampSent, peers: [])
    }

    /// Appends the facts of the peers of some slots, for callers who can't keep others from the tunnel for as long as all of them take.
    /// - Returns: whether there are more behind them.
    @discardableResult
    public func appendPeers(_ slots: Range<Int>, to facts: inout TunnelFacts) -> Bool {
        for slot in UInt32(slots.lowerBound)..<UInt32(max(slots.lowerBound, min(slots.upperBound, peers.slotCount))) {
            guard let entry = unsafe peers[slot] else { continue }
            unsafe facts.peers.append(
                PeerFacts(
                    publicKey: entry.pointee.peer.remote.publicKey, handshakes: entry.pointee.handshakes, traffic: entry.pointee.traffic,
                    location: entry.pointee.location, asked: entry.pointee.asked.hosts, askedHere: entry.pointee.askedHere.hosts,
                    hasSession: entry.pointee.peer.sendingKeypair(at: facts.time.now) != nil,
                    stagedPackets: entry.pointee.staged.count, tries: entry.pointee.peer.timers.handshakeTries,
                    newHandshakeDeadline: entry.pointee.peer.timers.newHandshakeDeadline,
                    persistentKeepalive: entry.pointee.persistentKeepalive))
        }
        return slots.upperBound < peers.slotCount
    }

    // MARK: What is dropped

    /// Whether ``drop(_:from:of:at:)`` would keep an example.
    public func wantsExample(of reason: DropReason, at time: TimePoint) -> Bool {
        examples.wants(reason, at: time.now)
    }

    /// Counts a datagram that isn't forwarded.
    /// - Parameters:
    ///   - reason: why.
    ///   - sender: where it came from, for the example that is kept once a turn; nil if unknown or not worth looking up.
    ///   - job: the message, if its peer is to be charged: where ``accept(_:packet:arrival:at:)`` did not refuse it.
    ///   - time: the time.
    @inline(never)
    public mutating func drop(_ reason: DropReason, from sender: Endpoint?, of job: OpenJob? = nil, at time: TimePoint) {
        drops.add(reason)
        if let job, let entry = unsafe peers[job.slot] { unsafe entry.pointee.drops.add(reason) }
        if reason == .mac1, let sender { misaddressed.add(sender, nil, at: time.now) }
        guard sender != nil, examples.wants(reason, at: time.now) else { return }
        examples.keep(DropExample(reason: reason, time: time.now, sender: sender))
    }

    /// Counts datagrams that were refused before anybody asked whose they are.
    /// - Parameters:
    ///   - refused: how many, by reason.
    ///   - reason: the last one's.
    ///   - sender: where that came from, for the example that is kept once a turn.
    ///   - time: the time.
    @inline(never)
    public mutating func drop(_ refused: DropCounters, last reason: DropReason, from sender: Endpoint, at time: TimePoint) {
        drops.add(refused)
        guard examples.wants(reason, at: time.now) else { return }
        examples.keep(DropExample(reason: reason, time: time.now, sender: sender))
    }

    /// Counts a packet from the interface that isn't forwarded, and keeps its addresses once a turn.
    /// - Parameters:
    ///   - reason: why.
    ///   - packet: its bytes.
    ///   - slot: the peer whose it is, if it is anybody's.
    ///   - time: the time.
    @inline(never)
    public mutating func drop(_ reason: DropReason, packet: UnsafeRawBufferPointer, to slot: UInt32?, at time: TimePoint) {
        drops.add(reason)
        if let slot, let entry = unsafe peers[slot] { unsafe entry.pointee.drops.add(reason) }
        guard examples.wants(reason, at: time.now) else { return }
        var example = DropExample(reason: reason, time: time.now, packet: unsafe PacketAddresses(packet))
        if let slot, let entry = unsafe peers[slot] { example.peer = unsafe entry.pointee.peer.remote.publicKey }
        examples.keep(example)
    }

    /// Counts packets that waited for a session in vain.
    mutating func drop(_ reason: DropReason, count: Int, _ entry: UnsafeMutablePointer<PeerEntry>, at time: TimePoint) {
        drops.add(reason, count)
        unsafe entry.pointee.drops.add(reason, count)
        unsafe examples.keep(DropExample(reason: reason, time: time.now, peer: entry.pointee.peer.remote.publicKey))
    }

    /// Refuses what was inside an authentic message; the caller counts it.
    @inline(never)
    mutating func refuse(
        _ reason: DropReason, _ packet: UnsafeMutableRawPointer, _ count: Int, _ arrival: borrowing Arrival,
        _ entry: UnsafeMutablePointer<PeerEntry>, at time: TimePoint
    ) -> Inbound {
        unsafe entry.pointee.drops.add(reason)
        if examples.wants(reason, at: time.now) {
            unsafe examples.keep(
                DropExample(
                    reason: reason, time: time.now, peer: entry.pointee.peer.remote.publicKey, sender: arrival.sender,
                    packet: PacketAddresses(UnsafeRawBufferPointer(start: packet, count: count))))
        }
        return .dropped(reason)
    }
}

extension HandshakeFacts {
    mutating func sentInitiation(at now: Instant) {
        sent.add(at: now)
        if unanswered == 0 { unansweredSince = now }
        unanswered += 1
    }

    mutating func sentResponse(at now: Instant) {
        answered.add(at: now)
        if unconfirmed == 0 { unconfirmedSince = now }
        unconfirmed += 1
    }

    /// A session can be used, whoever called.
    mutating func sessionMade(took: Interval) {
        duration = took
        (unanswered, unansweredSince, callingSince) = (0, nil, nil)
        (unconfirmed, unconfirmedSince) = (0, nil)
    }
}

extension TrafficFacts {
    mutating func sessionMade(at now: Instant) {
        lastHandshake = now
        sentSinceHandshake = 0
        receivedSinceHandshake = 0
    }

    mutating func sent(_ packets: UInt64, at now: Instant) {
        sentSinceHandshake += packets
        lastDataSent = now
        if unansweredSince == nil { unansweredSince = now }
    }

    mutating func cameBack(at now: Instant) {
        if let last = returns.last, now.since(last) > .seconds(120) { returns = Tally() }
        returns.add(at: now)
    }

    mutating func received(_ packets: UInt64, at now: Instant) {
        lastAuthentic = now
        unansweredSince = nil
        guard packets > 0 else { return }
        receivedSinceHandshake += packets
        lastDataReceived = now
    }
}

extension PeerEntry {
    /// An authentic message came from elsewhere than before.
    @inline(never)
    mutating func move(to sender: Endpoint, at now: Instant) {
        if !told.isEndpointOld { told.endpoint = location.endpoint }
        told.isEndpointOld = true
        if sender == location.previous {
            if let last = location.returns.last, now.since(last) > .seconds(60) { location.returns = Tally() }
            location.returns.add(at: now)
        }
        if let old = location.endpoint {
            location.previous = old
            location.moves.add(at: now)
        }
        location.endpoint = sender
        location.origin = .heard
    }
}
