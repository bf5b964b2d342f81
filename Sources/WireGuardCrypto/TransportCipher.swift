/// The AEAD as the data path calls it: transport messages only, one value a thread.
///
/// Which library does the work is chosen when the value is made and costs a predictable branch a packet afterwards.
public struct TransportCipher: ~Copyable {
    /// The libraries that can do the work.
    public enum Backend: Sendable, Hashable {
        /// The portable default.
        case libsodium
    }

    /// The library in use.
    public let backend: Backend

    /// The bytes that sealing adds.
    public static let tagCount = ChaCha20Poly1305.tagCount

    public init() {
        Sodium.ready()
        backend = .libsodium
    }

    /// Seals `count` bytes at `plaintext` into `count + 16` bytes at `output`, which is `plaintext` or apart from it.
    ///
    /// `key` is an ``AEADKey``'s ``AEADKey/unsafeBytes``. The caller sees to it that no counter is used twice.
    public func seal(
        counter: UInt64, key: UnsafeRawPointer, plaintext: UnsafeRawPointer, count: Int, into output: UnsafeMutableRawPointer
    ) {
        switch backend {
        case .libsodium:
            // SAFETY: the caller vouches for the sizes.
            unsafe ChaCha20Poly1305.seal(
                UnsafeRawBufferPointer(start: plaintext, count: count), counter: counter, key: key, into: output)
        }
    }

    /// Opens `count` bytes of ciphertext and tag at `sealed` into `count - 16` bytes at `output`, which is `sealed` or apart
    /// from it, or returns false: `count` is below 16 or the tag is wrong. What `output` holds then is undefined, but no plaintext.
    public func open(
        counter: UInt64, key: UnsafeRawPointer, sealed: UnsafeRawPointer, count: Int, into output: UnsafeMutableRawPointer
    ) -> Bool {
        switch backend {
        case .libsodium:
            // SAFETY: the caller vouches for the sizes.
            unsafe ChaCha20Poly1305.open(
                UnsafeRawBufferPointer(start: sealed, count: count), counter: counter, key: key, into: output)
        }
    }
}
