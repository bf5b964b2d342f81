internal import LinuxSystem
internal import NetworkTypes

/// The end of a wait, on the clock that the waits are measured on.
struct Deadline {
    /// Nil: never.
    let instant: Instant?

    init(_ limit: WaitLimit) {
        switch limit {
        case .forever: instant = nil
        case .upTo(let interval): instant = Clock.now + interval
        }
    }

    /// What is left: nil for ever, zero when it is over.
    var remaining: Interval? { instant.map { $0.since(Clock.now) } }
}

extension Session {
    /// Whether a packet waits.
    public var isPacketAvailable: Bool {
        guard !hasEnded else { return false }
        if reader.withLock({ $0.hasPending && !$0.isBlocked }) { return true }
        // As a wait would find it: to a reader that found no room for its packet, room that came free since is a packet.
        return poll(for: Interval(nanoseconds: 0)) != 0
    }

    /// Sleeps until a packet waits.
    /// - Returns: false when the time is over or the session has ended. True may be premature: a packet can turn out to be
    ///   malformed, or another thread can be faster.
    public func waitForPacket(_ limit: WaitLimit) -> Bool {
        waitForPacket(until: Deadline(limit))
    }

    func waitForPacket(until deadline: Deadline) -> Bool {
        if hasEnded { return false }
        if isPacketAvailable || spinForPacket(until: deadline) { return true }
        // What another thread leaves of a super-packet that it reads must wake this one.
        watchPending()
        return poll(for: deadline.remaining) != 0
    }

    /// Sleeps on everything that a receiver waits for. A device that is gone is readable for ever, and ends the session.
    /// - Returns: the tokens of what is ready; 0 when the time is over or the session has ended.
    private func poll(for timeout: Interval?) -> UInt64 {
        var errors: UInt64 = 0
        let ready = receivePoller.wait(for: timeout, errors: &errors)
        if errors & (1 << Token.device) != 0, !hasEnded { finish(errno: ErrorNumber.badDescriptorState) }
        return hasEnded ? 0 : ready
    }

    /// Ends the session if the device is gone.
    @inline(never)
    func noticeEnd() {
        _ = poll(for: Interval(nanoseconds: 0))
    }

    private func spinForPacket(until deadline: Deadline) -> Bool {
        guard options.spinMicroseconds > 0 else { return false }
        let spin = Clock.now + Interval(nanoseconds: UInt64(options.spinMicroseconds) * 1000)
        let end = deadline.instant.map { min($0, spin) } ?? spin
        while !hasEnded && Clock.now < end {
            SystemThread.yield()
            if isPacketAvailable { return true }
        }
        return false
    }

    /// Sleeps until a packet of `count` bytes can be allocated. What waits to be flushed is flushed first.
    /// - Returns: false when the time is over or the session has ended.
    public func waitForSpace(_ limit: WaitLimit, count: Int = 1500) -> Bool {
        let span = sendRing.span(min(max(count, 1), SessionOptions.maximumPacketSize))
        let deadline = Deadline(limit)
        flush()
        while !hasEnded {
            guard let ticket = sendRing.beginWaiting(for: span) else { return true }
            let isReady = sleepForSpace(deadline.remaining)
            sendRing.endWaiting(ticket)
            if !isReady { return sendRing.hasRoom(span) }
        }
        return false
    }

    /// Sleeps until room comes free, the session ends, or the device is gone: perhaps nobody reads or writes meanwhile who would learn of it.
    /// - Returns: false when the time is over.
    private func sleepForSpace(_ timeout: Interval?) -> Bool {
        watchDevice(asOneMore: true)
        defer { watchDevice(asOneMore: false) }
        var errors: UInt64 = 0
        let ready = sendPoller.wait(for: timeout, errors: &errors)
        if errors & (1 << Token.device) != 0, !hasEnded { finish(errno: ErrorNumber.badDescriptorState) }
        return ready != 0
    }

    /// Only while somebody sleeps: else each packet that comes would have one more to look whether to wake it.
    private func watchDevice(asOneMore: Bool) {
        writer.withLock { writer in
            if !asOneMore { writer.sleepers -= 1 }
            if writer.sleepers == 0, let descriptor = writer.device?.pollDescriptor {
                if asOneMore {
                    try? sendPoller.add(descriptor, token: Token.device, forReading: false)
                } else {
                    sendPoller.remove(descriptor)
                }
            }
            if asOneMore { writer.sleepers += 1 }
        }
    }

    /// A descriptor that is readable while a packet waits, and from the end of the session on. For poll(2) and its kind; it belongs to the session.
    public var readEvent: Int32 {
        watchPending()
        return receivePoller.rawValue
    }

    private func watchPending() {
        guard !hasEnded else { return }
        reader.withLock { reader in
            reader.isWatched = true
            signalPending(&reader)
        }
    }

    /// A descriptor that is readable from when room comes free in the send ring until the next time that an allocation finds none,
    /// and from the end of the session on. For poll(2) and its kind; it belongs to the session. It is the event of one allocating thread: where
    /// several miss different sizes, ``waitForSpace(_:count:)`` tells them apart.
    public var spaceEvent: Int32 { sendPoller.rawValue }
}
