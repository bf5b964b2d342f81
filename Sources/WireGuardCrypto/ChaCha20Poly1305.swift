internal import CSodium

/// The AEAD of handshake and transport messages. Source: RFC 8439.
///
/// Nonces are WireGuard's: four zero bytes, then the counter in little-endian order. Sealed text is the ciphertext followed by
/// the tag. Output may be where the input is, or apart from it, but not overlap it otherwise.
public enum ChaCha20Poly1305 {
    /// The size of the tag behind the ciphertext, in bytes.
    public static let tagCount = 16
    /// The size of a key, in bytes.
    public static let keyCount = 32
    /// The size of a nonce, in bytes.
    public static let nonceCount = 12

    /// Seals `plaintext` into `plaintext.count + 16` bytes at `output`.
    public static func seal(
        _ plaintext: UnsafeRawBufferPointer, aad: UnsafeRawBufferPointer = unsafe UnsafeRawBufferPointer(start: nil, count: 0),
        counter: UInt64, key: UnsafeRawPointer, into output: UnsafeMutableRawPointer
    ) {
        var nonce = Nonce(counter: counter)
        // SAFETY: a nonce is 12 bytes of memory.
        unsafe Swift.withUnsafeBytes(of: &nonce) { nonce in
            unsafe seal(plaintext, aad: aad, nonce: nonce.baseAddress!, key: key, into: output)
        }
    }

    /// Opens `sealed` into `sealed.count - 16` bytes at `output`, or returns false: it is too short or not authentic.
    ///
    /// Then those bytes at `output` are zero, in place too: the sealed text is gone.
    public static func open(
        _ sealed: UnsafeRawBufferPointer, aad: UnsafeRawBufferPointer = unsafe UnsafeRawBufferPointer(start: nil, count: 0),
        counter: UInt64, key: UnsafeRawPointer, into output: UnsafeMutableRawPointer
    ) -> Bool {
        var nonce = Nonce(counter: counter)
        // SAFETY: a nonce is 12 bytes of memory.
        return unsafe Swift.withUnsafeBytes(of: &nonce) { nonce in
            unsafe open(sealed, aad: aad, nonce: nonce.baseAddress!, key: key, into: output)
        }
    }

    /// Same as ``seal(_:aad:counter:key:into:)`` with any nonce of 12 bytes.
    public static func seal(
        _ plaintext: UnsafeRawBufferPointer, aad: UnsafeRawBufferPointer, nonce: UnsafeRawPointer, key: UnsafeRawPointer,
        into output: UnsafeMutableRawPointer
    ) {
        Sodium.ready()
        let text = unsafe output.assumingMemoryBound(to: UInt8.self)
        // An empty text may have no address, but libsodium declares the pointer to be non-null.
        let input = unsafe plaintext.baseAddress ?? UnsafeRawPointer(output)
        // SAFETY: the caller vouches for room for text and tag at `output`, and for the sizes of nonce and key.
        unsafe crypto_aead_chacha20poly1305_ietf_encrypt_detached(
            text, text + plaintext.count, nil, input.assumingMemoryBound(to: UInt8.self), UInt64(plaintext.count),
            aad.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(aad.count), nil,
            nonce.assumingMemoryBound(to: UInt8.self), key.assumingMemoryBound(to: UInt8.self))
    }

    /// Same as ``open(_:aad:counter:key:into:)`` with any nonce of 12 bytes.
    public static func open(
        _ sealed: UnsafeRawBufferPointer, aad: UnsafeRawBufferPointer, nonce: UnsafeRawPointer, key: UnsafeRawPointer,
        into output: UnsafeMutableRawPointer
    ) -> Bool {
        guard let start = sealed.baseAddress, sealed.count >= tagCount else { return false }
        Sodium.ready()
        let count = sealed.count - tagCount
        let input = unsafe start.assumingMemoryBound(to: UInt8.self)
        // SAFETY: `sealed` is text and tag; the caller vouches for room at `output`, and for the sizes of nonce and key.
        return unsafe crypto_aead_chacha20poly1305_ietf_decrypt_detached(
            output.assumingMemoryBound(to: UInt8.self), nil, input, UInt64(count), input + count,
            aad.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(aad.count),
            nonce.assumingMemoryBound(to: UInt8.self), key.assumingMemoryBound(to: UInt8.self)) == 0
    }

    /// Four zero bytes and the counter, as it lies in memory.
    struct Nonce {
        private var zero: UInt32 = 0
        private var low: UInt32
        private var high: UInt32

        @inline(__always)
        init(counter: UInt64) {
            low = UInt32(truncatingIfNeeded: counter).littleEndian
            high = UInt32(truncatingIfNeeded: counter >> 32).littleEndian
        }
    }
}
