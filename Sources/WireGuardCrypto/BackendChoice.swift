internal import CAcceleratedAEAD

/// Which library seals and opens transport messages, and why.
public struct BackendChoice: Sendable, Hashable {
    /// What the user asked for.
    public enum Preference: String, Sendable, Hashable, CaseIterable {
        /// The faster one if it is there and proves itself.
        case automatic
        case libsodium
        case accelerated
    }

    public let backend: TransportCipher.Backend
    /// The reason, in words for the status.
    public let reason: String
    /// Whether ``backend`` is what was asked for; ``Preference/automatic`` is always satisfied.
    public let isAsPreferred: Bool

    /// Makes the choice. The faster library must first prove itself equal to libsodium: some thousand messages, about 10 ms.
    public static func make(_ preference: Preference) -> BackendChoice {
        if preference == .libsodium {
            return BackendChoice(backend: .libsodium, reason: "as asked for", isAsPreferred: true)
        }
        if let missing = unsafe accelerated_aead_unavailable() {
            return unsafe BackendChoice(
                backend: .libsodium, reason: String(cString: missing), isAsPreferred: preference == .automatic)
        }
        let candidate = TransportCipher(.accelerated)
        guard candidate.backend == .accelerated, isEqualToPortable(candidate) else {
            return BackendChoice(
                backend: .libsodium, reason: "libipsec-mb did not compute what libsodium computes",
                isAsPreferred: preference == .automatic)
        }
        return BackendChoice(
            backend: .accelerated, reason: "libipsec-mb is installed and computes what libsodium computes", isAsPreferred: true)
    }

    /// Whether a cipher seals every size up to a full packet like libsodium, opens it again, and refuses it with one bit changed.
    package static func isEqualToPortable(_ candidate: borrowing TransportCipher) -> Bool {
        // libsodium's AEAD as it is, not as ``TransportCipher`` puts it together: so this proves both.
        let largest = 1500
        let size = largest + TransportCipher.tagCount
        var state: UInt64 = 0x2545_f491_4f6c_dd1d
        // Three messages and a key of 32 bytes at the start of 64.
        return unsafe withUnsafeTemporaryAllocation(byteCount: 3 * size + 64, alignment: 64) { memory in
            let key = memory.baseAddress!
            let (plain, one, other) = unsafe (key + 64, key + 64 + size, key + 64 + 2 * size)
            for index in 0..<memory.count {
                state = state &* 0x5851_f42d_4c95_7f2d &+ 1
                unsafe memory[index] = UInt8(truncatingIfNeeded: state >> 56)
            }
            for count in 0...largest {
                let counter = UInt64(count) << 29 | 7
                // SAFETY: every message has room for the largest text and its tag.
                unsafe ChaCha20Poly1305.seal(
                    UnsafeRawBufferPointer(start: plain, count: count), counter: counter, key: key, into: one)
                unsafe candidate.seal(counter: counter, key: key, plaintext: plain, count: count, into: other)
                let sealed = count + TransportCipher.tagCount
                guard unsafe constantTimeEqual(one, other, count: sealed) else { return false }
                let bit = unsafe (other + (count * 7 % sealed)).assumingMemoryBound(to: UInt8.self)
                unsafe bit.pointee ^= 1 << UInt8(count & 7)
                guard unsafe !candidate.open(counter: counter, key: key, sealed: other, count: sealed, into: other) else { return false }
                guard unsafe candidate.open(counter: counter, key: key, sealed: one, count: sealed, into: one) else { return false }
                guard unsafe constantTimeEqual(one, plain, count: count) else { return false }
            }
            return true
        }
    }
}
