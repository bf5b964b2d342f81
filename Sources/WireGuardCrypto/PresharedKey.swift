/// The symmetric key that two peers may mix into their handshakes; all zeros where there is none. It wipes itself.
public struct PresharedKey: Sendable {
    private let secret: SecretBytes

    /// The key of a handshake without a preshared key.
    public static let zero = PresharedKey()

    private init() {
        secret = unsafe SecretBytes { _ in }
    }

    /// A new key.
    public static func random(using generator: inout some RandomNumberGenerator) -> PresharedKey {
        unsafe PresharedKey { bytes in
            for offset in stride(from: 0, to: bytes.count, by: MemoryLayout<UInt64>.size) {
                unsafe bytes.storeBytes(of: generator.next(), toByteOffset: offset, as: UInt64.self)
            }
        }
    }

    private init(_ fill: (UnsafeMutableRawBufferPointer) -> Void) {
        secret = unsafe SecretBytes(fill)
    }

    /// A copy of 32 bytes, or nil if `buffer` has another length.
    public init?(_ buffer: UnsafeRawBufferPointer) {
        guard let secret = unsafe SecretBytes(copying: buffer) else { return nil }
        self.secret = secret
    }

    /// Whether this stands for no preshared key.
    public var isZero: Bool {
        secret.isZero
    }

    /// Calls `body` with the 32 bytes.
    public func withUnsafeBytes<R: ~Copyable, E>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try unsafe secret.withUnsafeBytes(body)
    }
}

extension PresharedKey {
    /// What tells two keys apart and says nothing of either: a digest of 32 random bytes can't be turned back.
    public struct Fingerprint: Hashable, Sendable {
        fileprivate var words = SIMD4<UInt64>()
    }

    /// This key's.
    public var fingerprint: Fingerprint {
        var fingerprint = Fingerprint()
        var hash = BLAKE2s(digestLength: MemoryLayout.size(ofValue: fingerprint.words))
        unsafe secret.withUnsafeBytes { unsafe hash.update($0) }
        // SAFETY: the digest has the size of what it is written to.
        unsafe hash.finalize(into: &fingerprint.words)
        // The hash's words are the key's.
        wipeDeadStack(4 << 10)
        return fingerprint
    }
}

extension PresharedKey: Equatable {
    /// Takes the same time whatever the keys are.
    public static func == (a: PresharedKey, b: PresharedKey) -> Bool {
        a.secret == b.secret
    }
}
