public import NetworkTypes
public import WireGuardCrypto
public import WireGuardProtocol

/// A received data message that is addressed to a session of ours, and is to be opened.
@safe
public struct OpenJob {
    /// The sealed payload: the message without its header.
    public let sealed: UnsafeMutableRawPointer
    /// Its bytes, tag included.
    public let sealedCount: Int
    /// 32 bytes at the start of 64.
    public let key: UnsafeRawPointer
    /// The message's number in its session, which is the nonce.
    public let counter: UInt64
    let keypair: UnsafeMutablePointer<Keypair>
    /// The peer's slot.
    public let slot: UInt32

    /// The work itself.
    /// - Parameter output: room for ``payloadCount`` bytes.
    public func cipherJob(into output: UnsafeMutableRawPointer) -> CipherJob {
        unsafe CipherJob(.open, counter: counter, key: key, input: sealed, count: sealedCount, output: output)
    }

    /// The payload's bytes.
    @inlinable
    public var payloadCount: Int { sealedCount - TransportMessage.tagByteCount }
}

/// How a datagram reached us.
public struct Arrival: Sendable {
    /// Who sent it; not proven.
    public var sender: Endpoint
    /// The local address it came to.
    public var source: EndpointSource?
    /// The outer traffic class; its ECN bits matter.
    public var trafficClass: UInt8

    /// How it came.
    @inlinable
    public init(sender: Endpoint, source: EndpointSource?, trafficClass: UInt8) {
        self.sender = sender
        self.source = source
        self.trafficClass = trafficClass
    }
}

extension Tunnel {
    /// Whether a data message can be opened.
    public enum Opening {
        /// Open it, then ask ``Tunnel`` what becomes of it.
        case open(OpenJob)
        /// It was counted, and goes no further.
        case dropped(DropReason)
    }

    /// What becomes of an opened data message.
    public enum Inbound {
        /// The inner packet's size, without padding.
        case deliver(count: Int)
        /// It had no packet inside, and has done its work.
        case keepalive
        /// It was counted, and goes no further.
        case dropped(DropReason)
    }

    /// Finds the session of a data message.
    /// - Parameters:
    ///   - message: at least `TransportMessage.overhead` bytes whose `MessageKind` is `transport`.
    ///   - time: the time.
    public func prepareOpening(_ message: UnsafeMutableRawBufferPointer, at time: TimePoint) -> Opening {
        let header = unsafe TransportMessage(header: UnsafeRawBufferPointer(message))
        guard let session = sessions.lookup(header.receiverIndex), let pointer = unsafe session.keypair else {
            return .dropped(.unknownIndex)
        }
        // SAFETY: an index leads to a keypair only while its peer's ring holds it.
        let keypair = unsafe pointer.assumingMemoryBound(to: Keypair.self)
        guard unsafe keypair.pointee.canReceive(at: time.now) else { return unsafe refuse(.sessionExpired, peers[session.peer]) }
        guard header.counter < Limits.rejectAfterMessages else { return unsafe refuse(.counterLimit, peers[session.peer]) }
        return unsafe .open(
            OpenJob(
                sealed: message.baseAddress! + TransportMessage.headerByteCount,
                sealedCount: message.count - TransportMessage.headerByteCount, key: keypair.pointee.receivingKey,
                counter: header.counter, keypair: keypair, slot: session.peer))
    }

    /// A message whose session can't be used; the caller counts it.
    @inline(never)
    private func refuse(_ reason: DropReason, _ entry: UnsafeMutablePointer<PeerEntry>?) -> Opening {
        unsafe entry?.pointee.drops.add(reason)
        return .dropped(reason)
    }

