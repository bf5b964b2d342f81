internal import WireGuardCrypto

/// Text that may hold keys in words: it is wiped when the last holder lets go.
///
/// What is put together from parts gets its whole size at once, since an array that grows leaves a copy of what it had.
public struct SecretText: Sendable {
    private let memory: Memory

    /// Takes over what nobody else keeps.
    init(_ bytes: [UInt8]) {
        memory = Memory(bytes)
    }

    init(_ text: String) {
        self.init(Array(text.utf8))
    }

    /// The parts, one after the other.
    init(joining parts: [ArraySlice<UInt8>]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(parts.reduce(0) { $0 + $1.count })
        for part in parts { bytes += part }
        self.init(bytes)
    }

    /// Calls `body` with the text. Who keeps it beyond that keeps it from being wiped.
    public func withBytes<R, E>(_ body: ([UInt8]) throws(E) -> R) throws(E) -> R {
        // An array whose owner went first would be wiped in a copy.
        defer { withExtendedLifetime(memory) {} }
        return try body(memory.bytes)
    }

    /// The text, to be let go before this value is.
    var bytes: [UInt8] { memory.bytes }

    /// Whether both are the same, byte by byte.
    public func isSame(as other: SecretText) -> Bool {
        withBytes { own in other.withBytes { own == $0 } }
    }

    @safe private final class Memory: Sendable {
        // SAFETY: written in `init` and `deinit` only.
        private nonisolated(unsafe) var storage: [UInt8]

        init(_ bytes: [UInt8]) {
            unsafe storage = bytes
        }

        deinit {
            // Nobody else has this array, or wiping would wipe a copy.
            unsafe storage.withUnsafeMutableBytes { unsafe wipe($0) }
        }

        var bytes: [UInt8] { unsafe storage }
    }
}
