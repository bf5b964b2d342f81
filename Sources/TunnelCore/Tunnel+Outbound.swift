public import NetworkTypes
public import WireGuardCrypto
public import WireGuardProtocol

/// A prepared data message whose payload is to be sealed in place: the header is written, the padding is zero.
@safe
public struct SealJob {
    /// The message: 16 bytes of header, the padded payload, room for the tag.
    public let message: UnsafeMutableRawPointer
    /// The padded payload's bytes.
    public let payloadCount: Int
    /// 32 bytes at the start of 64.
    public let key: UnsafeRawPointer
    /// The message's number in its session, which is the nonce.
    public let counter: UInt64

    /// The work itself.
    public var cipherJob: CipherJob {
        // SAFETY: the payload stands behind the header, with room for the tag behind it.
        let payload = unsafe message + TransportMessage.headerByteCount
        return unsafe CipherJob(.seal, counter: counter, key: key, input: payload, count: payloadCount, output: payload)
    }

    /// The whole message's bytes.
    @inlinable
    public var messageCount: Int { payloadCount + TransportMessage.overhead }
}

extension Tunnel {
    /// What becomes of one inner packet on its way out.
    public enum Outbound {
        /// Seal it, then send it to ``destination(of:)`` of its peer.
        case seal(SealJob)
        /// There is no session yet: the packet was copied and waits for one; a handshake is under way.
        case staged
        /// It was counted, and goes no further.
        case dropped(DropReason)
    }

    /// The peer that takes packets to `destination`: the one with the longest matching allowed IP.
    @inline(__always)
    public func route(_ destination: IPAddress) -> UInt32? {
        allowedIPs.lookup(destination)
    }

    /// Where a peer's datagrams go, and from where; nil while no endpoint is known.
    public func destination(of slot: UInt32) -> (endpoint: Endpoint, source: EndpointSource?, peer: PeerReference)? {
        guard let entry = unsafe peers[slot], let endpoint = unsafe entry.pointee.endpoint else { return nil }
        return unsafe (endpoint, entry.pointee.source, PeerReference(slot: slot, serial: entry.pointee.serial))
    }

    /// Makes a data message of an inner packet, or stages it.
    /// - Parameters:
    ///   - packet: a well-formed IP packet, with room for the header (16 bytes) in front of it, and for padding and tag (31 bytes) behind it.
    ///   - count: its bytes.
    ///   - slot: from ``route(_:)``.
    ///   - time: the time.
    public mutating func prepare(_ packet: UnsafeMutableRawPointer, count: Int, to slot: UInt32, at time: TimePoint) -> Outbound {
        guard let entry = unsafe peers[slot] else { return .dropped(.noPeerForDestination) }
        guard unsafe entry.pointee.endpoint != nil else { return .dropped(.noEndpoint) }
        guard unsafe !entry.pointee.path.isLooping else { return .dropped(.routingLoop) }
        unsafe Self.touch(&entry.pointee.outbound, slot, &outboundTouched)
        if unsafe entry.pointee.askedHere.isWaiting { unsafe answers(UnsafeRawBufferPointer(start: packet, count: count), entry) }
        // A packet that comes while others wait stays behind them.
        guard unsafe entry.pointee.staged.isEmpty, let keypair = unsafe entry.pointee.peer.sendingKeypair(at: time.now),
            let job = unsafe message(packet, count: count, keypair, entry)
        else { return unsafe stage(UnsafeRawBufferPointer(start: packet, count: count), entry, at: time) }
        return .seal(job)
    }

    /// Notes whether a packet that was prepared asks for an answer. Worth its cost where packets are few: what isn't answered is asked again
    /// and again, alone.
    /// - Parameters:
    ///   - packet: its bytes, not sealed yet.
    ///   - header: its header.
    ///   - slot: from ``route(_:)``.
    ///   - time: the time.
    @inline(never)
    public mutating func noteQuestion(_ packet: UnsafeRawBufferPointer, _ header: IPPacketHeader, to slot: UInt32, at time: TimePoint) {
        guard let entry = unsafe peers[slot] else { return }
        unsafe entry.pointee.asked.sent(packet, header, at: time.now)
    }

