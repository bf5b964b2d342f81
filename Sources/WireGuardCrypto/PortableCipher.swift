internal import CSodium

/// ChaCha20-Poly1305 for transport messages, put together from libsodium's two primitives as RFC 8439 section 2.8 says.
///
/// libsodium's own AEAD asks for the Poly1305 key and for the text's key stream in two calls, and its vectorised ChaCha20 works in
/// runs of 512 bytes with a slow path for the rest. Here one call makes the key stream for both, in whole runs: what is made too
/// much costs less than the slow path would.
@safe
struct PortableCipher: ~Copyable {
    private static let blockCount = 64
    /// What the vectorised code works in.
    private static let runCount = 512
    /// A remainder up to here is cheaper on the slow path than as a whole run.
    private static let shortCount = 64
    /// The largest text: an IP packet's largest size, rounded up.
    private static let capacity = blockCount + (1 << 16) + runCount

    /// The key stream of the message at hand: a block whose first half is the Poly1305 key, then the text's.
    private let stream: UnsafeMutableRawPointer

    init() {
        Sodium.ready()
        unsafe stream = .allocate(byteCount: Self.capacity, alignment: 64)
    }

    deinit {
        unsafe wipe(UnsafeMutableRawBufferPointer(start: stream, count: Self.capacity))
        unsafe stream.deallocate()
    }

    func seal(
        counter: UInt64, key: UnsafeRawPointer, plaintext: UnsafeRawPointer, count: Int, into output: UnsafeMutableRawPointer
    ) {
        unsafe makeStream(counter: counter, key: key, count: count)
        unsafe Self.combine(plaintext, stream + Self.blockCount, count: count, into: output)
        unsafe authenticate(output, count: count, into: output + count)
    }

    func open(
        counter: UInt64, key: UnsafeRawPointer, sealed: UnsafeRawPointer, count: Int, into output: UnsafeMutableRawPointer
    ) -> Bool {
        let textCount = count - TransportCipher.tagCount
        guard textCount >= 0 else { return false }
        unsafe makeStream(counter: counter, key: key, count: textCount)
        var tag: (UInt64, UInt64) = (0, 0)
        // SAFETY: the caller vouches for `count` bytes at `sealed`, the tag last; `tag` is 16 bytes.
        let isAuthentic = unsafe withUnsafeMutableBytes(of: &tag) { tag in
            unsafe authenticate(sealed, count: textCount, into: tag.baseAddress!)
            return unsafe areEqualTags(tag.baseAddress!, sealed + textCount)
        }
        if isAuthentic { unsafe Self.combine(sealed, stream + Self.blockCount, count: textCount, into: output) }
        return isAuthentic
    }

    private func makeStream(counter: UInt64, key: UnsafeRawPointer, count: Int) {
        let needed = Self.blockCount + count
        precondition(needed <= Self.capacity - Self.runCount)
        let remainder = needed % Self.runCount
        let made = remainder <= Self.shortCount ? needed : needed - remainder + Self.runCount
        var nonce = ChaCha20Poly1305.Nonce(counter: counter)
        // SAFETY: `made` is within the capacity; the key is 32 bytes, the nonce 12.
        unsafe withUnsafeBytes(of: &nonce) { nonce in
            _ = unsafe crypto_stream_chacha20_ietf(
                stream.assumingMemoryBound(to: UInt8.self), UInt64(made), nonce.baseAddress!.assumingMemoryBound(to: UInt8.self),
                key.assumingMemoryBound(to: UInt8.self))
        }
    }

    /// XORs text and key stream, 64 bytes at a time.
    @inline(__always)
    private static func combine(
        _ text: UnsafeRawPointer, _ stream: UnsafeRawPointer, count: Int, into output: UnsafeMutableRawPointer
    ) {
        typealias Lane = SIMD8<UInt64>
        var offset = 0
        // SAFETY: every access is below `count`, which is the size of all three.
        while offset + MemoryLayout<Lane>.size <= count {
            let combined =
                unsafe text.loadUnaligned(fromByteOffset: offset, as: Lane.self)
                ^ stream.loadUnaligned(fromByteOffset: offset, as: Lane.self)
            unsafe output.storeBytes(of: combined, toByteOffset: offset, as: Lane.self)
            offset += MemoryLayout<Lane>.size
        }
        while offset + 8 <= count {
            let combined =
                unsafe text.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                ^ stream.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            unsafe output.storeBytes(of: combined, toByteOffset: offset, as: UInt64.self)
            offset += 8
        }
        while offset < count {
            let combined =
                unsafe text.load(fromByteOffset: offset, as: UInt8.self) ^ stream.load(fromByteOffset: offset, as: UInt8.self)
            unsafe output.storeBytes(of: combined, toByteOffset: offset, as: UInt8.self)
            offset += 1
        }
    }

    /// The tag of a ciphertext without additional data: Poly1305 over it, zeros up to a multiple of 16, and both lengths.
    private func authenticate(_ text: UnsafeRawPointer, count: Int, into tag: UnsafeMutableRawPointer) {
        var state = crypto_onetimeauth_poly1305_state()
        let padding = -count & 15
        var end: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        // SAFETY: the state is libsodium's own; `end` is 32 bytes, of which at most 15 + 16 are used.
        unsafe withUnsafeMutableBytes(of: &end) { end in
            unsafe end.storeBytes(of: UInt64(count).littleEndian, toByteOffset: padding + 8, as: UInt64.self)
            unsafe crypto_onetimeauth_poly1305_init(&state, stream.assumingMemoryBound(to: UInt8.self))
            unsafe crypto_onetimeauth_poly1305_update(&state, text.assumingMemoryBound(to: UInt8.self), UInt64(count))
            unsafe crypto_onetimeauth_poly1305_update(
                &state, end.baseAddress!.assumingMemoryBound(to: UInt8.self), UInt64(padding + 16))
            unsafe crypto_onetimeauth_poly1305_final(&state, tag.assumingMemoryBound(to: UInt8.self))
        }
    }
}
