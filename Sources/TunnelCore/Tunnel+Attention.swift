internal import NetworkTypes
internal import WireGuardProtocol

/// What is to be done beside the data path: handshake messages to send, and steps to compute without the lock.
public struct Attention: Sendable {
    /// What is to be sent, in its order.
    public var datagrams: [OutgoingDatagram] = []
    /// What is to be computed.
    public var steps: [HandshakeStep] = []

    /// Nothing.
    public init() {}
}

extension Tunnel {
    /// Peers whose timers are looked at, and initiations that are begun, in one call of ``attend(at:using:)``: however many peers there
    /// are, the tunnel's lock is soon free again, and what arrives meanwhile is looked at after this many scalar multiplications.
    public static let attentionShare = 16

    /// Does a share of what is due: timers, and handshakes to begin. If that wasn't all, ``needsAttention`` is still set or ``nextDeadline``
    /// is still over.
    /// - Parameters:
    ///   - time: the time.
    ///   - generator: must be fit for secrets.
    /// - Returns: steps to perform without the lock and then to ``resume(_:at:using:)``.
    public mutating func attend(at time: TimePoint, using generator: inout some RandomNumberGenerator) -> Attention {
        guard isUp else {
            needsAttention = false
            return Attention()
        }
        var share = Self.attentionShare
        while share > 0, let slot = deadlines.popDue(at: time.now) {
            share -= 1
            guard let entry = unsafe peers[slot] else { continue }
            let actions = unsafe entry.pointee.peer.timersExpired(at: time.now)
            // Of the timers only that for an answer that doesn't come begins a new handshake.
            if actions.contains(.initiateHandshake) { unsafe fellSilent(entry, at: time) }
            perform(actions, slot, at: time)
        }
        var result = Attention()
        while result.steps.count < Self.attentionShare, let slot = initiating.popFirst() {
            begin(slot, at: time, using: &generator, &result)
        }
        needsAttention = !initiating.isEmpty
        return result
    }

    private mutating func begin(
        _ slot: UInt32, at time: TimePoint, using generator: inout some RandomNumberGenerator, _ result: inout Attention
    ) {
        guard let entry = unsafe peers[slot], unsafe entry.pointee.mustInitiate else { return }
        unsafe entry.pointee.mustInitiate = false
        // Without a known endpoint there is nobody to ask.
        guard unsafe entry.pointee.endpoint != nil, let identity else { return }
        let index = unsafe sessions.insert(peer: slot, keypair: nil, isAwaited: true, using: &generator)
        let creation = unsafe InitiationCreation(
            local: identity, remote: entry.pointee.peer.remote, senderIndex: index,
            timestamp: TAI64N(unixNanoseconds: time.unixNanoseconds), using: &generator)
        result.steps.append(.initiate(creation, slot: slot, index: index))
        greatestTimestampSent = max(greatestTimestampSent ?? 0, time.unixNanoseconds)
    }

    /// Does what a peer asks for, in the order that ``PeerActions`` documents.
    mutating func perform(_ actions: PeerActions, _ slot: UInt32, at time: TimePoint) {
        // What is armed while the interface is down waits until it is up.
        guard isUp, let entry = unsafe peers[slot] else { return }
        if !actions.isEmpty {
            if actions.contains(.zeroKeys) {
                unsafe unregister(entry.pointee.peer.zeroKeys(at: time.now))
                if unsafe entry.pointee.peer.sendingKeypair(at: time.now) == nil { unsafe sessionOver(entry, at: time) }
            }
            if actions.contains(.dropStaged) {
                unsafe gaveUp(entry, at: time)
                unsafe entry.pointee.staged.removeAll()
            }
            if actions.contains(.clearSourceAddress) { unsafe entry.pointee.source = nil }
            var initiates = false
            if actions.contains(.retryHandshake) {
                initiates = unsafe entry.pointee.peer.beginHandshake(at: time.now, isRetry: true)
            }
            if unsafe actions.contains(.initiateHandshake) || owe(actions, slot, entry, at: time) {
                initiates = unsafe entry.pointee.peer.beginHandshake(at: time.now, isRetry: false) || initiates
            }
            if initiates {
                unsafe initiate(slot, entry)
                unsafe called(entry, at: time)
            }
        }
        unsafe reschedule(slot, entry)
    }

    /// Notes what can be sent to a peer.
    /// - Returns: whether a handshake is needed first.
    private mutating func owe(
        _ actions: PeerActions, _ slot: UInt32, _ entry: UnsafeMutablePointer<PeerEntry>, at time: TimePoint
    ) -> Bool {
        guard actions.contains(.sendStaged) || actions.contains(.sendKeepalive), unsafe entry.pointee.endpoint != nil else { return false }
        guard unsafe !entry.pointee.path.isLooping else {
            drops.add(.routingLoop)
            unsafe entry.pointee.drops.add(.routingLoop)
            return false
        }
        guard unsafe entry.pointee.peer.sendingKeypair(at: time.now) != nil else { return true }
        if actions.contains(.sendKeepalive) { unsafe entry.pointee.owesKeepalive = true }
        if unsafe entry.pointee.owesKeepalive || !entry.pointee.staged.isEmpty { unsafe owe(slot, entry) }
        return false
    }

    private mutating func initiate(_ slot: UInt32, _ entry: UnsafeMutablePointer<PeerEntry>) {
        if unsafe !entry.pointee.mustInitiate { initiating.append(slot) }
        unsafe entry.pointee.mustInitiate = true
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
}
