/// The key derivation of WireGuard: HKDF over HMAC-BLAKE2s with one to three outputs. Source: whitepaper section 5.4.
///
/// Every output is 32 bytes and may overlap the key or the input: nothing is written before all input was read.
public enum KDF {
    /// The size of each output, in bytes.
    public static let count = 32

    /// Kdf₁: one output.
    public static func kdf1(key: UnsafeRawBufferPointer, input: UnsafeRawBufferPointer, into first: UnsafeMutableRawPointer) {
        unsafe derive(key: key, input: input) { extract in
            unsafe expand(extract, after: nil, index: 1, into: first)
        }
    }

    /// Kdf₂: two outputs, which must not overlap each other.
    public static func kdf2(
        key: UnsafeRawBufferPointer, input: UnsafeRawBufferPointer, into first: UnsafeMutableRawPointer,
        _ second: UnsafeMutableRawPointer
    ) {
        unsafe derive(key: key, input: input) { extract in
            unsafe expand(extract, after: nil, index: 1, into: first)
            unsafe expand(extract, after: first, index: 2, into: second)
        }
    }

    /// Kdf₃: three outputs, which must not overlap each other.
    public static func kdf3(
        key: UnsafeRawBufferPointer, input: UnsafeRawBufferPointer, into first: UnsafeMutableRawPointer,
        _ second: UnsafeMutableRawPointer, _ third: UnsafeMutableRawPointer
    ) {
        unsafe derive(key: key, input: input) { extract in
            unsafe expand(extract, after: nil, index: 1, into: first)
            unsafe expand(extract, after: first, index: 2, into: second)
            unsafe expand(extract, after: second, index: 3, into: third)
        }
    }

    /// Calls `body` with τ₀ = HMAC(key, input), and wipes it.
    private static func derive(
        key: UnsafeRawBufferPointer, input: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        // SAFETY: the scratch has room for one HMAC.
        unsafe withUnsafeTemporaryAllocation(byteCount: count, alignment: 16) { extract in
            unsafe HMACBLAKE2s.authenticate(input, key: key, into: extract.baseAddress!)
            unsafe body(UnsafeRawBufferPointer(extract))
            unsafe wipe(extract)
        }
    }

    /// τᵢ = HMAC(τ₀, τᵢ₋₁ ‖ i).
    private static func expand(
        _ extract: UnsafeRawBufferPointer, after previous: UnsafeMutableRawPointer?, index: UInt8, into output: UnsafeMutableRawPointer
    ) {
        // SAFETY: every output has 32 bytes.
        unsafe Swift.withUnsafeBytes(of: index) { index in
            let previous = unsafe UnsafeRawBufferPointer(start: previous, count: previous == nil ? 0 : count)
            unsafe HMACBLAKE2s.authenticate(previous, index, key: extract, into: output)
        }
    }
}
