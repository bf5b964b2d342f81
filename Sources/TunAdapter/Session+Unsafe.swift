// The packets as bare pointers, for callers whose language has no ownership. What the compiler can't see here, the ring checks.

extension Session {
    /// The next packet as a pointer into the ring, writable in place; the caller releases it with ``unsafeRelease(_:)``.
    /// - Returns: nil if none waits, or if all of the ring is in the callers' hands.
    /// - Throws: `handleEndOfFile` once the session has ended.
    public func unsafeReceive() throws(AdapterError) -> UnsafeMutableRawBufferPointer? {
        try checkRunning()
        var reads = Self.readsPerPacket
        guard let run = try nextRun(limit: 1, reads: &reads)?.run else { return nil }
        return unsafe UnsafeMutableRawBufferPointer(start: receiveRing.packet(at: run.offset), count: run.lastSize)
    }

    /// Takes a received packet back, by its first byte; after the end of the session too.
    /// - Throws: `invalidHandle` if the pointer is none of a received packet of this session, or was released already.
    public func unsafeRelease(_ packet: UnsafeRawPointer) throws(AdapterError) {
        guard let sequence = unsafe receiveRing.sequence(ofPacket: packet), receiveRing.release(sequence) else {
            throw AdapterError(
                .invalidHandle, "the pointer is no received packet of the session of \(interfaceName)",
                remedy: "release each packet once, by the pointer that receiving gave")
        }
    }

    /// A packet of `count` bytes to be filled, 1 to 65,535, as a pointer into the ring; the caller sends or abandons it.
    /// - Throws: `bufferOverflow` if the ring has no room now, `handleEndOfFile` once the session has ended, `invalidParameter` for
    ///   another size.
    public func unsafeAllocate(_ count: Int) throws(AdapterError) -> UnsafeMutableRawPointer {
        guard count > 0, count <= SessionOptions.maximumPacketSize else {
            throw AdapterError(.invalidParameter, "a packet of \(count) bytes", remedy: "packets have 1 to 65535 bytes")
        }
        try checkRunning()
        guard let run = sendRing.allocate(1, size: count, lastSize: count, orFewer: false) else {
            throw AdapterError(
                .bufferOverflow, "the send ring of \(interfaceName) has no room for \(count) bytes",
                remedy: "wait for space, or use a larger capacity")
        }
        return unsafe sendRing.packet(at: run.offset)
    }

    /// Sends an allocated packet, by its first byte, and flushes.
    /// - Parameter count: how many of its bytes; nil for all.
    /// - Throws: `invalidHandle` if the pointer is none of an allocated packet of this session, or was given back already;
    ///   `invalidParameter` for 0 or more bytes than were allocated, and then the packet stays the caller's.
    public func unsafeSend(_ packet: UnsafeRawPointer, count: Int? = nil) throws(AdapterError) {
        let sequence = try unsafe heldSequence(packet)
        let allocated = unsafe Int(sendRing.slot(sequence).pointee.count)
        let count = count ?? allocated
        guard count > 0, count <= allocated else {
            throw AdapterError(
                .invalidParameter, "\(count) bytes of a packet of \(allocated)", remedy: "send at least 1 and at most what was allocated")
        }
        try complete(sequence, count: count)
    }

    /// Gives an allocated packet back unsent, by its first byte.
    /// - Throws: `invalidHandle` as for ``unsafeSend(_:count:)``.
    public func unsafeAbandon(_ packet: UnsafeRawPointer) throws(AdapterError) {
        try complete(try unsafe heldSequence(packet), count: 0)
    }

    private func heldSequence(_ packet: UnsafeRawPointer) throws(AdapterError) -> Int {
        guard let sequence = unsafe sendRing.sequence(ofPacket: packet) else { throw notHeld }
        return sequence
    }

    private func complete(_ sequence: Int, count: Int) throws(AdapterError) {
        guard sendRing.complete(sequence, count: count) else { throw notHeld }
        flush()
    }

    private var notHeld: AdapterError {
        AdapterError(
            .invalidHandle, "the pointer is no allocated packet of the session of \(interfaceName)",
            remedy: "send or abandon each packet once, by the pointer that allocating gave")
    }
}
