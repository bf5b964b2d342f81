// The packets as bare pointers, for callers whose language has no ownership. What the compiler can't see here, the ring checks.

extension Session {
    /// The next packet as a pointer into the ring, writable in place; the caller releases it with ``unsafeRelease(_:)-(UnsafeRawPointer)``.
    /// - Returns: nil if none waits, or if all of the ring is in the callers' hands.
    /// - Throws: `handleEndOfFile` once the session has ended.
    public func unsafeReceive() throws(AdapterError) -> UnsafeMutableRawBufferPointer? {
        try checkRunning()
        var reads = Self.readsPerPacket
        guard let run = try nextRun(limit: 1, reads: &reads)?.run else { return nil }
        return unsafe UnsafeMutableRawBufferPointer(start: receiveRing.packet(at: run.offset), count: run.lastSize)
    }

    /// Fills `packets` from its beginning with what waits, without waiting; the caller releases them.
    /// - Parameters:
    ///   - packets: where they are written.
    ///   - superPackets: the most reads from the device, each of which may bring dozens of packets.
    /// - Returns: how many were received; 0 if none waits, or if all of the ring is in the callers' hands.
    /// - Throws: `handleEndOfFile` once the session has ended.
    public func unsafeReceive(
        into packets: UnsafeMutableBufferPointer<UnsafePacket>, superPackets: Int = 8
    ) throws(AdapterError) -> Int {
        try checkRunning()
        var count = 0
        var reads = superPackets
        while count < packets.count {
            do throws(AdapterError) {
                guard let next = try nextRun(limit: packets.count &- count, reads: &reads) else { break }
                // SAFETY: the run lies in the ring, and `limit` left room for it.
                var start = unsafe receiveRing.packet(at: next.run.offset)
                for i in 0..<next.run.count {
                    let size = i == next.run.count &- 1 ? next.run.lastSize : next.run.size
                    unsafe packets[count] = UnsafePacket(
                        start: start, count: UInt32(truncatingIfNeeded: size), superPacket: next.superPacket)
                    unsafe start += next.run.stride
                    count &+= 1
                }
            } catch {
                // What came before the end is delivered; the next call throws.
                if count > 0 { break }
                throw error
            }
        }
        return count
    }

    /// Takes a received packet back, by its first byte; after the end of the session too.
    /// - Throws: `invalidHandle` if the pointer is none of a received packet of this session, or was released already.
    public func unsafeRelease(_ packet: UnsafeRawPointer) throws(AdapterError) {
        let start = unsafe UnsafeMutableRawPointer(mutating: packet)
        var one = unsafe UnsafePacket(start: start, count: 0)
        // SAFETY: a pointer that is no packet of the ring is only compared.
        let isHeld = unsafe withUnsafePointer(to: &one) { unsafe receiveRing.release(UnsafeBufferPointer(start: $0, count: 1)) }
        guard isHeld else { throw notReceived }
    }

    /// Takes received packets back, in one critical section.
    /// - Throws: `invalidHandle` if some of them were not held; the others are released.
    public func unsafeRelease(_ packets: UnsafeBufferPointer<UnsafePacket>) throws(AdapterError) {
        guard unsafe receiveRing.release(packets) else { throw notReceived }
    }

    /// A packet of `count` bytes to be filled, 1 to 65,535, as a pointer into the ring; the caller sends or abandons it.
    /// - Throws: `bufferOverflow` if the ring has no room now, `handleEndOfFile` once the session has ended, `invalidParameter` for
    ///   another size.
    public func unsafeAllocate(_ count: Int) throws(AdapterError) -> UnsafeMutableRawPointer {
        try checkSize(count)
        try checkRunning()
        guard let run = sendRing.allocate(1, size: count, lastSize: count, orFewer: false) else {
            try checkRunning()
            throw noRoom(count)
        }
        return unsafe sendRing.packet(at: run.offset)
    }

