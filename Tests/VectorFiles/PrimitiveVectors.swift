/// aead.json: ChaCha20-Poly1305.
public struct AEADVectors: VectorFile {
    public static let fileName = "aead"

    public struct Case: Decodable, Sendable {
        public let name: String
        public let key, nonce, additionalData, plaintext, sealed: HexBytes
    }

    public struct Forgery: Decodable, Sendable {
        public let name: String
        public let sealed: HexBytes
    }

    public let cases: [Case]
    public let refusedWithKeyAndNonceOfTheFirstCase: [Forgery]
}

/// blake2s.json: the digest's size is what it is in `digest`; an empty key means none.
public struct BLAKE2sVectors: VectorFile {
    public static let fileName = "blake2s"

    public struct Case: Decodable, Sendable {
        public let key, input, digest: HexBytes
    }

    public let cases: [Case]
}

/// hkdf.json: HMAC-BLAKE2s and the three key derivation functions.
public struct HKDFVectors: VectorFile {
    public static let fileName = "hkdf"

    public struct Case: Decodable, Sendable {
        public let key, input, hmac: HexBytes
        public let kdf1, kdf2, kdf3: [HexBytes]
    }

    public let cases: [Case]
}

/// xchacha.json: HChaCha20 and XChaCha20-Poly1305.
public struct XChaChaVectors: VectorFile {
    public static let fileName = "xchacha"

    public struct Subkey: Decodable, Sendable {
        public let key, nonce, subkey: HexBytes
    }

    public let hchacha20: [Subkey]
    public let cases: [AEADVectors.Case]
}

/// tai64n.json: Unix nanoseconds to timestamps as they are sent.
public struct TAI64NVectors: VectorFile {
    public static let fileName = "tai64n"

    public struct Case: Decodable, Sendable {
        public let unixNs: LongDecimalText
        public let timestamp: HexBytes
    }

    public struct Order: Decodable, Sendable {
        public let firstNs, secondNs: DecimalText
        public let secondIsNewer: Bool
    }

    public let epochLabel, nanosecondMask: HexBytes
    public let cases: [Case]
    public let order: [Order]
}

/// replay.json: sequences of authenticated counters and which of them are accepted.
public struct ReplayVectors: VectorFile {
    public static let fileName = "replay"

    public struct Sequence: Decodable, Sendable {
        public let name: String
        public let counters: [UInt64]
        public let accepted: [Bool]

        private enum CodingKeys: String, CodingKey {
            case name, counters, accepted
        }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            name = try container.decode(String.self, forKey: .name)
            let words = try container.decode(String.self, forKey: .counters).split(separator: " ")
            counters = words.compactMap { UInt64($0) }
            accepted = try container.decode(String.self, forKey: .accepted).map { $0 == "1" }
            guard counters.count == words.count, accepted.count == words.count else {
                throw DecodingError.dataCorruptedError(
                    forKey: .accepted, in: container, debugDescription: "one digit a counter is expected")
            }
        }
    }

    /// A counter this far below the highest accepted is still accepted.
    public let window: UInt64
    public let wordBits, words: Int
    /// Counters from here up are refused.
    public let limit: DecimalText
    public let sequences: [Sequence]
}