    /// Takes a message whose tag was right: is it new, and may its peer send this inner packet?
    /// - Parameters:
    ///   - job: what the message was opened by.
    ///   - packet: the opened payload, ``OpenJob/payloadCount`` bytes; its ECN bits may be changed here.
    ///   - arrival: how it came. The peer's endpoint follows it.
    ///   - time: the time.
    public mutating func accept(
        _ job: OpenJob, packet: UnsafeMutableRawPointer, arrival: borrowing Arrival, at time: TimePoint
    ) -> Inbound {
        guard let entry = unsafe peers[job.slot] else { return .dropped(.unknownIndex) }
        if let refusal = unsafe job.keypair.pointee.window.accept(job.counter) {
            let reason = refusal == .window ? DropReason.tooOld : .replay
            unsafe entry.pointee.drops.add(reason)
            return .dropped(reason)
        }
        // From here on the message is authentic and new: counters, endpoint and timers advance whatever is inside.
        unsafe Self.touch(&entry.pointee.inbound, job.slot, &inboundTouched)
        unsafe entry.pointee.inbound.bytes += UInt64(job.sealedCount + TransportMessage.headerByteCount)
        if unsafe entry.pointee.peer.isUnconfirmed(job.keypair) { unsafe entry.pointee.inbound.confirms = true }
        unsafe follow(arrival, entry, job.slot, at: time)
        let payloadCount = job.payloadCount
        if payloadCount == 0 { return .keepalive }
        unsafe entry.pointee.inbound.packets += 1
        guard let header = unsafe IPPacketHeader(UnsafeRawBufferPointer(start: packet, count: payloadCount)) else {
            return unsafe refuse(.innerMalformed, packet, payloadCount, arrival, entry, at: time)
        }
        guard allowedIPs.lookup(header.source) == job.slot else {
            return unsafe refuse(.sourceNotAllowed, packet, payloadCount, arrival, entry, at: time)
        }
        if unsafe entry.pointee.asked.isWaiting {
            unsafe answered(UnsafeRawBufferPointer(start: packet, count: payloadCount), header, entry)
        }
        if arrival.trafficClass & 3 != 0 {
            let outer = ECNCodepoint(trafficClass: arrival.trafficClass)
            guard let ecn = ECNCodepoint.decapsulated(inner: header.ecn, outer: outer) else {
                return unsafe refuse(.congestionNotUnderstood, packet, payloadCount, arrival, entry, at: time)
            }
            unsafe header.setECN(ecn, in: packet)
        }
        return .deliver(count: header.totalLength)
    }

    @inline(never)
    private func answered(_ packet: UnsafeRawBufferPointer, _ header: IPPacketHeader, _ entry: UnsafeMutablePointer<PeerEntry>) {
        unsafe entry.pointee.asked.received(packet, header)
    }

    /// Notes whether a packet that was accepted asks for an answer of somebody here; as ``noteQuestion(_:_:to:at:)``.
    /// - Parameters:
    ///   - packet: its bytes.
    ///   - job: what the message was opened by.
    ///   - time: the time.
    @inline(never)
    public mutating func noteQuestion(_ packet: UnsafeRawBufferPointer, from job: OpenJob, at time: TimePoint) {
        guard let entry = unsafe peers[job.slot], let header = unsafe IPPacketHeader(packet) else { return }
        unsafe entry.pointee.askedHere.sent(packet, header, at: time.now)
    }

    /// Roaming: the endpoint follows the last authenticated message, and the source where it came to, unless it leads elsewhere.
    @inline(__always)
    mutating func follow(_ arrival: borrowing Arrival, _ entry: UnsafeMutablePointer<PeerEntry>, _ slot: UInt32, at time: TimePoint) {
        if unsafe entry.pointee.endpoint == arrival.sender {
            if unsafe entry.pointee.source == arrival.source { return }
            if unsafe entry.pointee.path.refusedSource == arrival.source { return }
        }
        unsafe move(entry, slot, arrival, at: time)
    }

    /// Accounts for the batch: timers, statistics, sessions that it confirmed or that are to be renewed.
    public mutating func finishInbound(at time: TimePoint) {
        for slot in inboundTouched {
            guard let entry = unsafe peers[slot] else { continue }
            let batch = unsafe entry.pointee.inbound
            unsafe entry.pointee.inbound = PeerEntry.Batch()
            unsafe entry.pointee.receivedBytes += batch.bytes
            var actions: PeerActions = []
            if batch.confirms {
                let isRenewal = unsafe entry.pointee.peer.sendingKeypair(at: time.now) != nil
                let released = unsafe entry.pointee.peer.confirm(at: time.now, unixNanoseconds: time.unixNanoseconds)
                unregister(released)
                unsafe entry.pointee.handshakes.confirmed.add(at: time.now)
                unsafe sessionMade(entry, since: entry.pointee.handshakes.answered.last, .responder, isRenewal: isRenewal, at: time)
                actions.insert(.sendStaged)
            }
            if batch.bytes > 0 { unsafe heard(entry, packets: batch.packets, at: time) }
            unsafe actions.formUnion(entry.pointee.peer.didReceive(carryingData: batch.packets > 0, at: time.now))
            perform(actions, slot, at: time)
        }
        inboundTouched.removeAll(keepingCapacity: true)
    }
}
