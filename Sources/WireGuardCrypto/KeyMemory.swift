internal import CSodium
internal import Synchronization

/// Where keys stand while they are in force: pages that are locked, so that they are never written to a swap device, and left out of images
/// of the process.
///
/// Slots of 64 and of 128 bytes, on 64-byte boundaries because accelerated ciphers read whole vectors. A slot is zero when it is given out
/// and wiped when it comes back; pages stay for the keys to come. What the system doesn't lock (RLIMIT_MEMLOCK: 8 MiB, 64 KiB before
/// Linux 5.16, are open to everybody; ten thousand peers need 5) is used all the same, and counted: a tunnel is better than none.
package enum KeyMemory {
    private static let smallSlot = 64
    private static let largeSlot = 128

    /// Slots of one size.
    struct Slots {
        let byteCount: Int
        /// Bytes that the system didn't lock.
        private(set) var unlockedByteCount = 0
        private let lock: @Sendable (_ address: UInt, _ byteCount: Int) -> Bool
        /// The address of a free slot, whose first bytes are that of the next; 0 past the last.
        private var free: UInt = 0
        private var chunk = 4096
        private static let largestChunk = 1 << 16

        /// - Parameter lock: as ``KeyMemory/lock(_:_:)``.
        init(byteCount: Int, lock: @escaping @Sendable (_ address: UInt, _ byteCount: Int) -> Bool = KeyMemory.lock) {
            self.byteCount = byteCount
            self.lock = lock
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
            // Whole pages that are ours, and never freed.
            if !lock(UInt(bitPattern: pages), chunk) { unlockedByteCount += chunk }
            for offset in stride(from: chunk - byteCount, through: 0, by: -byteCount) {
                giveBack(unsafe UInt(bitPattern: pages + offset))
            }
            chunk = min(2 * chunk, Self.largestChunk)
        }
    }

    /// Locks whole pages and keeps them out of images; false if they aren't locked.
    fileprivate static func lock(_ address: UInt, _ byteCount: Int) -> Bool {
        // SAFETY: only flags of the pages change; if they are nobody's, the system says so.
        unsafe sodium_mlock(UnsafeMutableRawPointer(bitPattern: address)!, byteCount) == 0
    }

    private static let small = Mutex(Slots(byteCount: smallSlot))
    private static let large = Mutex(Slots(byteCount: largeSlot))

    /// Bytes that the system didn't lock, of keys in force and of those to come. Any thread.
    package static var unlockedByteCount: Int {
        small.withLock { $0.unlockedByteCount } + large.withLock { $0.unlockedByteCount }
    }

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
