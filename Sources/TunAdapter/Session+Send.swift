internal import LinuxSystem

extension Session {
    /// A packet of `count` bytes to be filled, 1 to 65,535. The order of allocation is the order of sending.
    /// - Returns: nil if the ring has no room now (``waitForSpace(_:count:)`` waits for it), if the session has ended, or if no packet can have that size.
    public func allocate(_ count: Int) -> OutgoingPacket? {
        guard !hasEnded, count > 0, count <= SessionOptions.maximumPacketSize,
            let run = sendRing.allocate(1, size: count, lastSize: count, orFewer: false)
        else { return nil }
        return OutgoingPacket(session: self, sequence: run.sequence, offset: run.offset, count: count)
    }

    /// Sends the packet once everything allocated before it is sent or abandoned.
    /// - Parameters:
    ///   - packet: one that this session has allocated.
    ///   - count: how many of its bytes, all by default; at least 1 and at most what was allocated.
    ///   - flushing: false if more follows at once, and then ``flush()`` by the caller.
    public func send(_ packet: consuming OutgoingPacket, count: Int? = nil, flushing: Bool = true) {
        let count = count ?? packet.count
        precondition(packet.session === self, "a packet of another session")
        precondition(count > 0 && count <= packet.count, "more bytes than were allocated")
        packet.sentCount = count
        packet.flushes = flushing
    }

    /// Doesn't send the packet: it is skipped in its place and delays nothing behind it.
    public func abandon(_ packet: consuming OutgoingPacket) {
        precondition(packet.session === self, "a packet of another session")
    }

    /// Allocates `count` packets back to back, of `size` bytes each but for the last, which has `lastSize`, and appends them to `batch`.
    /// - Returns: false, and nothing is allocated, if `batch` or the ring has no room for all, if a size is not in
    ///   1…65,535 or `lastSize` is above `size`, or if the session has ended. A run larger than the whole ring never fits.
    public func allocate(count: Int, size: Int, lastSize: Int, into batch: inout OutgoingBatch) -> Bool {
        guard !hasEnded, count > 0, count <= batch.capacity &- batch.count, lastSize > 0, lastSize <= size,
            size <= SessionOptions.maximumPacketSize
        else { return false }
        if batch.session !== self {
            precondition(batch.isEmpty, "the batch holds packets of another session")
            batch.session = self
        }
        guard let run = sendRing.allocate(count, size: size, lastSize: lastSize, orFewer: false) else { return false }
        unsafe batch.append(run, at: sendRing.packet(at: run.offset))
        return true
    }

    /// Gives all packets of `batch` to be sent, or skipped where abandoned, and empties it. They go with the next ``flush()``.
    public func send(_ batch: inout OutgoingBatch) {
        guard batch.count > 0 else { return }
        precondition(batch.session === self, "the batch holds packets of another session")
        // SAFETY: `count` entries are initialized, and held.
        unsafe sendRing.complete(batch.entries, count: batch.count)
        batch.count = 0
    }

    /// Writes what was given to be sent, in order of allocation, up to the first packet still in somebody's hands. Consecutive
    /// segments of a flow leave as one super-packet.
    ///
    /// Packets that the kernel doesn't take, for example while the interface is down, are lost and counted in ``statistics``.
    public func flush() {
        unsafe flush(noting: DeliveryNotes.Target(notes: nil))
    }

    /// Flushes, and notes in `notes` what became of each packet, behind what is there.
    public func flush(into notes: inout DeliveryNotes) {
        unsafe withUnsafeMutablePointer(to: &notes) { unsafe flush(noting: DeliveryNotes.Target(notes: $0)) }
    }

    private func flush(noting target: DeliveryNotes.Target) {
        guard !hasEnded else { return }
        var refusal: Int32 = 0
        let gone = writer.withLock { writer in
            let gone = unsafe writer.flush(sendRing, target.notes)
            swap(&refusal, &writer.refusalToReport)
            return gone
        }
        if refusal != 0 {
            AdapterLog.write(
                .warning, "\(interfaceName): the kernel refused a super-packet (errno \(refusal)); its packets went one by one")
        }
        if gone != 0 && !hasEnded { finish(errno: gone) }
    }
}
