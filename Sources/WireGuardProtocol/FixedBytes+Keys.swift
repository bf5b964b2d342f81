import WireGuardCrypto

extension FixedBytes<32> {
    /// The unkeyed digest of what `feed` feeds.
    init(hashing feed: (inout BLAKE2s) -> Void) {
        self.init()
        var state = BLAKE2s(digestLength: 32)
        feed(&state)
        // SAFETY: the digest has 32 bytes, as this has.
        unsafe state.finalize(into: &storage)
    }
}

extension PublicKey {
    init(_ bytes: FixedBytes<32>) {
        self.init(bytes: bytes.storage)
    }

    var fixedBytes: FixedBytes<32> {
        unsafe withUnsafeBytes { unsafe FixedBytes(copying: $0) }
    }
}

extension PrivateKey {
    /// The key that 32 random bytes make: a scalar multiplication for its public half.
    init(_ bytes: WipingBytes) {
        guard let key = unsafe bytes.withUnsafeBytes({ unsafe PrivateKey($0) }) else {
            preconditionFailure("A private key is made of 32 bytes.")
        }
        self = key
    }
}
