/// The 32 bytes of a secret in ``KeyMemory``, wiped when the last reference goes away.
///
/// The storage is 64 bytes on a 64-byte boundary, of which the last 32 stay zero: accelerated ciphers read whole vectors.
/// Bytes never change after initialization, so references may be shared between threads.
@safe final class SecretBytes: Sendable {
    static let count = 32
    static let capacity = 64

    // SAFETY: written only in `init`, before any other thread can see the object; freed only in `deinit`.
    private nonisolated(unsafe) let storage: UnsafeMutableRawPointer

    /// `body` fills in the 32 bytes, which are zero before.
    init(_ body: (UnsafeMutableRawBufferPointer) -> Void) {
        unsafe storage = KeyMemory.allocate(byteCount: Self.capacity)
        unsafe body(UnsafeMutableRawBufferPointer(start: storage, count: Self.count))
    }

    /// A copy of 32 bytes, or nil if `bytes` has another length.
    convenience init?(copying bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.count else { return nil }
        unsafe self.init { unsafe $0.copyMemory(from: bytes) }
    }

    deinit {
        unsafe KeyMemory.deallocate(storage, byteCount: Self.capacity)
    }

    /// Calls `body` with the 32 bytes.
    func withUnsafeBytes<R: ~Copyable, E>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try unsafe body(UnsafeRawBufferPointer(start: storage, count: Self.count))
    }

    var isZero: Bool {
        unsafe constantTimeIsZero(storage, count: Self.count)
    }

    static func == (a: SecretBytes, b: SecretBytes) -> Bool {
        unsafe constantTimeEqual(a.storage, b.storage, count: Self.count)
    }
}
