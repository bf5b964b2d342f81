internal import CSodium

/// The AEAD of cookie replies, whose nonce of 24 bytes can be drawn at random. Source: draft-irtf-cfrg-xchacha.
public enum XChaCha20Poly1305 {
    /// The size of the tag behind the ciphertext, in bytes.
    public static let tagCount = 16
    /// The size of a nonce, in bytes.
    public static let nonceCount = 24

    /// Seals `plaintext` into `plaintext.count + 16` bytes at `output`; `key` has 32 bytes and `nonce` 24.
    public static func seal(
        _ plaintext: UnsafeRawBufferPointer, aad: UnsafeRawBufferPointer, nonce: UnsafeRawPointer, key: UnsafeRawPointer,
        into output: UnsafeMutableRawPointer
    ) {
        Sodium.ready()
        let text = unsafe output.assumingMemoryBound(to: UInt8.self)
        let input = unsafe plaintext.baseAddress ?? UnsafeRawPointer(output)
        // SAFETY: the caller vouches for room for text and tag at `output`, and for the sizes of nonce and key.
        unsafe crypto_aead_xchacha20poly1305_ietf_encrypt_detached(
            text, text + plaintext.count, nil, input.assumingMemoryBound(to: UInt8.self), UInt64(plaintext.count),
            aad.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(aad.count), nil,
            nonce.assumingMemoryBound(to: UInt8.self), key.assumingMemoryBound(to: UInt8.self))
    }

    /// Opens `sealed` into `sealed.count - 16` bytes at `output`, or returns false: it is too short or not authentic.
    public static func open(
        _ sealed: UnsafeRawBufferPointer, aad: UnsafeRawBufferPointer, nonce: UnsafeRawPointer, key: UnsafeRawPointer,
        into output: UnsafeMutableRawPointer
    ) -> Bool {
        guard let start = sealed.baseAddress, sealed.count >= tagCount else { return false }
        Sodium.ready()
        let count = sealed.count - tagCount
        let input = unsafe start.assumingMemoryBound(to: UInt8.self)
        // SAFETY: `sealed` is text and tag; the caller vouches for room at `output`, and for the sizes of nonce and key.
        return unsafe crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
            output.assumingMemoryBound(to: UInt8.self), nil, input, UInt64(count), input + count,
            aad.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(aad.count),
            nonce.assumingMemoryBound(to: UInt8.self), key.assumingMemoryBound(to: UInt8.self)) == 0
    }
}

/// The function that turns a key and the first 16 bytes of a long nonce into the key of one message.
/// Source: draft-irtf-cfrg-xchacha section 2.2.
public enum HChaCha20 {
    /// Writes the subkey of 32 bytes to `output`; `key` has 32 bytes and `nonce` 16.
    public static func subkey(key: UnsafeRawPointer, nonce: UnsafeRawPointer, into output: UnsafeMutableRawPointer) {
        Sodium.ready()
        // SAFETY: the caller vouches for the sizes.
        _ = unsafe crypto_core_hchacha20(
            output.assumingMemoryBound(to: UInt8.self), nonce.assumingMemoryBound(to: UInt8.self),
            key.assumingMemoryBound(to: UInt8.self), nil)
    }
}
