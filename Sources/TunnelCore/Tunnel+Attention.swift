internal import NetworkTypes
internal import WireGuardCrypto
internal import WireGuardProtocol

/// What is to be done beside the data path: datagrams to send, and handshake steps to compute without the lock.
public struct Attention: Sendable {
    public var datagrams: [OutgoingDatagram] = []
    public var steps: [HandshakeStep] = []

    public init() {}
}

extension Tunnel {
    /// Does what is due: timers, handshakes to begin, keepalives, packets whose session has come.
    /// - Parameter generator: must be fit for secrets.
    /// - Returns: datagrams to send, and steps to perform without the lock and then to ``resume(_:at:using:)``.
    public mutating func attend(at time: TimePoint, using generator: inout some RandomNumberGenerator) -> Attention {
        guard isUp else {
            needsAttention = false
            return Attention()
        }
        while let slot = deadlines.popDue(at: time.now) {
            guard let entry = unsafe peers[slot] else { continue }
            let actions = unsafe entry.pointee.peer.timersExpired(at: time.now)
            perform(actions, slot, at: time)
        }
        var result = Attention()
        var slots: [UInt32] = []
        swap(&slots, &attention)
        needsAttention = false
        for slot in slots {
            run(slot, at: time, using: &generator, &result)
        }
        return result
    }

    private mutating func run(
        _ slot: UInt32, at time: TimePoint, using generator: inout some RandomNumberGenerator, _ result: inout Attention
    ) {
        guard let entry = unsafe peers[slot] else { return }
        let errands = unsafe entry.pointee.errands
        unsafe entry.pointee.errands = []
        if errands.contains(.sendStaged) || errands.contains(.sendKeepalive) {
            unsafe sendWaiting(slot, entry, keepalive: errands.contains(.sendKeepalive), at: time, &result)
        }
        // Without a known endpoint there is nobody to ask.
        if errands.contains(.initiate), unsafe entry.pointee.endpoint != nil, let identity {
            let index = unsafe sessions.insert(peer: slot, keypair: nil, using: &generator)
            let creation = unsafe InitiationCreation(
                local: identity, remote: entry.pointee.peer.remote, senderIndex: index,
                timestamp: TAI64N(unixNanoseconds: time.unixNanoseconds), using: &generator)
            result.steps.append(.initiate(creation, slot: slot, index: index))
        }
        unsafe reschedule(slot, entry)
    }

    /// Does what a peer asks for, in the order that ``PeerActions`` documents.
    mutating func perform(_ actions: PeerActions, _ slot: UInt32, at time: TimePoint) {
        // What is armed while the interface is down waits until it is up.
        guard isUp, let entry = unsafe peers[slot] else { return }
        if !actions.isEmpty {
            if actions.contains(.zeroKeys) { unsafe unregister(entry.pointee.peer.zeroKeys(at: time.now)) }
            if actions.contains(.dropStaged) {
                unsafe drops.add(.handshakeGivenUp, entry.pointee.staged.count)
                unsafe entry.pointee.staged.removeAll()
            }
            if actions.contains(.clearSourceAddress) { unsafe entry.pointee.source = nil }
            var initiates = false
            if actions.contains(.retryHandshake) {
                initiates = unsafe entry.pointee.peer.beginHandshake(at: time.now, isRetry: true)
            }
            if actions.contains(.initiateHandshake) {
                initiates = unsafe entry.pointee.peer.beginHandshake(at: time.now, isRetry: false) || initiates
            }
            if initiates { unsafe request(.initiate, slot, entry) }
            if actions.contains(.sendStaged) { unsafe request(.sendStaged, slot, entry) }
            if actions.contains(.sendKeepalive) { unsafe request(.sendKeepalive, slot, entry) }
        }
        unsafe reschedule(slot, entry)
    }

