import VectorFiles
import WireGuardCrypto

/// Array-based forms of the functions under test, which take raw memory.
enum TestBytes {
    static func blake2s(_ input: [UInt8], key: [UInt8] = [], count: Int = 32) -> [UInt8] {
        unsafe input.withUnsafeBytes { input in
            unsafe key.withUnsafeBytes { key in
                unsafe [UInt8](unsafeUninitializedCapacity: count) { output, initialized in
                    unsafe BLAKE2s.hash(input, key: key, digestLength: count, into: output.baseAddress!)
                    initialized = count
                }
            }
        }
    }

    static func seal(_ plaintext: [UInt8], aad: [UInt8], nonce: [UInt8], key: [UInt8], extended: Bool = false) -> [UInt8] {
        unsafe plaintext.withUnsafeBytes { plaintext in
            unsafe aad.withUnsafeBytes { aad in
                unsafe [UInt8](unsafeUninitializedCapacity: plaintext.count + 16) { output, initialized in
                    if extended {
                        unsafe XChaCha20Poly1305.seal(plaintext, aad: aad, nonce: nonce, key: key, into: output.baseAddress!)
                    } else {
                        unsafe ChaCha20Poly1305.seal(plaintext, aad: aad, nonce: nonce, key: key, into: output.baseAddress!)
                    }
                    initialized = plaintext.count + 16
                }
            }
        }
    }

    static func open(_ sealed: [UInt8], aad: [UInt8], nonce: [UInt8], key: [UInt8], extended: Bool = false) -> [UInt8]? {
        var output = [UInt8](repeating: 0, count: max(sealed.count, 16))
        let isAuthentic = unsafe sealed.withUnsafeBytes { sealed in
            unsafe aad.withUnsafeBytes { aad in
                if extended {
                    unsafe XChaCha20Poly1305.open(sealed, aad: aad, nonce: nonce, key: key, into: &output)
                } else {
                    unsafe ChaCha20Poly1305.open(sealed, aad: aad, nonce: nonce, key: key, into: &output)
                }
            }
        }
        return isAuthentic ? Array(output.prefix(sealed.count - 16)) : nil
    }

    static func privateKey(_ bytes: [UInt8]) -> PrivateKey? {
        unsafe bytes.withUnsafeBytes { unsafe PrivateKey($0) }
    }

    static func publicKey(_ bytes: [UInt8]) -> PublicKey? {
        unsafe bytes.withUnsafeBytes { unsafe PublicKey($0) }
    }

    /// X25519 of any scalar and point, nil where the result is refused.
    static func x25519(_ scalar: [UInt8], _ point: [UInt8]) -> [UInt8]? {
        guard let scalar = privateKey(scalar), let point = publicKey(point) else { return nil }
        return unsafe scalar.sharedSecret(with: point)?.withUnsafeBytes { unsafe Array($0) }
    }

    static func hex(_ text: String) throws -> [UInt8] {
        guard let decoded = HexBytes(text) else { throw NotHexadecimal(text: text) }
        return decoded.bytes
    }
}

struct NotHexadecimal: Error {
    let text: String
}

/// A generator whose numbers follow from its seed. Source: Vigna, SplitMix64.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}
