internal import NetworkTypes
internal import WireGuardProtocol

/// A message that a peer is owed although no packet comes from the interface now: a packet that waited for its session, or a keepalive.
///
/// Both go the way of all packets, on the thread of all packets: so nothing overtakes what waited, and there is one place where messages
/// are made.
@safe
public struct OwedMessage {
    /// Seal it, then send it to ``Tunnel/destination(of:)`` of its peer.
    public let job: SealJob
    /// The peer.
    public let slot: UInt32
    /// The inner packet's ECN bits, for the datagram's traffic class.
    public let trafficClass: UInt8
}

extension Tunnel {
    /// The bytes that the largest message takes: a staged packet's largest size, header, padding and tag.
    public static let largestOwedMessage = 65_575 + TransportMessage.overhead + Limits.paddingMultiple

    /// The next message that a peer is owed, laid out at the beginning of `room`; nil if there is none, or if it doesn't fit: then
    /// ``needsSending`` is still set.
    ///
    /// Messages of a peer come in the order in which their packets did. At the end of the batch call ``finishOutbound(at:)``.
    /// - Parameters:
    ///   - room: ``largestOwedMessage`` bytes hold any message.
    ///   - time: the time.
    public mutating func nextOwed(into room: UnsafeMutableRawBufferPointer, at time: TimePoint) -> OwedMessage? {
        while let slot = owing.first {
            guard let entry = unsafe peers[slot], unsafe entry.pointee.isOwing else {
                owing.popFirst()
                continue
            }
            guard unsafe entry.pointee.endpoint != nil, let keypair = unsafe entry.pointee.peer.sendingKeypair(at: time.now) else {
                // What waits goes on waiting, for another session.
                unsafe settle(entry)
                if unsafe !entry.pointee.staged.isEmpty { perform(.initiateHandshake, slot, at: time) }
                continue
            }
            guard unsafe !entry.pointee.path.isLooping else {
                drops.add(.routingLoop)
                unsafe entry.pointee.drops.add(.routingLoop)
                unsafe settle(entry)
                continue
            }
            let packet = unsafe entry.pointee.staged.first
            guard unsafe packet != nil || entry.pointee.owesKeepalive else {
                unsafe settle(entry)
                continue
            }
            let count = packet?.count ?? 0
            guard count + Limits.paddingMultiple + TransportMessage.overhead <= room.count else { return nil }
            var trafficClass: UInt8 = 0
            // SAFETY: the room was just found large enough for header, padded payload and tag.
            let payload = unsafe room.baseAddress! + TransportMessage.headerByteCount
            if let packet {
                unsafe packet.withUnsafeBytes { unsafe payload.copyMemory(from: $0.baseAddress!, byteCount: count) }
                if let header = unsafe IPPacketHeader(UnsafeRawBufferPointer(start: payload, count: count)) {
                    trafficClass = header.ecn.rawValue
                }
            }
            guard let job = unsafe message(payload, count: count, keypair, entry) else {
                unsafe settle(entry)
                if packet != nil { perform(.initiateHandshake, slot, at: time) }
                continue
            }
            unsafe Self.touch(&entry.pointee.outbound, slot, &outboundTouched)
            if packet != nil { _ = unsafe entry.pointee.staged.popFirst() }
            // Data answers as well as an empty message would.
            unsafe entry.pointee.owesKeepalive = false
            return OwedMessage(job: job, slot: slot, trafficClass: trafficClass)
        }
        return nil
    }

    /// Lets ``nextOwed(into:at:)`` come to a peer.
    mutating func owe(_ slot: UInt32, _ entry: UnsafeMutablePointer<PeerEntry>) {
        guard unsafe !entry.pointee.isOwing else { return }
        unsafe entry.pointee.isOwing = true
        owing.append(slot)
    }

    /// The peer that is first is owed nothing more, or can't be sent anything.
    private mutating func settle(_ entry: UnsafeMutablePointer<PeerEntry>) {
        owing.popFirst()
        unsafe entry.pointee.isOwing = false
        unsafe entry.pointee.owesKeepalive = false
    }
}

extension Tunnel {
    /// Our own address or port has changed: lets the peers of some slots know with an empty message, as they follow the last authentic one.
    ///
    /// A peer that only sends to us would else go on sending to where we were until its own timer asks for a new handshake, 15 seconds
    /// later. Told are those with whom there is a session. For callers who can't keep others from the tunnel for as long as all take.
    /// - Returns: whether there are more slots behind them.
    public mutating func announce(_ slots: Range<Int>, at time: TimePoint) -> Bool {
        for slot in UInt32(slots.lowerBound)..<UInt32(max(slots.lowerBound, min(slots.upperBound, peers.slotCount))) {
            guard let entry = unsafe peers[slot], unsafe entry.pointee.peer.sendingKeypair(at: time.now) != nil else { continue }
            perform(.sendKeepalive, slot, at: time)
        }
        return slots.upperBound < peers.slotCount
    }
}