    private mutating func request(_ errand: PeerEntry.Errands, _ slot: UInt32, _ entry: UnsafeMutablePointer<PeerEntry>) {
        if unsafe entry.pointee.errands.isEmpty { attention.append(slot) }
        unsafe entry.pointee.errands.insert(errand)
        needsAttention = true
    }

    /// Keeps the deadline queue at the peer's earliest deadline.
    private mutating func reschedule(_ slot: UInt32, _ entry: UnsafeMutablePointer<PeerEntry>) {
        let deadline = unsafe entry.pointee.peer.nextDeadline
        guard deadline != .distantFuture else { return }
        // Whoever sleeps until `nextDeadline` has to hear of an earlier one.
        if deadline < deadlines.next { needsAttention = true }
        deadlines.schedule(slot, at: deadline)
    }

    mutating func unregister(_ released: consuming ReleasedIndices) {
        released.unregister { sessions.remove($0) }
    }

    /// Seals what is staged, or an empty payload if nothing is; without a session a handshake is begun.
    private mutating func sendWaiting(
        _ slot: UInt32, _ entry: UnsafeMutablePointer<PeerEntry>, keepalive: Bool, at time: TimePoint, _ result: inout Attention
    ) {
        guard let endpoint = unsafe entry.pointee.endpoint else { return }
        guard unsafe !entry.pointee.path.isLooping else { return drops.add(.routingLoop) }
        guard unsafe entry.pointee.peer.sendingKeypair(at: time.now) != nil else {
            perform(.initiateHandshake, slot, at: time)
            return
        }
        var actions: PeerActions = []
        var sentData = false
        while let packet = unsafe entry.pointee.staged.popFirst() {
            guard let datagram = unsafe seal(packet, slot, entry, endpoint, at: time) else { break }
            result.datagrams.append(datagram)
            sentData = true
        }
        if sentData {
            unsafe actions.formUnion(entry.pointee.peer.didSend(carryingData: true, at: time.now))
        } else if keepalive, let datagram = unsafe seal([], slot, entry, endpoint, at: time) {
            result.datagrams.append(datagram)
            unsafe actions.formUnion(entry.pointee.peer.didSend(carryingData: false, at: time.now))
        }
        perform(actions, slot, at: time)
    }

    private mutating func seal(
        _ packet: [UInt8], _ slot: UInt32, _ entry: UnsafeMutablePointer<PeerEntry>, _ endpoint: Endpoint, at time: TimePoint
    ) -> OutgoingDatagram? {
        guard let keypair = unsafe entry.pointee.peer.sendingKeypair(at: time.now) else { return nil }
        let counters = unsafe keypair.pointee.reserveCounters(1)
        guard let counter = counters.first else { return nil }
        let padded = TransportMessage.paddedByteCount(of: packet.count, mtu: mtu)
        var bytes = [UInt8](repeating: 0, count: padded + TransportMessage.overhead)
        var trafficClass: UInt8 = 0
        // SAFETY: `bytes` has room for header, padded payload and tag.
        unsafe bytes.withUnsafeMutableBytes { message in
            let base = message.baseAddress!
            unsafe TransportMessage(receiverIndex: keypair.pointee.remoteIndex, counter: counter).write(to: base)
            let payload = unsafe base + TransportMessage.headerByteCount
            unsafe packet.withUnsafeBytes { inner in
                if inner.count > 0 { unsafe payload.copyMemory(from: inner.baseAddress!, byteCount: inner.count) }
                if let header = unsafe IPPacketHeader(inner) { trafficClass = header.ecn.rawValue }
            }
            unsafe cipher.seal(
                counter: counter, key: keypair.pointee.sendingKey, plaintext: payload, count: padded, into: payload)
        }
        unsafe entry.pointee.sentBytes += UInt64(bytes.count)
        return unsafe OutgoingDatagram(
            bytes: bytes, endpoint: endpoint, source: entry.pointee.source,
            peer: PeerReference(slot: slot, serial: entry.pointee.serial), trafficClass: trafficClass)
    }
}