    @inline(never)
    private func answers(_ packet: UnsafeRawBufferPointer, _ entry: UnsafeMutablePointer<PeerEntry>) {
        guard let header = unsafe IPPacketHeader(packet) else { return }
        unsafe entry.pointee.askedHere.received(packet, header)
    }

    /// Makes a data message of a packet, or of nothing.
    /// - Parameter packet: with room around it, as ``prepare(_:count:to:at:)`` has it.
    /// - Returns: nil if the session's counters are used up.
    @inline(__always)
    mutating func message(
        _ packet: UnsafeMutableRawPointer, count: Int, _ keypair: UnsafeMutablePointer<Keypair>, _ entry: UnsafeMutablePointer<PeerEntry>
    ) -> SealJob? {
        let counters = unsafe keypair.pointee.reserveCounters(1)
        guard !counters.isEmpty else { return nil }
        let padded = TransportMessage.paddedByteCount(of: count, mtu: mtu)
        // SAFETY: the caller gives this room on both sides of the packet.
        let message = unsafe packet - TransportMessage.headerByteCount
        unsafe TransportMessage(receiverIndex: keypair.pointee.remoteIndex, counter: counters.lowerBound).write(to: message)
        for i in count..<padded { unsafe packet.storeBytes(of: 0, toByteOffset: i, as: UInt8.self) }
        unsafe entry.pointee.outbound.bytes += UInt64(padded + TransportMessage.overhead)
        if count > 0 { unsafe entry.pointee.outbound.packets += 1 }
        return unsafe SealJob(message: message, payloadCount: padded, key: keypair.pointee.sendingKey, counter: counters.lowerBound)
    }

    @inline(never)
    private mutating func stage(
        _ packet: UnsafeRawBufferPointer, _ entry: UnsafeMutablePointer<PeerEntry>, at time: TimePoint
    ) -> Outbound {
        let dropped = unsafe entry.pointee.staged.append(packet)
        if dropped > 0 { unsafe drop(.stagedQueueFull, count: dropped, entry, at: time) }
        return .staged
    }

    /// A local address that the system no longer has: whoever was answered from it is answered from the system's choice.
    public mutating func forget(_ source: EndpointSource) {
        for slot in 0..<UInt32(peers.slotCount) {
            guard let entry = unsafe peers[slot], unsafe entry.pointee.source == source else { continue }
            unsafe entry.pointee.source = nil
        }
    }

    /// Accounts for the batch: timers, statistics, sessions to renew, handshakes to begin for what was staged.
    public mutating func finishOutbound(at time: TimePoint) {
        for slot in outboundTouched {
            guard let entry = unsafe peers[slot] else { continue }
            let batch = unsafe entry.pointee.outbound
            unsafe entry.pointee.outbound = PeerEntry.Batch()
            var actions: PeerActions = []
            if batch.bytes > 0 {
                unsafe entry.pointee.sentBytes += batch.bytes
                actions = unsafe entry.pointee.peer.didSend(carryingData: batch.packets > 0, at: time.now)
                if batch.packets > 0 { unsafe entry.pointee.traffic.sent(batch.packets, at: time.now) }
            }
            // Sent now if there is a session, else a handshake is begun.
            if unsafe !entry.pointee.staged.isEmpty { actions.insert(.sendStaged) }
            perform(actions, slot, at: time)
        }
        outboundTouched.removeAll(keepingCapacity: true)
    }

    @inline(__always)
    static func touch(_ batch: inout PeerEntry.Batch, _ slot: UInt32, _ touched: inout [UInt32]) {
        guard !batch.isTouched else { return }
        batch.isTouched = true
        touched.append(slot)
    }
}
