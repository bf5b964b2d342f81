import WireGuardCrypto

/// Keyed BLAKE2s with a digest of 16 bytes (whitepaper, section 5.4: MAC).
enum MAC {
    static func over(_ bytes: Slice<UnsafeRawBufferPointer>, key: UnsafeRawBufferPointer) -> FixedBytes<16> {
        var mac = FixedBytes<16>()
        // SAFETY: the digest is as long as the MAC.
        unsafe mac.withUnsafeMutableBytes {
            unsafe BLAKE2s.hash(
                UnsafeRawBufferPointer(rebasing: bytes), key: key, digestLength: MessagePart.mac, into: $0.baseAddress!)
        }
        return mac
    }

    static func over<let n: Int>(_ bytes: Slice<UnsafeRawBufferPointer>, key: FixedBytes<n>) -> FixedBytes<16> {
        unsafe key.withUnsafeBytes { unsafe over(bytes, key: $0) }
    }
}

/// Keys that everybody who knows a public key can derive: a hash over a label and the key.
enum LabeledKey {
    private static let mac1Label: StaticString = "mac1----"
    private static let cookieLabel: StaticString = "cookie--"

    static func mac1(of key: PublicKey) -> FixedBytes<32> { hash(mac1Label, key) }
    static func cookie(of key: PublicKey) -> FixedBytes<32> { hash(cookieLabel, key) }

    private static func hash(_ label: StaticString, _ key: PublicKey) -> FixedBytes<32> {
        FixedBytes(hashing: { state in
            unsafe state.update(UnsafeRawBufferPointer(start: label.utf8Start, count: label.utf8CodeUnitCount))
            unsafe key.withUnsafeBytes { unsafe state.update($0) }
        })
    }
}

extension AuthenticatedMessage {
    /// Proves that the sender knows the receiver's public key: covers everything in front of the MACs.
    mutating func addMAC1(key: FixedBytes<32>) {
        mac1 = unsafe withUnsafeBytes { unsafe MAC.over($0.dropLast(MessagePart.macs), key: key) }
    }

    /// Proves that the sender got a cookie: covers everything in front of it, the first MAC too.
    mutating func addMAC2(cookie: FixedBytes<16>) {
        mac2 = unsafe withUnsafeBytes { unsafe MAC.over($0.dropLast(MessagePart.mac), key: cookie) }
    }
}

extension CookieReply {
    /// - Parameters:
    ///   - mac1: that of the message that is answered.
    ///   - key: ``LocalIdentity/cookieKey``.
    mutating func seal(_ cookie: FixedBytes<16>, mac1: UnsafeRawBufferPointer, key: FixedBytes<32>) {
        var sealed = FixedBytes<32>()
        let nonce = nonce
        // SAFETY: nonce and key have the sizes of their types; `sealed` has room for cookie and tag.
        unsafe cookie.withUnsafeBytes { cookie in
            unsafe nonce.withUnsafeBytes { nonce in
                unsafe key.withUnsafeBytes { key in
                    unsafe sealed.withUnsafeMutableBytes { sealed in
                        unsafe XChaCha20Poly1305.seal(
                            cookie, aad: mac1, nonce: nonce.baseAddress!, key: key.baseAddress!, into: sealed.baseAddress!)
                    }
                }
            }
        }
        bytes.replace(at: Self.sealedCookieOffset, with: sealed)
    }

    /// The cookie, if it answers a message with this first MAC and was made by the owner of the key; else nil.
    func open(mac1: FixedBytes<16>, key: FixedBytes<32>) -> FixedBytes<16>? {
        var cookie = FixedBytes<16>()
        let (sealed, nonce) = (sealedCookie, nonce)
        // SAFETY: nonce and key have the sizes of their types; `cookie` is what `sealed` is without the tag.
        let isAuthentic = unsafe sealed.withUnsafeBytes { sealed in
            unsafe mac1.withUnsafeBytes { mac1 in
                unsafe nonce.withUnsafeBytes { nonce in
                    unsafe key.withUnsafeBytes { key in
                        unsafe cookie.withUnsafeMutableBytes { cookie in
                            unsafe XChaCha20Poly1305.open(
                                sealed, aad: mac1, nonce: nonce.baseAddress!, key: key.baseAddress!, into: cookie.baseAddress!)
                        }
                    }
                }
            }
        }
        return isAuthentic ? cookie : nil
    }
}
