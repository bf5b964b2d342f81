import WireGuardCrypto

/// Secret bytes at an address of their own, written once and wiped when the last holder lets go.
@safe
final class WipingBytes: Sendable {
    private nonisolated(unsafe) let storage: UnsafeMutableRawBufferPointer

    /// - Parameter fill: writes all `byteCount` bytes.
    init(byteCount: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) {
        // SAFETY: nobody else has the address before this initialiser ends, and nobody writes after it.
        unsafe storage = UnsafeMutableRawBufferPointer(start: KeyMemory.allocate(byteCount: byteCount), count: byteCount)
        unsafe fill(storage)
    }

    /// 32 random bytes.
    convenience init(using generator: inout some RandomNumberGenerator) {
        unsafe self.init(byteCount: 32) { destination in
            // Each word goes where it stays: gathered in a variable all of them would be left on the stack.
            for i in 0..<4 {
                unsafe destination.storeBytes(of: generator.next().littleEndian, toByteOffset: 8 * i, as: UInt64.self)
            }
        }
    }

    /// A copy.
    convenience init(copying bytes: UnsafeRawBufferPointer) {
        unsafe self.init(byteCount: bytes.count) { unsafe $0.copyMemory(from: bytes) }
    }

    deinit {
        // SAFETY: allocated in `init`, and this was the last reference.
        unsafe KeyMemory.deallocate(storage.baseAddress!, byteCount: storage.count)
    }

    func withUnsafeBytes<R: ~Copyable, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        unsafe try body(UnsafeRawBufferPointer(storage))
    }
}
