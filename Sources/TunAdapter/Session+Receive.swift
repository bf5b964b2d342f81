internal import LinuxSystem
internal import NetworkTypes

extension Session {
    /// The next packet, without waiting.
    /// - Returns: nil if none waits, or if all of the ring is in the callers' hands.
    /// - Throws: `handleEndOfFile` once the session has ended.
    public func receive() throws(AdapterError) -> ReceivedPacket? {
        try checkRunning()
        var reads = Self.readsPerPacket
        guard let run = try nextRun(limit: 1, reads: &reads)?.run else { return nil }
        return ReceivedPacket(session: self, sequence: run.sequence, offset: run.offset, count: run.lastSize)
    }

    /// The next packet; waits for it.
    /// - Returns: nil once the session has ended (``endReason`` says why), or when the time is over.
    public func receive(waiting limit: WaitLimit) throws(AdapterError) -> ReceivedPacket? {
        let deadline = Deadline(limit)
        while !hasEnded {
            do {
                if let packet = try receive() { return packet }
            } catch  where error.code == .handleEndOfFile {
                return nil
            }
            guard waitForPacket(until: deadline) else { return nil }
        }
        return nil
    }

    /// Appends packets to `batch` until it is full, nothing waits, the ring is full, or `superPackets` reads are done.
    /// - Parameters:
    ///   - batch: where they go; it may have some already.
    ///   - superPackets: the most reads from the device, each of which may bring dozens of packets.
    /// - Returns: how many packets were appended.
    /// - Throws: `handleEndOfFile` once the session has ended.
    public func receive(into batch: inout ReceivedBatch, superPackets: Int = 8) throws(AdapterError) -> Int {
        try checkRunning()
        if batch.session !== self {
            precondition(batch.isEmpty, "the batch holds packets of another session")
            batch.session = self
        }
        let before = batch.count
        var reads = superPackets
        while batch.count < batch.capacity {
            do {
                guard let next = try nextRun(limit: batch.capacity &- batch.count, reads: &reads) else { break }
                unsafe batch.append(next.run, superPacket: next.superPacket, at: receiveRing.packet(at: next.run.offset))
            } catch {
                // What came before the end is delivered; the next call throws.
                if batch.count > before { break }
                throw error
            }
        }
        return batch.count &- before
    }

    /// Gives all packets of `batch` back and empties it.
    public func release(_ batch: inout ReceivedBatch) {
        guard batch.count > 0 else { return }
        precondition(batch.session === self, "the batch holds packets of another session")
        // SAFETY: `count` entries are initialized, and held.
        unsafe receiveRing.release(batch.entries, count: batch.count)
        batch.count = 0
        batch.byteCount = 0
    }

    /// A malformed super-packet costs a read and brings nothing; so many are tried for one packet.
    static var readsPerPacket: Int { 4 }

    struct NextRun {
        var run: PacketRing.Run
        var superPacket: UInt32
    }

    /// Lays the next packets into the ring; nil if there are none or no room.
    @inline(__always)
    func nextRun(limit: Int, reads: inout Int) throws(AdapterError) -> NextRun? {
        var allowed = reads
        let outcome = reader.withLock { reader in
            if reader.isBlocked { unblock(&reader) }
            let outcome = reader.next(limit: limit, reads: &allowed, into: receiveRing)
            if case .noRoom = outcome { block(&reader) }
            if reader.isWatched { signalPending(&reader) }
            return outcome
        }
        reads = allowed
        switch outcome {
        case .packets(let run, let superPacket):
            return NextRun(run: run, superPacket: superPacket)
        case .nothing:
            try checkRunning()
            return nil
        case .noRoom:
            // Reading would have told that the device is gone. A ring that was closed meanwhile has no room either.
            noticeEnd()
            try checkRunning()
            return nil
        case .ended(let errno):
            finish(errno: errno)
            try checkRunning()
            return nil
        }
    }

    /// With no room in the ring, waiting packets are nothing to wake up for: from now on room is, and the interface's deletion.
    private func block(_ reader: inout SessionReader) {
        reader.isBlocked = true
        if let descriptor = reader.device?.pollDescriptor {
            receivePoller.watch(descriptor, token: Token.device, forReading: false)
        }
    }

    private func unblock(_ reader: inout SessionReader) {
        reader.isBlocked = false
        receiveRing.forgetMiss()
        if let descriptor = reader.device?.pollDescriptor {
            receivePoller.watch(descriptor, token: Token.device, forReading: true)
        }
    }

    /// Brings the event for outside watchers in line with what is at hand.
    func signalPending(_ reader: inout SessionReader) {
        let wanted = reader.hasPending && !reader.isBlocked
        guard wanted != reader.isPendingSignalled else { return }
        reader.isPendingSignalled = wanted
        if wanted { pendingEvent.signal() } else { pendingEvent.clear() }
    }
}
