internal import CSodium

/// Multiples of Curve25519's base point: the public keys of private ones.
///
/// Ed25519's curve is the same one in other coordinates, and of its base point libsodium keeps multiples in a table. Taking its product
/// from there and going back to Curve25519 takes two thirds of the time of `crypto_scalarmult_curve25519_base`, which on x86-64 climbs
/// the ladder as for any other point.
enum BasePoint {
    /// The base point times `scalar`, 32 bytes and clamped: X25519(scalar, 9).
    static func multiplied(by scalar: UnsafeRawBufferPointer) -> InlineArray<32, UInt8> {
        var product = InlineArray<32, UInt8>(repeating: 0)
        // SAFETY: both are 32 bytes. It fails only for a product that is the neutral element, which no clamped scalar has: none is a
        // multiple of the base point's order.
        unsafe Swift.withUnsafeMutableBytes(of: &product) { product in
            _ = unsafe crypto_scalarmult_ed25519_base(product.baseAddress!, scalar.baseAddress!)
        }
        // u = (1 + y) / (1 - y), RFC 7748 section 4.1; the last bit of the bytes is x's sign, and is left out. What is a secret, the
        // scalar, stayed in libsodium: y is as public as the key that comes of it.
        let y = FieldElement(product)
        return ((.one + y) * (.one - y).inverted).bytes
    }
}
