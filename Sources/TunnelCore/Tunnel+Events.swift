internal import NetworkTypes
internal import WireGuardCrypto
internal import WireGuardProtocol

/// What is told of what happens. Each of these is called where the thing happens: never for every packet.
extension Tunnel {
    /// The events since the last call, in order.
    public mutating func takeEvents(at time: TimePoint) -> [TunnelEvent] {
        events.take(at: time)
    }

    mutating func tell(_ kind: TunnelEvent.Kind, of entry: UnsafeMutablePointer<PeerEntry>?, at time: TimePoint) {
        unsafe events.add(kind, of: entry?.pointee.peer.remote.publicKey, at: time)
        // Whoever attends takes them.
        needsAttention = true
    }

    /// A peer is called, for the first time or once more.
    mutating func called(_ entry: UnsafeMutablePointer<PeerEntry>, at time: TimePoint) {
        if unsafe entry.pointee.peer.sendingKeypair(at: time.now) == nil { unsafe sessionOver(entry, at: time) }
        guard identity != nil, unsafe entry.pointee.endpoint != nil, unsafe entry.pointee.handshakes.callingSince == nil else { return }
        unsafe entry.pointee.handshakes.callingSince = time.now
        unsafe entry.pointee.handshakes.begun.add(at: time.now)
        unsafe tell(.handshakeBegun, of: entry, at: time)
    }

    /// Nobody answered for too long.
    mutating func gaveUp(_ entry: UnsafeMutablePointer<PeerEntry>, at time: TimePoint) {
        let waiting = unsafe entry.pointee.staged.count
        if waiting > 0 { unsafe drop(.handshakeGivenUp, count: waiting, entry, at: time) }
        guard let since = unsafe entry.pointee.handshakes.callingSince else { return }
        unsafe entry.pointee.handshakes.callingSince = nil
        unsafe entry.pointee.handshakes.givenUp.add(at: time.now)
        unsafe tell(.handshakeGivenUp(after: time.now.since(since)), of: entry, at: time)
    }

    /// A handshake message of a peer, or of one who claims to be it, was refused.
    mutating func refused(
        _ refusal: Refusal, _ entry: UnsafeMutablePointer<PeerEntry>?, _ role: TunnelEvent.Role, at time: TimePoint
    ) {
        guard let entry = unsafe entry else { return }
        switch role {
        case .initiator: unsafe entry.pointee.handshakes.refusedResponses.add(refusal, at: time.now)
        case .responder: unsafe entry.pointee.handshakes.refusedInitiations.add(refusal, at: time.now)
        }
        if let last = unsafe entry.pointee.told.refusal, time.now.since(last) < PendingEvents.refusalInterval { return }
        unsafe entry.pointee.told.refusal = time.now
        unsafe tell(.handshakeRefused(refusal, role: role), of: entry, at: time)
    }

    /// There is a session that can be used.
    /// - Parameter start: when the handshake began that made it.
    mutating func sessionMade(
        _ entry: UnsafeMutablePointer<PeerEntry>, since start: Instant?, _ role: TunnelEvent.Role, isRenewal: Bool, at time: TimePoint
    ) {
        let took = start.map { time.now.since($0) } ?? Interval(nanoseconds: 0)
        unsafe entry.pointee.handshakes.sessionMade(took: took)
        unsafe entry.pointee.traffic.sessionMade(at: time.now)
        if !isRenewal { unsafe entry.pointee.asked.startAgain() }
        unsafe entry.pointee.told.hasSession = true
        unsafe tell(isRenewal ? .sessionRenewed(took: took, role: role) : .handshakeCompleted(took: took, role: role), of: entry, at: time)
    }

    /// The last session has become too old, or its keys were wiped.
    mutating func sessionOver(_ entry: UnsafeMutablePointer<PeerEntry>, at time: TimePoint) {
        guard unsafe entry.pointee.told.hasSession else { return }
        unsafe entry.pointee.told.hasSession = false
        unsafe tell(.sessionExpired, of: entry, at: time)
    }

    /// A peer that lives answers data with a keepalive after ten seconds; with one more it was away.
    private static var awayTime: Interval { .seconds(11) }

    /// Something authentic came from a peer.
    /// - Parameter packets: how many were more than keepalives.
    mutating func heard(_ entry: UnsafeMutablePointer<PeerEntry>, packets: UInt64, at time: TimePoint) {
        if unsafe entry.pointee.traffic.isSilent {
            let since = unsafe entry.pointee.traffic.lastAuthentic ?? entry.pointee.traffic.unansweredSince ?? time.now
            unsafe entry.pointee.traffic.isSilent = false
            unsafe tell(.peerBack(after: time.now.since(since)), of: entry, at: time)
        }
        // Longer than a keepalive takes: nobody was there to answer.
        if let since = unsafe entry.pointee.traffic.unansweredSince, time.now.since(since) >= Self.awayTime {
            unsafe entry.pointee.asked.startAgain()
            unsafe entry.pointee.traffic.cameBack(at: time.now)
        }
        unsafe entry.pointee.traffic.received(packets, at: time.now)
        guard unsafe entry.pointee.told.isEndpointOld else { return }
        if let last = unsafe entry.pointee.told.move, time.now.since(last) < PendingEvents.moveInterval { return }
        unsafe entry.pointee.told.isEndpointOld = false
        unsafe entry.pointee.told.move = time.now
        guard let endpoint = unsafe entry.pointee.endpoint, unsafe endpoint != entry.pointee.told.endpoint else { return }
        unsafe tell(.endpointMoved(from: entry.pointee.told.endpoint, to: endpoint), of: entry, at: time)
    }

    /// What was sent to a peer is not answered.
    mutating func fellSilent(_ entry: UnsafeMutablePointer<PeerEntry>, at time: TimePoint) {
        guard unsafe !entry.pointee.traffic.isSilent else { return }
        unsafe entry.pointee.traffic.isSilent = true
        let since = unsafe entry.pointee.traffic.unansweredSince ?? time.now
        unsafe tell(.peerSilent(for: time.now.since(since)), of: entry, at: time)
    }
}
