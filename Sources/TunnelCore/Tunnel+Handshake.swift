internal import NetworkTypes
internal import WireGuardCrypto
internal import WireGuardProtocol

extension Tunnel {
    /// Whether a message is the first answer to an initiation of ours.
    ///
    /// Its index is random and went only to the peer, so whoever has it can be reached there: no cookie need prove that, and those whom we
    /// called ourselves are let in however many strangers knock. True once for each initiation.
    public mutating func takeAwaited(_ datagram: HandshakeDatagram) -> Bool {
        guard let response = unsafe try? datagram.withUnsafeBytes(HandshakeResponse.init(copying:)) else { return false }
        return sessions.takeAwaited(response.receiverIndex)
    }

    /// Takes a handshake or cookie message that ``HandshakeGate`` let through.
    /// - Returns: the step to perform without the lock; nil if there is none, and the message, if dropped, was counted.
    public mutating func receive(_ datagram: HandshakeDatagram, at time: TimePoint) -> HandshakeStep? {
        guard isUp else { return nil }
        guard let identity else { return drop(.noIdentity, datagram, at: time) }
        let arrival = Arrival(sender: datagram.sender, source: datagram.source, trafficClass: 0)
        do throws(Refusal) {
            switch unsafe try datagram.withUnsafeBytes(MessageKind.init(of:)) {
            case .handshakeInitiation:
                let message = unsafe try datagram.withUnsafeBytes(HandshakeInitiation.init(copying:))
                return .open(InitiationOpening(local: identity, message: message), arrival)
            case .handshakeResponse:
                let message = unsafe try datagram.withUnsafeBytes(HandshakeResponse.init(copying:))
                guard let session = sessions.lookup(message.receiverIndex), let entry = unsafe peers[session.peer] else {
                    throw .index
                }
                guard let handshake = unsafe entry.pointee.peer.pendingHandshake,
                    handshake.localIndex == message.receiverIndex
                else { throw .state }
                let consumption = unsafe ResponseConsumption(
                    local: identity, remote: entry.pointee.peer.remote, handshake: handshake, message: message)
                return .consume(consumption, slot: session.peer, arrival)
            case .cookieReply:
                let reply = unsafe try datagram.withUnsafeBytes(CookieReply.init(copying:))
                guard let session = sessions.lookup(reply.receiverIndex), let entry = unsafe peers[session.peer] else {
                    throw .index
                }
                unsafe try entry.pointee.peer.accept(reply, at: time.now)
                unsafe entry.pointee.handshakes.cookies.add(at: time.now)
                return nil
            case .transport:
                throw .type
            }
        } catch {
            return drop(DropReason(error), datagram, at: time)
        }
    }

    /// Goes on with a handshake after a step was performed.
    /// - Parameters:
    ///   - outcome: what came of the step.
    ///   - time: the time.
    ///   - generator: must be fit for secrets.
    /// - Returns: datagrams to send, and the next step if there is one.
    public mutating func resume(
        _ outcome: HandshakeStep.Outcome, at time: TimePoint, using generator: inout some RandomNumberGenerator
    ) -> Attention {
        var result = Attention()
        guard isUp else {
            // Begun before the interface went down.
            if let index = outcome.reservedIndex { sessions.remove(index) }
            return result
        }
        var sender: Endpoint?
        do throws(Refusal) {
            switch outcome {
            case .initiated(let created, let slot, let index):
                try unregistering(index) { (tunnel) throws(Refusal) in
                    try tunnel.sendInitiation(created.get(), slot, at: time, &result)
                }
            case .opened(let opened, let arrival):
                sender = arrival.sender
                try accept(opened.get(), arrival, at: time, using: &generator, &result)
            case .responded(let created, let slot, let index, let arrival):
                sender = arrival.sender
                try unregistering(index) { (tunnel) throws(Refusal) in
                    try tunnel.sendResponse(created.get(), slot, arrival, at: time, &result)
                }
            case .consumed(let session, let slot, let arrival):
                sender = arrival.sender
                do throws(Refusal) {
                    try establish(session.get(), slot, arrival, at: time)
                } catch {
                    unsafe refused(error, peers[slot], .initiator, at: time)
                    throw error
                }
            }
        } catch {
            drop(DropReason(error), from: sender, at: time)
        }
        return result
    }

    /// Gives back the index that was reserved for a message if the message isn't sent.
    private mutating func unregistering(_ index: UInt32, _ body: (inout Tunnel) throws(Refusal) -> Void) throws(Refusal) {
        do throws(Refusal) {
            try body(&self)
        } catch {
            sessions.remove(index)
            throw error
        }
    }

