internal import CSodium

/// libsodium, the portable implementation of the ciphers and of X25519.
enum Sodium {
    /// Evaluated once a process, on first use from any thread: picks the fastest code for this processor.
    ///
    /// libsodium fails here only where the system has no source of randomness, and nothing could be secure then.
    private static let initialized: Void = {
        precondition(sodium_init() >= 0, "libsodium cannot initialize: the system has no source of randomness")
    }()

    /// Must precede the first use of a cipher or curve; later calls cost a load and a branch.
    @inline(__always)
    static func ready() {
        _ = initialized
    }
}

/// Overwrites `bytes` with zeros in a way that the compiler does not remove.
public func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    // SAFETY: the pointer and count belong to one buffer.
    unsafe sodium_memzero(start, bytes.count)
}

/// Overwrites the stack below the caller, where functions that have returned left what they computed with: what doesn't fit into registers
/// lies there, keys too, until somebody happens to write over it.
///
/// - Parameter byteCount: how far down; the deepest of the functions that worked with secrets must have kept within it.
@inline(never)
public func wipeDeadStack(_ byteCount: Int) {
    sodium_stackzero(byteCount)
}

/// Whether `count` bytes are the same, in a time that depends on `count` only.
public func constantTimeEqual(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, count: Int) -> Bool {
    // SAFETY: the caller vouches for `count` readable bytes at both.
    unsafe sodium_memcmp(a, b, count) == 0
}

/// Whether two tags of 16 bytes are the same, in the same time whatever they are: a tenth of what `constantTimeEqual` takes for them.
func areEqualTags(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer) -> Bool {
    // SAFETY: the caller vouches for 16 readable bytes at both.
    unsafe crypto_verify_16(a.assumingMemoryBound(to: UInt8.self), b.assumingMemoryBound(to: UInt8.self)) == 0
}

/// Whether `count` bytes, a multiple of 8, are all zero, in a time that depends on `count` only: every word is looked at.
public func constantTimeIsZero(_ bytes: UnsafeRawPointer, count: Int) -> Bool {
    precondition(count % MemoryLayout<UInt64>.size == 0)
    var bits: UInt64 = 0
    for offset in stride(from: 0, to: count, by: MemoryLayout<UInt64>.size) {
        // SAFETY: the caller vouches for `count` readable bytes.
        bits |= unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }
    return bits == 0
}
