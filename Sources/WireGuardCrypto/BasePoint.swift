internal import CSodium

/// Multiples of Curve25519's base point: the public keys of private ones.
///
/// libsodium has a table of them, as points of Ed25519's curve, which is the same one in other coordinates. Its own X25519 uses the table from
/// 1.0.19 on; the 1.0.18 of today's distributions climbs the ladder on x86-64 (with AVX), as for any other point. Going by way of
/// Ed25519's function takes two thirds of that.
enum BasePoint {
    #if arch(x86_64)
        private static let ladderIsSlow = SODIUM_LIBRARY_VERSION_MAJOR < 26
    #else
        private static let ladderIsSlow = false
    #endif

    /// The base point times `scalar`, 32 bytes and clamped: X25519(scalar, 9).
    static func multiplied(by scalar: UnsafeRawBufferPointer) -> InlineArray<32, UInt8> {
        ladderIsSlow ? unsafe multipliedOnEd25519(by: scalar) : unsafe multipliedOnCurve25519(by: scalar)
    }

    static func multipliedOnCurve25519(by scalar: UnsafeRawBufferPointer) -> InlineArray<32, UInt8> {
        var product = InlineArray<32, UInt8>(repeating: 0)
        // SAFETY: both are 32 bytes.
        unsafe Swift.withUnsafeMutableBytes(of: &product) { product in
            _ = unsafe crypto_scalarmult_curve25519_base(product.baseAddress!, scalar.baseAddress!)
        }
        return product
    }

    static func multipliedOnEd25519(by scalar: UnsafeRawBufferPointer) -> InlineArray<32, UInt8> {
        var product = InlineArray<32, UInt8>(repeating: 0)
        // SAFETY: both are 32 bytes. It fails only for a product that is the neutral element, which no clamped scalar has: none is a
        // multiple of the base point's order.
        unsafe Swift.withUnsafeMutableBytes(of: &product) { product in
            _ = unsafe crypto_scalarmult_ed25519_base(product.baseAddress!, scalar.baseAddress!)
        }
        // u = (1 + y) / (1 - y), RFC 7748 section 4.1; the last bit of the bytes is x's sign, and is left out. From y on all is public: it
        // says what the public key says, and nothing of the scalar is left in `product`.
        let y = FieldElement(product)
        return ((.one + y) * (.one - y).inverted).bytes
    }
}
