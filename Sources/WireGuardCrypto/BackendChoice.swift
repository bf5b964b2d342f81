internal import CAcceleratedAEAD

/// Which library seals and opens transport messages, and why.
public struct BackendChoice: Sendable, Hashable {
    /// What the user asked for.
    public enum Preference: String, Sendable, Hashable, CaseIterable {
        /// The faster one if it is there and proves itself.
        case automatic
        /// libsodium, whatever else is there.
        case libsodium
        /// libipsec-mb; libsodium where that can't be used.
        case accelerated
    }

    /// Why the choice is what it is; the raw values go into machine-readable states and never change.
    public enum Reason: UInt64, Sendable, Hashable, CaseIterable {
        /// It was asked for.
        case asked = 0
        /// libipsec-mb is there, and computed what libsodium computes.
        case proven = 1
        /// libipsec-mb's header wasn't there at compile time, or this is not x86-64.
        case notCompiledIn = 2
        /// No libipsec-mb was found at run time.
        case notInstalled = 3
        /// The libipsec-mb that was found lacks functions.
        case unsuitable = 4
        /// libipsec-mb computed something else than libsodium.
        case unequal = 5
        /// The libipsec-mb that was found has another major version, with another layout of its jobs, than the header had.
        case otherMajor = 6

        /// In words, after the name of the library that is used.
        public var explanation: String {
            switch self {
            case .asked: "as asked for"
            case .proven: "installed, and computes what libsodium computes"
            case .notCompiledIn:
                "libipsec-mb's header (Debian: libipsec-mb-dev) was not found when this was compiled, or this is not x86-64"
            case .notInstalled: "libipsec-mb is not installed (Debian 12: libipsec-mb1, Debian 13: libipsec-mb2)"
            case .unsuitable: "the libipsec-mb that is installed lacks functions"
            case .otherMajor: "the libipsec-mb that is installed has another major version than the one that this was compiled for"
            case .unequal: "libipsec-mb did not compute what libsodium computes"
            }
        }
    }

    /// The library that is used.
    public let backend: TransportCipher.Backend
    /// Why it is this one.
    public let reason: Reason
    /// Whether ``backend`` is what was asked for; ``Preference/automatic`` is always satisfied.
    public let isAsPreferred: Bool

    /// Makes the choice. The faster library must first prove itself equal to libsodium: some thousand messages, about 10 ms.
    public static func make(_ preference: Preference) -> BackendChoice {
        if preference == .libsodium { return BackendChoice(backend: .libsodium, reason: .asked, isAsPreferred: true) }
        let status = UInt32(accelerated_aead_status())
        let reason: Reason
        switch status {
        case ACCELERATED_AEAD_AVAILABLE.rawValue:
            let candidate = TransportCipher(.accelerated)
            if candidate.backend == .accelerated, isEqualToPortable(candidate) {
                return BackendChoice(backend: .accelerated, reason: .proven, isAsPreferred: true)
            }
            reason = .unequal
        case ACCELERATED_AEAD_NOT_COMPILED_IN.rawValue: reason = .notCompiledIn
        case ACCELERATED_AEAD_NOT_INSTALLED.rawValue: reason = .notInstalled
        case ACCELERATED_AEAD_OTHER_MAJOR.rawValue: reason = .otherMajor
        default: reason = .unsuitable
        }
        return BackendChoice(backend: .libsodium, reason: reason, isAsPreferred: preference == .automatic)
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
