internal import CSodium

/// A Curve25519 private key, static or ephemeral, clamped (RFC 7748 section 5). It wipes itself.
public struct PrivateKey: Sendable {
    private let secret: SecretBytes
    /// The public key that belongs to this one; it was computed when the key was made.
    public let publicKey: PublicKey

    /// A clamped copy of 32 bytes, or nil if `buffer` has another length.
    public init?(_ buffer: UnsafeRawBufferPointer) {
        guard buffer.count == SecretBytes.count else { return nil }
        unsafe self.init { unsafe $0.copyMemory(from: buffer) }
    }

    /// A new key made of 32 bytes from `generator`, which must be a cryptographic one outside of simulations.
    public static func random(using generator: inout some RandomNumberGenerator) -> PrivateKey {
        unsafe PrivateKey { bytes in
            for offset in stride(from: 0, to: SecretBytes.count, by: 8) {
                unsafe bytes.storeBytes(of: generator.next().littleEndian, toByteOffset: offset, as: UInt64.self)
            }
        }
    }

    private init(_ fill: (UnsafeMutableRawBufferPointer) -> Void) {
        Sodium.ready()
        let secret = unsafe SecretBytes { bytes in
            unsafe fill(bytes)
            unsafe bytes[0] &= 248
            unsafe bytes[31] = bytes[31] & 127 | 64
        }
        self.secret = secret
        publicKey = unsafe secret.withUnsafeBytes { scalar in PublicKey(bytes: unsafe BasePoint.multiplied(by: scalar)) }
    }

    /// X25519 of this key and `peer`, or nil if the result is all zero: `peer` is one of the points of low order, and the
    /// result would be no secret.
    public func sharedSecret(with peer: PublicKey) -> SharedSecret? {
        var isUsable = false
        // SAFETY: all three are 32 bytes.
        let result = unsafe SecretBytes { result in
            unsafe secret.withUnsafeBytes { scalar in
                unsafe peer.withUnsafeBytes { point in
                    isUsable = unsafe crypto_scalarmult_curve25519(result.baseAddress!, scalar.baseAddress!, point.baseAddress!) == 0
                }
            }
        }
        return isUsable && !result.isZero ? SharedSecret(secret: result) : nil
    }

    /// Calls `body` with the 32 bytes.
    public func withUnsafeBytes<R: ~Copyable, E>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try unsafe secret.withUnsafeBytes(body)
    }
}

extension PrivateKey: Equatable {
    /// Takes the same time whatever the keys are.
    public static func == (a: PrivateKey, b: PrivateKey) -> Bool {
        a.secret == b.secret
    }
}