    /// Fills `packets` from its beginning with packets of `size` bytes to be filled, back to back, as many as there is room for.
    /// - Returns: how many, at least one.
    /// - Throws: as ``unsafeAllocate(_:)``.
    public func unsafeAllocate(
        _ size: Int, into packets: UnsafeMutableBufferPointer<UnsafePacket>
    ) throws(AdapterError) -> Int {
        try checkSize(size)
        try checkRunning()
        guard packets.count > 0 else { return 0 }
        // More never fit, and their number times their size can't overflow.
        let wanted = min(packets.count, options.capacity)
        guard let run = sendRing.allocate(wanted, size: size, lastSize: size, orFewer: true) else {
            try checkRunning()
            throw noRoom(size)
        }
        // SAFETY: the run lies in the ring, and `wanted` is within the caller's array.
        var start = unsafe sendRing.packet(at: run.offset)
        for i in 0..<run.count {
            unsafe packets[i] = UnsafePacket(start: start, count: UInt32(truncatingIfNeeded: size))
            unsafe start += run.stride
        }
        return run.count
    }

    /// Sends an allocated packet, by its first byte, and flushes.
    /// - Parameters:
    ///   - packet: where it begins.
    ///   - count: how many of its bytes; nil for all.
    /// - Throws: `invalidHandle` if the pointer is none of an allocated packet of this session, or was given back already;
    ///   `invalidParameter` for 0 or more bytes than were allocated, and then the packet stays the caller's.
    public func unsafeSend(_ packet: UnsafeRawPointer, count: Int? = nil) throws(AdapterError) {
        guard let allocated = unsafe sendRing.capacity(ofPacket: packet) else { throw notAllocated }
        let count = count ?? allocated
        guard count > 0, count <= allocated else {
            throw AdapterError(
                .invalidParameter, "\(count) bytes of a packet of \(allocated)", remedy: "send at least 1 and at most what was allocated")
        }
        try unsafe complete(packet, count: count)
    }

    /// Gives an allocated packet back unsent, by its first byte.
    /// - Throws: `invalidHandle` as for ``unsafeSend(_:count:)``.
    public func unsafeAbandon(_ packet: UnsafeRawPointer) throws(AdapterError) {
        try unsafe complete(packet, count: 0)
    }

    /// Sends allocated packets, each with as many bytes as it says, in one critical section, and flushes.
    /// - Throws: `invalidHandle` if some were not held, or have more bytes than were allocated; the others are sent.
    public func unsafeSend(_ packets: UnsafeBufferPointer<UnsafePacket>) throws(AdapterError) {
        let isEachHeld = unsafe sendRing.complete(packets)
        flush()
        guard isEachHeld else { throw notAllocated }
    }

    private func complete(_ packet: UnsafeRawPointer, count: Int) throws(AdapterError) {
        let start = unsafe UnsafeMutableRawPointer(mutating: packet)
        var one = unsafe UnsafePacket(start: start, count: UInt32(truncatingIfNeeded: count))
        // SAFETY: a pointer that is no packet of the ring is only compared.
        let isHeld = unsafe withUnsafePointer(to: &one) { unsafe sendRing.complete(UnsafeBufferPointer(start: $0, count: 1)) }
        guard isHeld else { throw notAllocated }
        flush()
    }

    private func checkSize(_ size: Int) throws(AdapterError) {
        guard size > 0, size <= SessionOptions.maximumPacketSize else {
            throw AdapterError(.invalidParameter, "a packet of \(size) bytes", remedy: "packets have 1 to 65535 bytes")
        }
    }

    private func noRoom(_ size: Int) -> AdapterError {
        AdapterError(
            .bufferOverflow, "the send ring of \(interfaceName) has no room for \(size) bytes",
            remedy: "wait for space, or use a larger capacity")
    }

    private var notReceived: AdapterError {
        AdapterError(
            .invalidHandle, "the pointer is no received packet of the session of \(interfaceName)",
            remedy: "release each packet once, by the pointer that receiving gave")
    }

    private var notAllocated: AdapterError {
        AdapterError(
            .invalidHandle, "the pointer is no allocated packet of the session of \(interfaceName)",
            remedy: "send or abandon each packet once, by the pointer that allocating gave, and with no more bytes than were allocated")
    }
}
