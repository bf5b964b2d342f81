internal import CAcceleratedAEAD

/// The AEAD as the data path calls it: transport messages only, one value a thread.
///
/// Which library does the work is chosen when the value is made and costs a predictable branch a packet afterwards.
@safe
public struct TransportCipher: ~Copyable {
    /// The libraries that can do the work.
    public enum Backend: String, Sendable, Hashable, CaseIterable {
        /// The portable default.
        case libsodium
        /// libipsec-mb, about twice as fast where the processor has AVX-512; x86-64 only, if installed.
        case accelerated

        /// The library's name.
        public var library: String { self == .libsodium ? "libsodium" : "libipsec-mb" }
    }

    /// The library in use.
    public let backend: Backend
    private let accelerated: OpaquePointer?
    private let portable = PortableCipher()

    /// The bytes that sealing adds.
    public static let tagCount = ChaCha20Poly1305.tagCount

    /// A cipher of the chosen library, or of libsodium if the other can't be had on this thread.
    /// - Parameter backend: usually ``BackendChoice/backend``.
    public init(_ backend: Backend = .libsodium) {
        unsafe accelerated = backend == .accelerated ? accelerated_aead_create() : nil
        self.backend = unsafe accelerated == nil ? .libsodium : .accelerated
    }

    deinit {
        if let accelerated = unsafe accelerated { unsafe accelerated_aead_destroy(accelerated) }
    }

    /// Seals `count` bytes at `plaintext` into `count + 16` bytes at `output`, which is `plaintext` or apart from it.
    ///
    /// `key` is 32 bytes at the start of 64 readable ones. The caller sees to it that no counter is used twice.
    public func seal(
        counter: UInt64, key: UnsafeRawPointer, plaintext: UnsafeRawPointer, count: Int, into output: UnsafeMutableRawPointer
    ) {
        guard let accelerated = unsafe accelerated else {
            unsafe portable.seal(counter: counter, key: key, plaintext: plaintext, count: count, into: output)
            return
        }
        var nonce = ChaCha20Poly1305.Nonce(counter: counter)
        // SAFETY: the caller vouches for the sizes; the nonce outlives the call.
        unsafe withUnsafeBytes(of: &nonce) { nonce in
            let text = unsafe output.assumingMemoryBound(to: UInt8.self)
            unsafe accelerated_aead_seal(
                accelerated, key.assumingMemoryBound(to: UInt8.self), nonce.baseAddress!.assumingMemoryBound(to: UInt8.self),
                plaintext.assumingMemoryBound(to: UInt8.self), count, text, text + count)
        }
    }

    /// Opens `count` bytes of ciphertext and tag at `sealed` into `count - 16` bytes at `output`, which is `sealed` or apart
    /// from it, or returns false: `count` is below 16 or the tag is wrong. What `output` holds then is undefined, but no plaintext.
    public func open(
        counter: UInt64, key: UnsafeRawPointer, sealed: UnsafeRawPointer, count: Int, into output: UnsafeMutableRawPointer
    ) -> Bool {
        guard let accelerated = unsafe accelerated else {
            return unsafe portable.open(counter: counter, key: key, sealed: sealed, count: count, into: output)
        }
        let textCount = count - Self.tagCount
        guard textCount >= 0 else { return false }
        var nonce = ChaCha20Poly1305.Nonce(counter: counter)
        var tag: (UInt64, UInt64) = (0, 0)
        // SAFETY: the caller vouches for the sizes; nonce and tag outlive the call.
        return unsafe withUnsafeBytes(of: &nonce) { nonce in
            unsafe withUnsafeMutableBytes(of: &tag) { tag in
                unsafe accelerated_aead_open_unverified(
                    accelerated, key.assumingMemoryBound(to: UInt8.self), nonce.baseAddress!.assumingMemoryBound(to: UInt8.self),
                    sealed.assumingMemoryBound(to: UInt8.self), textCount, output.assumingMemoryBound(to: UInt8.self),
                    tag.baseAddress!.assumingMemoryBound(to: UInt8.self))
                // The library leaves the judgement to its caller.
                if unsafe areEqualTags(tag.baseAddress!, sealed + textCount) { return true }
                unsafe wipe(UnsafeMutableRawBufferPointer(start: output, count: textCount))
                return false
            }
        }
    }
}
