internal import CSodium
internal import Synchronization

/// Where keys stand while they are in force: pages that are locked, so that they are never written to a swap device, and left out of images
/// of the process.
///
/// Slots of 64 and of 128 bytes, on 64-byte boundaries because accelerated ciphers read whole vectors. A slot is zero when it is given out
/// and wiped when it comes back; pages stay for the keys to come. What the system doesn't lock (RLIMIT_MEMLOCK: 8 MiB, 64 KiB before
/// Linux 5.16, are open to everybody; ten thousand peers need 5) is used all the same: a tunnel is better than none.
package enum KeyMemory {
    private static let smallSlot = 64
    private static let largeSlot = 128

    /// Slots of one size.
    private struct Slots {
        let byteCount: Int
        /// The address of a free slot, whose first bytes are that of the next; 0 past the last.
        private var free: UInt = 0
        private var chunk = 4096
        private static let largestChunk = 1 << 16

        init(byteCount: Int) {
            self.byteCount = byteCount
        }

        mutating func take() -> UInt {
            if free == 0 { grow() }
            let slot = free
            // SAFETY: a free slot is ours, and holds what `giveBack` or `grow` wrote there.
            let pointer = unsafe UnsafeMutablePointer<UInt>(bitPattern: slot)!
            free = unsafe pointer.pointee
            unsafe pointer.pointee = 0
            return slot
        }

        mutating func giveBack(_ slot: UInt) {
            // SAFETY: its user has it no more, and the slot has so many bytes.
            let pointer = unsafe UnsafeMutablePointer<UInt>(bitPattern: slot)!
            unsafe wipe(UnsafeMutableRawBufferPointer(start: pointer, count: byteCount))
            unsafe pointer.pointee = free
            free = slot
        }

        private mutating func grow() {
            let pages = UnsafeMutableRawPointer.allocate(byteCount: chunk, alignment: 4096)
            unsafe pages.initializeMemory(as: UInt8.self, repeating: 0, count: chunk)
            // Locks them, and keeps them out of images. SAFETY: whole pages that are ours, and never freed.
            _ = unsafe sodium_mlock(pages, chunk)
            for offset in stride(from: chunk - byteCount, through: 0, by: -byteCount) {
                giveBack(unsafe UInt(bitPattern: pages + offset))
            }
            chunk = min(2 * chunk, Self.largestChunk)
        }
    }

    private static let small = Mutex(Slots(byteCount: smallSlot))
    private static let large = Mutex(Slots(byteCount: largeSlot))

    /// A slot of zeros for `byteCount` bytes, 128 at most. Any thread.
    package static func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
        precondition((1...largeSlot).contains(byteCount))
        let slot = byteCount <= smallSlot ? small.withLock { $0.take() } : large.withLock { $0.take() }
        return unsafe UnsafeMutableRawPointer(bitPattern: slot)!
    }

    /// Wipes the slot and takes it back; nobody may read it any more.
    package static func deallocate(_ slot: UnsafeMutableRawPointer, byteCount: Int) {
        let slot = UInt(bitPattern: slot)
        byteCount <= smallSlot ? small.withLock { $0.giveBack(slot) } : large.withLock { $0.giveBack(slot) }
    }
}
