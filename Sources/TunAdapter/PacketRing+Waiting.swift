internal import LinuxSystem

// Waiting for room, by these rules:
// - Whoever finds no room notes the span that it misses (`wantedSpan`) in the critical section in which it found none; whoever frees
//   looks there in the critical section in which it frees. Whichever section comes first, nobody sleeps beside room. The mutex is
//   the full barrier between the two.
// - `space` is one event for all who sleep. It is cleared only by those sections, and never while somebody who was told has not yet
//   woken up (`told`): else a thread that misses much could take back the news that there is room for little.
// - The smallest missed span counts; whoever wakes and misses more notes that anew.

extension PacketRing {
    /// What a sleeper holds between the two critical sections around its sleep.
    struct Ticket {
        fileprivate let announcements: Int
    }

    /// Whether `span` bytes can be allocated.
    func hasRoom(_ span: Int) -> Bool {
        state.withLock { fits($0, span: span) }
    }

    /// To be called before sleeping on ``space`` for `span` bytes.
    /// - Returns: nil if there is room; else a ticket, to be given to ``endWaiting(_:)`` after the sleep.
    func beginWaiting(for span: Int) -> Ticket? {
        state.withLock { state in
            if fits(state, span: span) { return nil }
            miss(&state, span: span)
            state.sleepers &+= 1
            return Ticket(announcements: state.announcements)
        }
    }

    /// To be called after sleeping, whatever ended it.
    func endWaiting(_ ticket: consuming Ticket) {
        state.withLock { state in
            guard ticket.announcements != state.announcements else {
                state.sleepers &-= 1
                return
            }
            state.told &-= 1
            if state.told == 0 && state.wantedSpan != 0 { space.clear() }
        }
    }

    /// Forgets that somebody missed room, for a ring with one user who misses it.
    func forgetMiss() {
        state.withLock { state in
            state.wantedSpan = 0
            space.clear()
        }
    }

    @inline(__always)
    func fits(_ state: State, span: Int) -> Bool {
        let (atTail, atStart) = room(state)
        return span <= max(atTail, atStart) && freeSlots(state) > 0
    }

    /// Notes that `span` bytes were missed.
    func miss(_ state: inout State, span: Int) {
        // Noted before, the event is cleared already; while some are being told, the last of them clears it.
        if state.wantedSpan == 0 && state.told == 0 { space.clear() }
        state.wantedSpan = state.wantedSpan == 0 ? span : min(state.wantedSpan, span)
    }

    /// Tells all who sleep, if there is now what one of them misses.
    func announceRoom(_ state: inout State) {
        guard fits(state, span: state.wantedSpan), generation.isCurrent else { return }
        state.wantedSpan = 0
        state.announcements &+= 1
        state.told &+= state.sleepers
        state.sleepers = 0
        space.signal()
    }
}
