import WireGuardCrypto

/// The steps of a handshake, as the published vectors name the states after them.
package enum NoiseStep: String, Sendable, CaseIterable {
    case initial = "initial"
    case responderStaticPublic = "responder static public"
    case initiationEphemeral = "initiation e"
    case initiationEphemeralStatic = "initiation es"
    case initiationStatic = "initiation s"
    case initiationStaticStatic = "initiation ss"
    case initiationTimestamp = "initiation timestamp"
    case responseEphemeral = "response e"
    case responseEphemeralEphemeral = "response ee"
    case responseStaticEphemeral = "response se"
    case responsePresharedKey = "response psk"
    case responseEmpty = "response empty"
}

/// Chaining key, hash and temporary AEAD key of a Noise_IKpsk2 handshake, and the operations on them (whitepaper, section 5.4).
///
/// ```
/// <- s
/// ...
/// -> e, es, s, ss, {timestamp}
/// <- e, ee, se, psk, {}
/// ```
/// Lives for one function; what is needed later leaves as ``HandshakeSecrets``. Wiped when it ends.
@safe
package struct NoiseState: ~Copyable {
    // SAFETY: `storage` is allocated by `init`, owned by this value alone, and cut into parts of fixed sizes that are as long as what the
    // cryptographic functions read and write there.

    static let hashByteCount = 32
    static let keyByteCount = 32

    private static let construction: StaticString = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
    private static let identifier: StaticString = "WireGuard v1 zx2c4 Jason@zx2c4.com"

    /// The hash of the construction's name, with which every handshake begins.
    private static let initialChainingKey = FixedBytes<32>(hashing: { state in
        unsafe state.update(UnsafeRawBufferPointer(start: construction.utf8Start, count: construction.utf8CodeUnitCount))
    })

    /// The same with the protocol's identifier.
    private static let initialHash = FixedBytes<32>(hashing: { state in
        unsafe initialChainingKey.withUnsafeBytes { unsafe state.update($0) }
        unsafe state.update(UnsafeRawBufferPointer(start: identifier.utf8Start, count: identifier.utf8CodeUnitCount))
    })

    /// Chaining key, hash, and the AEAD key with 64 bytes to itself.
    private let storage: UnsafeMutableRawBufferPointer
    private static let storageByteCount = 2 * hashByteCount + 64

    private var chainingKeyBytes: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(rebasing: storage[..<Self.hashByteCount])
    }
    private var hashBytes: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(rebasing: storage[Self.hashByteCount..<2 * Self.hashByteCount])
    }
    private var cipherKeyBytes: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(rebasing: storage[2 * Self.hashByteCount..<2 * Self.hashByteCount + Self.keyByteCount])
    }

    private init() {
        unsafe storage = UnsafeMutableRawBufferPointer(
            start: KeyMemory.allocate(byteCount: Self.storageByteCount), count: Self.storageByteCount)
    }

    /// A handshake with the owner of a static key, before the first message.
    init(responder: PublicKey, observe: (NoiseStep, borrowing NoiseState) -> Void) {
        self.init()
        unsafe Self.initialChainingKey.withUnsafeBytes { unsafe chainingKeyBytes.copyMemory(from: $0) }
        unsafe Self.initialHash.withUnsafeBytes { unsafe hashBytes.copyMemory(from: $0) }
        observe(.initial, self)
        mixHash(responder.fixedBytes)
        observe(.responderStaticPublic, self)
    }

    /// A handshake between two messages.
    init(resuming secrets: HandshakeSecrets) {
        self.init()
        unsafe secrets.bytes.withUnsafeBytes { unsafe storage.copyMemory(from: $0) }
    }

    deinit {
        // SAFETY: allocated in `init`, and owned by this value alone.
        unsafe KeyMemory.deallocate(storage.baseAddress!, byteCount: storage.count)
    }

    /// What is kept until the next message.
    func secrets() -> HandshakeSecrets {
        HandshakeSecrets(
            bytes: unsafe WipingBytes(byteCount: HandshakeSecrets.byteCount) { destination in
                unsafe destination.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[..<HandshakeSecrets.byteCount]))
            })
    }

    package var chainingKey: FixedBytes<32> { unsafe FixedBytes(copying: UnsafeRawBufferPointer(chainingKeyBytes)) }
    package var hash: FixedBytes<32> { unsafe FixedBytes(copying: UnsafeRawBufferPointer(hashBytes)) }
    package var cipherKey: FixedBytes<32> { unsafe FixedBytes(copying: UnsafeRawBufferPointer(cipherKeyBytes)) }

    // MARK: Operations

    mutating func mixHash<let n: Int>(_ bytes: FixedBytes<n>) {
        unsafe bytes.withUnsafeBytes { unsafe mixHash($0) }
    }

    private mutating func mixHash(_ bytes: UnsafeRawBufferPointer) {
        var state = BLAKE2s(digestLength: Self.hashByteCount)
        unsafe state.update(UnsafeRawBufferPointer(hashBytes))
        unsafe state.update(bytes)
        unsafe state.finalize(into: hashBytes.baseAddress!)
    }

    /// A public key that is sent in the clear.
    mutating func mixEphemeral(_ key: FixedBytes<32>) {
        mixHash(key)
        unsafe key.withUnsafeBytes {
            unsafe KDF.kdf1(key: UnsafeRawBufferPointer(chainingKeyBytes), input: $0, into: chainingKeyBytes.baseAddress!)
        }
    }

    /// A shared secret after which nothing is sealed.
    mutating func mixKey(_ secret: SharedSecret) {
        unsafe secret.withUnsafeBytes {
            unsafe KDF.kdf1(key: UnsafeRawBufferPointer(chainingKeyBytes), input: $0, into: chainingKeyBytes.baseAddress!)
        }
    }

    /// A shared secret that also makes the key for what is sealed next.
    mutating func mixKeyAndCipher(_ secret: SharedSecret) {
        unsafe secret.withUnsafeBytes {
            unsafe KDF.kdf2(
                key: UnsafeRawBufferPointer(chainingKeyBytes), input: $0, into: chainingKeyBytes.baseAddress!,
                cipherKeyBytes.baseAddress!)
        }
    }

    mutating func mixPresharedKey(_ key: PresharedKey) {
        var tau = FixedBytes<32>()
        unsafe key.withUnsafeBytes { key in
            unsafe tau.withUnsafeMutableBytes { tau in
                unsafe KDF.kdf3(
                    key: UnsafeRawBufferPointer(chainingKeyBytes), input: key, into: chainingKeyBytes.baseAddress!, tau.baseAddress!,
                    cipherKeyBytes.baseAddress!)
            }
        }
        mixHash(tau)
        unsafe tau.withUnsafeMutableBytes { unsafe wipe($0) }
    }

    /// Seals `plaintext` under the temporary key and the hash, and adds the result to the hash.
    mutating func seal<let n: Int, let m: Int>(_ plaintext: FixedBytes<n>, as: FixedBytes<m>.Type) -> FixedBytes<m> {
        precondition(m == MessagePart.sealed(n))
        var sealed = FixedBytes<m>()
        unsafe plaintext.withUnsafeBytes { plaintext in
            unsafe sealed.withUnsafeMutableBytes { sealed in
                unsafe ChaCha20Poly1305.seal(
                    plaintext, aad: UnsafeRawBufferPointer(hashBytes), counter: 0, key: cipherKeyBytes.baseAddress!,
                    into: sealed.baseAddress!)
            }
        }
        mixHash(sealed)
        return sealed
    }

    /// Opens what ``seal(_:as:)`` made, and adds the sealed form to the hash; nil if the tag is wrong.
    mutating func open<let n: Int, let m: Int>(_ sealed: FixedBytes<n>, as: FixedBytes<m>.Type) -> FixedBytes<m>? {
        precondition(n == MessagePart.sealed(m))
        var plaintext = FixedBytes<m>()
        let isAuthentic = unsafe sealed.withUnsafeBytes { sealed in
            unsafe plaintext.withUnsafeMutableBytes { plaintext in
                // Where nothing is written there may be no address.
                let output = unsafe plaintext.baseAddress ?? storage.baseAddress!
                return unsafe ChaCha20Poly1305.open(
                    sealed, aad: UnsafeRawBufferPointer(hashBytes), counter: 0, key: cipherKeyBytes.baseAddress!, into: output)
            }
        }
        guard isAuthentic else { return nil }
        mixHash(sealed)
        return plaintext
    }

    /// The session's keys, once both messages are through.
    func transportKeys(isInitiator: Bool) -> TransportKeys {
        TransportKeys(
            bytes: unsafe WipingBytes(byteCount: TransportKeys.byteCount) { destination in
                let first = unsafe UnsafeMutableRawBufferPointer(rebasing: destination[..<Self.keyByteCount])
                let second = unsafe UnsafeMutableRawBufferPointer(rebasing: destination[Self.keyByteCount...])
                // The first key is the initiator's sending key.
                let (sending, receiving) = unsafe (isInitiator ? first : second, isInitiator ? second : first)
                unsafe KDF.kdf2(
                    key: UnsafeRawBufferPointer(chainingKeyBytes), input: UnsafeRawBufferPointer(start: nil, count: 0),
                    into: sending.baseAddress!,
                    receiving.baseAddress!)
            })
    }
}
