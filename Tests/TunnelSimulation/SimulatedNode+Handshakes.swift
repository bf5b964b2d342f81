internal import NetworkTypes
internal import SeededRandom
internal import TunnelCore
internal import WireGuardCrypto
internal import WireGuardProtocol

/// Handshakes and timers: the engine's other thread.
extension SimulatedNode {
    /// Does what is due, and asks to be woken up when more is.
    package func attend() {
        guard !isSuspended else { return }
        sendOwed()
        if hasOneThread { turn() }
        while !hasOneThread && isDue && mayTurn() {
            perform(tunnel.attend(at: time, using: &generator))
            sendOwed()
        }
        events += tunnel.takeEvents(at: time)
        guard turns < Self.mostTurnsOfAnInstant else { return }
        // The one thread looks again when it has done its steps.
        if hasOneThread && (stepsUnderWay > 0 || isWorking) { return }
        let deadline = tunnel.nextDeadline
        guard deadline < wakeUp else { return }
        wakeUp = deadline
        schedule(at: deadline) { [self] in
            guard wakeUp == deadline else { return }
            wakeUp = .distantFuture
            wakeUps += 1
            attend()
        }
    }

    /// What the one thread does next, as long as nothing keeps it busy.
    private func turn() {
        while stepsUnderWay == 0 && !isWorking {
            if queue.count > 0 && messagesOfTurn < Self.messagesAtATime {
                messagesOfTurn += 1
                work()
                continue
            }
            messagesOfTurn = 0
            if isDue && mayTurn() {
                perform(tunnel.attend(at: time, using: &generator))
                sendOwed()
            } else if queue.count == 0 {
                break
            }
        }
    }

    /// Whether the tunnel is asked once more in this instant: one that is due again whatever is done would be asked for ever.
    private func mayTurn() -> Bool {
        turns = network.now == latestTurn ? turns + 1 : 1
        latestTurn = network.now
        if turns == Self.mostTurnsOfAnInstant { network.note("node \(number) is due again and again, whatever is done") }
        return turns < Self.mostTurnsOfAnInstant
    }

    /// Sends what peers are owed, as the packet thread does.
    private func sendOwed() {
        let needsSending = tunnel.needsSending
        guard needsSending else { return }
        var room = [UInt8](repeating: 0xee, count: Tunnel.largestOwedMessage)
        unsafe room.withUnsafeMutableBytes { room in
            while let message = unsafe tunnel.nextOwed(into: room, at: time) {
                let job = message.job
                let payload = unsafe job.message + TransportMessage.headerByteCount
                unsafe network.noteSealed(key: UnsafeRawPointer(job.key).loadUnaligned(as: NonceLedger.Key.self), counter: job.counter)
                unsafe cipher.seal(counter: job.counter, key: job.key, plaintext: payload, count: job.payloadCount, into: payload)
                guard let destination = tunnel.destination(of: message.slot) else { continue }
                let bytes = unsafe Array(UnsafeRawBufferPointer(start: job.message, count: job.messageCount))
                if let peer = tunnel.publicKey(at: message.slot) { network.oracle?.sendsData(bytes, self, to: peer) }
                transmit(bytes, to: destination.endpoint, trafficClass: message.trafficClass)
            }
        }
        tunnel.finishOutbound(at: time)
    }

    private var isDue: Bool {
        let needsAttention = tunnel.needsAttention
        let deadline = tunnel.nextDeadline
        return needsAttention || deadline <= network.now
    }

    private func perform(_ attention: Attention, answering message: [UInt8] = []) {
        for datagram in attention.datagrams {
            network.oracle?.sends(datagram.bytes, self)
            transmit(datagram.bytes, to: datagram.endpoint, trafficClass: datagram.trafficClass)
        }
        for step in attention.steps {
            if case .initiate(_, _, let index) = step { network.oracle?.begins(index, at: self) }
            perform(step, message)
        }
    }

    /// Computes a step now and takes the result later: the tunnel may have changed meanwhile.
    private func perform(_ step: HandshakeStep, _ message: [UInt8]) {
        let outcome = step.perform()
        stepsUnderWay += 1
        let start = hasOneThread ? max(network.now, busyUntil) : network.now
        busyUntil = start + handshakeCost
        schedule(at: busyUntil) { [self] in
            stepsUnderWay -= 1
            let attention = tunnel.resume(outcome, at: time, using: &generator)
            switch outcome {
            case .opened:
                var acceptedFrom: PublicKey?
                if case .respond(_, let slot, _, _)? = attention.steps.first { acceptedFrom = tunnel.publicKey(at: slot) }
                network.oracle?.opened(message, self, acceptedFrom: acceptedFrom)
            case .consumed(_, let slot, _):
                guard let peer = tunnel.publicKey(at: slot) else { break }
                let current = tunnel.sessions(of: peer)?.current
                let isEstablished = current?.localIndex == HandshakeOracle.index(message, at: 8) && current?.createdAt == network.now
                network.oracle?.consumed(message, self, peer: peer, isEstablished: isEstablished)
            case .initiated, .responded: break
            }
            perform(attention, answering: message)
            attend()
        }
    }

    /// Works off the handshake queue, one message after the other; only those that are let through cost much.
    func work() {
        guard !isWorking, let datagram = queue.popFirst() else { return }
        isWorking = true
        let isAdmitted = judge(datagram)
        attend()
        schedule(at: network.now + (isAdmitted ? handshakeCost : Interval(nanoseconds: 10_000))) { [self] in
            isWorking = false
            if hasOneThread { attend() } else { work() }
        }
    }

    private func judge(_ datagram: HandshakeDatagram) -> Bool {
        guard let identity = tunnel.identity else {
            tunnel.drop(.noIdentity, from: datagram.sender, at: time)
            return false
        }
        let isUnderLoad = queue.isUnderLoad(at: network.now) && !tunnel.takeAwaited(datagram)
        switch gate.judge(datagram, for: identity, isUnderLoad: isUnderLoad, at: network.now, using: &generator) {
        case .admit:
            if let step = tunnel.receive(datagram, at: time) {
                perform(step, unsafe datagram.withUnsafeBytes { unsafe Array($0) })
            }
            return true
        case .reply(let reply):
            transmit(reply.bytes, to: reply.endpoint, trafficClass: reply.trafficClass)
        case .drop(let reason):
            tunnel.drop(reason, from: datagram.sender, at: time)
        }
        return false
    }
}
