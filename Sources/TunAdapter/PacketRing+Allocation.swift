internal import LinuxSystem

extension PacketRing {
    /// Allocates `wanted` packets back to back: `size` bytes each, `lastSize` (not more) for the last one.
    /// - Parameter orFewer: take as many as there is room for, at least one; all of `size` bytes if the last isn't among them.
    /// - Returns: nil without room for them, and then ``space`` is signalled once there is; nil once the ring is closed.
    func allocate(_ wanted: Int, size: Int, lastSize: Int, orFewer: Bool) -> Run? {
        let stride = span(size)
        let total = (wanted &- 1) &* stride &+ span(lastSize)
        return state.withLock { state in
            guard !state.isClosed else { return nil }
            let (atTail, atStart) = room(state)
            let free = freeSlots(state)
            var count = wanted
            var start = state.tailOffset
            if total > atTail || wanted > free {
                if total <= atStart && wanted <= free {
                    start = 0
                } else {
                    let best = max(atTail, atStart)
                    // All of the full size, so the last of `wanted` may still not be among them.
                    count = orFewer ? min(best / stride, free, wanted &- 1) : 0
                    guard count > 0 else {
                        miss(&state, span: orFewer ? min(stride, total) : total)
                        return nil
                    }
                    if atStart > atTail { start = 0 }
                }
            }
            let last = count == wanted ? lastSize : size
            let run = Run(
                sequence: state.tail, offset: start &+ headroom, stride: stride, count: count, size: size, lastSize: last)
            for i in 0..<count {
                // SAFETY: `count` slots are free.
                unsafe slot(state.tail &+ i).initialize(
                    to: Slot(
                        offset: UInt32(truncatingIfNeeded: run.offset &+ i &* stride),
                        count: UInt32(truncatingIfNeeded: i == count &- 1 ? last : size), state: .allocated))
            }
            state.tail &+= count
            state.held &+= count
            state.tailOffset = start &+ (count &- 1) &* stride &+ span(last)
            return run
        }
    }

    /// Moves `head` up to `sequence`, starts afresh if nothing is in use, and tells whoever waits for room.
    @inline(__always)
    func advance(_ state: inout State, to sequence: Int) {
        state.head = sequence
        if state.head == state.tail {
            state.head = 0
            state.tail = 0
            state.tailOffset = 0
        }
        if state.wantedSpan != 0 { announceRoom(&state) }
    }

    /// Moves `head` over everything that is released.
    @inline(__always)
    func advanceOverReleased(_ state: inout State) {
        var head = state.head
        // SAFETY: slots from `head` to `tail` are in use.
        while unsafe head != state.tail && slot(head).pointee.state == .released { head &+= 1 }
        if head != state.head { advance(&state, to: head) }
    }

    /// Whether `sequence` is in its holder's hands: false if it was given back, or never was one.
    @inline(__always)
    func isHeld(_ state: State, _ sequence: Int) -> Bool {
        // SAFETY: only read where in use.
        unsafe sequence >= state.head && sequence < state.tail && slot(sequence).pointee.state == .allocated
    }
}
