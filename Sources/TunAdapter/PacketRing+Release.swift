internal import LinuxSystem

extension PacketRing {
    /// Takes one received packet back.
    /// - Returns: false if it was not held.
    @discardableResult
    func release(_ sequence: Int) -> Bool {
        state.withLock { state in
            guard isHeld(state, sequence) else { return false }
            // SAFETY: a held slot is in use.
            unsafe slot(sequence).pointee.state = .released
            state.held &-= 1
            advanceOverReleased(&state)
            return true
        }
    }

    /// Takes a batch of received packets back.
    func release(_ entries: UnsafePointer<ReceivedBatch.Entry>, count: Int) {
        state.withLock { state in
            for i in 0..<count {
                // SAFETY: the batch holds its packets, each once.
                let sequence = unsafe entries[i].sequence
                guard isHeld(state, sequence) else { continue }
                unsafe slot(sequence).pointee.state = .released
                state.held &-= 1
            }
            advanceOverReleased(&state)
        }
    }

    /// Gives one packet to send back: with `count` bytes in it, or with 0 to be skipped.
    /// - Returns: false if it was not held, or has less room than that.
    @discardableResult
    func complete(_ sequence: Int, count: Int) -> Bool {
        state.withLock { state in
            guard isHeld(state, sequence) else { return false }
            return complete(&state, sequence, count: count)
        }
    }

    /// Gives a batch of packets to send back.
    func complete(_ entries: UnsafePointer<OutgoingBatch.Entry>, count: Int) {
        state.withLock { state in
            for i in 0..<count {
                // SAFETY: the batch holds its packets, each once.
                let entry = unsafe entries[i]
                if unsafe isHeld(state, entry.sequence) { unsafe complete(&state, entry.sequence, count: Int(entry.count)) }
            }
        }
    }

    @inline(__always)
    @discardableResult
    func complete(_ state: inout State, _ sequence: Int, count: Int) -> Bool {
        // SAFETY: a held slot is in use.
        let slot = unsafe slot(sequence)
        guard unsafe count <= Int(slot.pointee.count) else { return false }
        unsafe slot.pointee.count = UInt32(truncatingIfNeeded: count)
        unsafe slot.pointee.state = count > 0 ? .ready : .released
        state.held &-= 1
        return true
    }

    /// The oldest slots that are all given back, at most `limit`, in order of allocation.
    ///
    /// Until ``retire(upTo:)`` they stay as they are; only one thread at a time may be between the two calls.
    func readyPrefix(limit: Int) -> Range<Int> {
        state.withLock { state in
            let end = min(state.tail, state.head &+ limit)
            var sequence = state.head
            // SAFETY: slots from `head` to `tail` are in use.
            while unsafe sequence < end && slot(sequence).pointee.state != .allocated { sequence &+= 1 }
            return state.head..<sequence
        }
    }

    /// Frees all slots below `sequence`, which ``readyPrefix(limit:)`` returned.
    func retire(upTo sequence: Int) {
        state.withLock { advance(&$0, to: sequence) }
    }

    /// How many packets are in their holders' hands.
    var heldCount: Int { state.withLock { $0.held } }

    /// The packets in their holders' hands: how many, and the oldest one's place and size in bytes.
    var held: (count: Int, oldestOffset: Int, oldestSize: Int) {
        state.withLock { state in
            var sequence = state.head
            // SAFETY: slots from `head` to `tail` are in use.
            while unsafe sequence < state.tail && slot(sequence).pointee.state != .allocated { sequence &+= 1 }
            guard sequence < state.tail else { return (0, 0, 0) }
            let oldest = unsafe slot(sequence).pointee
            return (state.held, Int(oldest.offset), Int(oldest.count))
        }
    }
}
