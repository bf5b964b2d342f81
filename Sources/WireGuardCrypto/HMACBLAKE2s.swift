/// HMAC (RFC 2104) over BLAKE2s, which Noise asks for although BLAKE2s can be keyed by itself.
public enum HMACBLAKE2s {
    /// The size of the result, in bytes.
    public static let count = 32

    /// Writes the 32 bytes of HMAC(`key`, `first` ‖ `second`) to `output`, which may overlap the key and the input.
    public static func authenticate(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer = unsafe UnsafeRawBufferPointer(start: nil, count: 0),
        key: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer
    ) {
        // SAFETY: the caller vouches for 32 bytes at `output`; the pads are as large as a block.
        unsafe withUnsafeTemporaryAllocation(byteCount: BLAKE2s.blockCount + count, alignment: 16) { scratch in
            let pad = unsafe UnsafeMutableRawBufferPointer(rebasing: scratch[..<BLAKE2s.blockCount])
            let inner = unsafe UnsafeMutableRawBufferPointer(rebasing: scratch[BLAKE2s.blockCount...])
            unsafe pad.initializeMemory(as: UInt8.self, repeating: 0)
            if key.count > BLAKE2s.blockCount {
                unsafe BLAKE2s.hash(key, into: pad.baseAddress!)
            } else {
                unsafe pad.copyMemory(from: key)
            }
            for index in pad.indices { unsafe pad[index] ^= 0x36 }
            var hash = BLAKE2s()
            unsafe hash.update(UnsafeRawBufferPointer(pad))
            unsafe hash.update(first)
            unsafe hash.update(second)
            unsafe hash.finalize(into: inner.baseAddress!)
            for index in pad.indices { unsafe pad[index] ^= 0x36 ^ 0x5c }
            var outer = BLAKE2s()
            unsafe outer.update(UnsafeRawBufferPointer(pad))
            unsafe outer.update(UnsafeRawBufferPointer(inner))
            unsafe outer.finalize(into: output)
            unsafe wipe(scratch)
        }
    }
}
