/// The hash and keyed hash BLAKE2s with digests of 1…32 bytes. Source: RFC 7693.
///
/// Plain Swift: libsodium has only BLAKE2b, and handshakes are the only user.
public struct BLAKE2s: ~Copyable {
    /// The largest digest and key, in bytes.
    public static let maximumCount = 32
    /// The size of a block, in bytes.
    public static let blockCount = 64

    private var state: SIMD8<UInt32>
    /// Bytes hashed, without what waits in `block`.
    private var counter: UInt64 = 0
    /// Up to a whole block: the last one is compressed differently, so a full block waits until more follows.
    private var block = InlineArray<64, UInt8>(repeating: 0)
    private var blockUsed = 0
    private let digestCount: Int

    /// An unkeyed hash of `digestLength` bytes.
    ///
    /// - Precondition: `digestLength` is within 1…32.
    public init(digestLength: Int = 32) {
        self.init(digestLength: digestLength, keyLength: 0)
    }

    /// A keyed hash of `digestLength` bytes; an empty key makes it unkeyed.
    ///
    /// - Precondition: `digestLength` is within 1…32 and `key` has at most 32 bytes.
    public init(digestLength: Int = 32, key: UnsafeRawBufferPointer) {
        self.init(digestLength: digestLength, keyLength: key.count)
        guard key.count > 0 else { return }
        // SAFETY: the key is no longer than half a block.
        unsafe Swift.withUnsafeMutableBytes(of: &block) { unsafe $0.copyMemory(from: key) }
        blockUsed = Self.blockCount
    }

    private init(digestLength: Int, keyLength: Int) {
        precondition((1...Self.maximumCount).contains(digestLength) && keyLength <= Self.maximumCount)
        digestCount = digestLength
        state = Self.initializationVector
        // The parameter block's first word; all others are zero: no tree, salt or personalization.
        state[0] ^= 0x0101_0000 | UInt32(keyLength) << 8 | UInt32(digestLength)
    }

    /// Hashes more input.
    public mutating func update(_ input: UnsafeRawBufferPointer) {
        guard var next = input.baseAddress else { return }
        var remaining = input.count
        let free = Self.blockCount - blockUsed
        if remaining > free {
            if blockUsed > 0 {
                unsafe fill(from: next, count: free)
                unsafe next += free
                remaining -= free
                compressBlock(isLast: false)
            }
            while remaining > Self.blockCount {
                counter &+= UInt64(Self.blockCount)
                // SAFETY: more than a block remains at `next`.
                unsafe Self.compress(&state, block: next, counter: counter, isLast: false)
                unsafe next += Self.blockCount
                remaining -= Self.blockCount
            }
        }
        unsafe fill(from: next, count: remaining)
    }

    /// Writes the digest's bytes to `output`, and wipes what was hashed.
    public consuming func finalize(into output: UnsafeMutableRawPointer) {
        // SAFETY: the block is as large as the count says; the caller vouches for `digestCount` bytes at `output`.
        unsafe Swift.withUnsafeMutableBytes(of: &block) { block in
            unsafe wipe(UnsafeMutableRawBufferPointer(rebasing: block[blockUsed...]))
        }
        compressBlock(isLast: true)
        for lane in state.indices { state[lane] = state[lane].littleEndian }
        unsafe Swift.withUnsafeMutableBytes(of: &state) { state in
            unsafe output.copyMemory(from: state.baseAddress!, byteCount: digestCount)
            unsafe wipe(state)
        }
        unsafe Swift.withUnsafeMutableBytes(of: &block) { unsafe wipe($0) }
    }

    /// The digest of `input` in one call.
    public static func hash(
        _ input: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer = unsafe UnsafeRawBufferPointer(start: nil, count: 0),
        digestLength: Int = 32, into output: UnsafeMutableRawPointer
    ) {
        var hash = unsafe BLAKE2s(digestLength: digestLength, key: key)
        unsafe hash.update(input)
        unsafe hash.finalize(into: output)
    }

    private mutating func fill(from source: UnsafeRawPointer, count: Int) {
        let used = blockUsed
        // SAFETY: callers keep `used + count` within a block.
        unsafe Swift.withUnsafeMutableBytes(of: &block) { block in
            unsafe (block.baseAddress! + used).copyMemory(from: source, byteCount: count)
        }
        blockUsed = used + count
    }

    private mutating func compressBlock(isLast: Bool) {
        counter &+= UInt64(blockUsed)
        blockUsed = 0
        var next = state
        let counter = counter
        unsafe Swift.withUnsafeBytes(of: block) { block in
            unsafe Self.compress(&next, block: block.baseAddress!, counter: counter, isLast: isLast)
        }
        state = next
    }
}
