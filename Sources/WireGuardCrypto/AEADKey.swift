/// A key of ChaCha20-Poly1305, as a session has one for each direction. It wipes itself.
///
/// The 32 bytes are in storage of 64 on a 64-byte boundary, because accelerated ciphers read past the key.
@safe public struct AEADKey: ~Copyable, Sendable {
    // SAFETY: the storage has one owner and is never written after `init`.
    private nonisolated(unsafe) let storage: UnsafeMutableRawPointer

    /// The size of a key, in bytes.
    public static let count = 32

    /// A copy of the 32 bytes at `bytes`.
    public init(_ bytes: UnsafeRawPointer) {
        unsafe storage = KeyMemory.allocate(byteCount: SecretBytes.capacity)
        // SAFETY: the caller vouches for 32 readable bytes.
        unsafe storage.copyMemory(from: bytes, byteCount: Self.count)
    }

    deinit {
        unsafe KeyMemory.deallocate(storage, byteCount: SecretBytes.capacity)
    }

    /// The key's bytes, where they stay until the key goes away.
    public var unsafeBytes: UnsafeRawPointer {
        unsafe UnsafeRawPointer(storage)
    }
}