    private mutating func sendInitiation(
        _ created: CreatedInitiation, _ slot: UInt32, at time: TimePoint, _ result: inout Attention
    ) throws(Refusal) {
        guard let entry = unsafe peers[slot], let endpoint = unsafe entry.pointee.endpoint else { throw .state }
        var created = created
        let released = unsafe try entry.pointee.peer.send(&created, at: time.now)
        unregister(released)
        unsafe entry.pointee.handshakes.sentInitiation(at: time.now)
        let bytes = unsafe created.message.withUnsafeBytes { unsafe [UInt8]($0) }
        unsafe append(bytes, endpoint, entry.pointee.source, entry, slot, &result)
        perform([], slot, at: time)
    }

    private mutating func accept(
        _ opened: OpenedInitiation, _ arrival: Arrival, at time: TimePoint, using generator: inout some RandomNumberGenerator,
        _ result: inout Attention
    ) throws(Refusal) {
        guard let slot = peers.slot(of: opened.initiator), let entry = unsafe peers[slot] else {
            unknownPeers.add(arrival.sender, opened.initiator, at: time.now)
            throw .unknownPeer
        }
        let initiation: AuthenticatedInitiation
        do throws(Refusal) {
            initiation = unsafe try opened.authenticate(as: entry.pointee.peer.remote)
            unsafe entry.pointee.handshakes.timestampLag = entry.pointee.peer.lag(of: initiation)
            unsafe try entry.pointee.peer.accept(initiation, at: time.now)
        } catch {
            unsafe refused(error, entry, .responder, at: time)
            throw error
        }
        unsafe entry.pointee.handshakes.received.add(at: time.now)
        unsafe follow(arrival, entry, slot, at: time)
        unsafe heard(entry, packets: 0, at: time)
        unsafe entry.pointee.receivedBytes += UInt64(HandshakeInitiation.byteCount)
        let index = unsafe sessions.insert(peer: slot, keypair: nil, using: &generator)
        let creation = ResponseCreation(to: initiation, senderIndex: index, using: &generator)
        result.steps.append(.respond(creation, slot: slot, index: index, arrival))
        perform([], slot, at: time)
    }

    private mutating func sendResponse(
        _ created: CreatedResponse, _ slot: UInt32, _ arrival: Arrival, at time: TimePoint, _ result: inout Attention
    ) throws(Refusal) {
        guard let entry = unsafe peers[slot] else { throw .state }
        var created = created
        let released = unsafe try entry.pointee.peer.send(&created, at: time.now)
        unregister(released)
        unsafe sessions.update(created.localIndex, keypair: UnsafeMutableRawPointer(entry.pointee.peer.keypairs.next!))
        let bytes = unsafe created.message.withUnsafeBytes { unsafe [UInt8]($0) }
        unsafe entry.pointee.handshakes.sentResponse(at: time.now)
        unsafe append(bytes, arrival.sender, arrival.source, entry, slot, &result)
        perform([], slot, at: time)
    }

    private mutating func establish(
        _ session: DerivedSession, _ slot: UInt32, _ arrival: Arrival, at time: TimePoint
    ) throws(Refusal) {
        guard let entry = unsafe peers[slot] else { throw .state }
        let isRenewal = unsafe entry.pointee.peer.sendingKeypair(at: time.now) != nil
        let released = unsafe try entry.pointee.peer.establish(session, at: time.now, unixNanoseconds: time.unixNanoseconds)
        unregister(released)
        unsafe entry.pointee.handshakes.completed.add(at: time.now)
        unsafe sessionMade(entry, since: entry.pointee.handshakes.callingSince, .initiator, isRenewal: isRenewal, at: time)
        unsafe sessions.update(session.localIndex, keypair: UnsafeMutableRawPointer(entry.pointee.peer.keypairs.current!))
        unsafe follow(arrival, entry, slot, at: time)
        unsafe heard(entry, packets: 0, at: time)
        unsafe entry.pointee.receivedBytes += UInt64(HandshakeResponse.byteCount)
        // The responder may not send before it has heard on the new session: what waits, or else an empty packet.
        perform([.sendStaged, .sendKeepalive], slot, at: time)
    }

    private mutating func append(
        _ bytes: [UInt8], _ endpoint: Endpoint, _ source: EndpointSource?, _ entry: UnsafeMutablePointer<PeerEntry>,
        _ slot: UInt32, _ result: inout Attention
    ) {
        guard unsafe !entry.pointee.path.isLooping else {
            unsafe entry.pointee.drops.add(.routingLoop)
            return drops.add(.routingLoop)
        }
        unsafe entry.pointee.sentBytes += UInt64(bytes.count)
        unsafe result.datagrams.append(
            OutgoingDatagram(
                bytes: bytes, endpoint: endpoint, source: source, peer: PeerReference(slot: slot, serial: entry.pointee.serial),
                trafficClass: OutgoingDatagram.handshakeTrafficClass))
    }

    private mutating func drop(_ reason: DropReason, _ datagram: HandshakeDatagram, at time: TimePoint) -> HandshakeStep? {
        drop(reason, from: datagram.sender, at: time)
        return nil
    }
}
