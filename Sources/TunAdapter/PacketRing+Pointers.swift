internal import LinuxSystem
import Synchronization

// Packets given back by their first byte, for callers without ownership: looked up and given back in one critical section, so that of
// two threads that give the same packet back only one succeeds, and neither a packet allocated in its place later.
extension PacketRing {
    /// Takes received packets back.
    /// - Returns: whether all were held; those that were not are passed over.
    func release(_ packets: UnsafeBufferPointer<UnsafePacket>) -> Bool {
        state.withLock { state in
            var isEachHeld = true
            for i in packets.indices {
                // SAFETY: the caller's array; a pointer found in the ring is that of a slot in use.
                if let start = unsafe packets[i].start, let sequence = unsafe held(state, start) {
                    unsafe slot(sequence).pointee.state = .released
                    state.held &-= 1
                } else {
                    isEachHeld = false
                }
            }
            advanceOverReleased(&state)
            return isEachHeld
        }
    }

    /// Gives packets to send back, each with as many bytes as it says, 0 to be skipped.
    /// - Returns: whether all were held and had room for that; those that didn't are passed over.
    func complete(_ packets: UnsafeBufferPointer<UnsafePacket>) -> Bool {
        state.withLock { state in
            var isEachHeld = true
            for i in packets.indices {
                // SAFETY: as above.
                let packet = unsafe packets[i]
                guard let start = unsafe packet.start, let sequence = unsafe held(state, start),
                    unsafe complete(&state, sequence, count: Int(packet.count))
                else {
                    isEachHeld = false
                    continue
                }
            }
            return isEachHeld
        }
    }

    /// The most bytes that the held packet which begins at `packet` may have; nil if there is none.
    func capacity(ofPacket packet: UnsafeRawPointer) -> Int? {
        state.withLock { state in
            // SAFETY: a held slot is in use.
            unsafe held(state, packet).map { unsafe Int(slot($0).pointee.count) }
        }
    }

    /// The sequence of the held packet that begins at `packet`, if there is one.
    func sequence(ofPacket packet: UnsafeRawPointer) -> Int? {
        state.withLock { unsafe held($0, packet) }
    }

    /// The same under the lock: a search over slots in order of memory.
    private func held(_ state: State, _ packet: UnsafeRawPointer) -> Int? {
        // Addresses far apart must not overflow.
        let distance = Int(bitPattern: packet) &- Int(bitPattern: unsafe memory.start)
        guard distance >= headroom, distance < memory.count, state.head != state.tail else { return nil }
        // Slots lie in order of memory from the oldest on, once around.
        // SAFETY: slots from `head` to `tail` are in use.
        let origin = unsafe Int(slot(state.head).pointee.offset)
        let wanted = (distance &- origin) & (memory.count &- 1)
        // Who gives back in order asks for the oldest.
        if wanted == 0 { return isHeld(state, state.head) ? state.head : nil }
        var low = state.head
        var high = state.tail
        while low < high {
            let middle = low &+ (high &- low) / 2
            let position = unsafe (Int(slot(middle).pointee.offset) &- origin) & (memory.count &- 1)
            if position < wanted { low = middle &+ 1 } else { high = middle }
        }
        guard low < state.tail, unsafe Int(slot(low).pointee.offset) == distance, isHeld(state, low) else { return nil }
        return low
    }
}
