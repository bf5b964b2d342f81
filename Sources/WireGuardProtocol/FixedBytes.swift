/// A number of bytes known to the compiler, in place: a message, a MAC, a key that is no secret.
package struct FixedBytes<let count: Int>: Sendable {
    var storage: InlineArray<count, UInt8>

    /// Zeros.
    package init() {
        storage = InlineArray(repeating: 0)
    }

    /// A copy of `bytes`, which are `count` many.
    package init(copying bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == count)
        // SAFETY: the count was just checked.
        storage = InlineArray { unsafe bytes[$0] }
    }

    package subscript(i: Int) -> UInt8 {
        get { storage[i] }
        set { storage[i] = newValue }
    }

    package func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        let span = storage.span
        // SAFETY: the span outlives the call; what `body` does with the pointer is up to it.
        return try unsafe span.withUnsafeBytes(body)
    }

    package mutating func withUnsafeMutableBytes<R, E: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        var span = storage.mutableSpan
        // SAFETY: the span outlives the call; what `body` does with the pointer is up to it.
        return try unsafe span.withUnsafeMutableBytes(body)
    }

    /// The `n` bytes from `offset`, as a value of their own.
    func slice<let n: Int>(at offset: Int) -> FixedBytes<n> {
        FixedBytes<n>(storage: InlineArray { storage[offset + $0] })
    }

    mutating func replace<let n: Int>(at offset: Int, with bytes: FixedBytes<n>) {
        for i in 0..<n { storage[offset + i] = bytes.storage[i] }
    }

    func littleEndianUInt32(at offset: Int) -> UInt32 {
        var value: UInt32 = 0
        for i in (0..<4).reversed() { value = value << 8 | UInt32(storage[offset + i]) }
        return value
    }

    mutating func setLittleEndian(_ value: UInt32, at offset: Int) {
        for i in 0..<4 { storage[offset + i] = UInt8(truncatingIfNeeded: value >> UInt32(8 * i)) }
    }

    func bigEndianUInt64(at offset: Int) -> UInt64 {
        var value: UInt64 = 0
        for i in 0..<8 { value = value << 8 | UInt64(storage[offset + i]) }
        return value
    }

    private init(storage: InlineArray<count, UInt8>) {
        self.storage = storage
    }
}

extension FixedBytes: Equatable {
    /// Whether all bytes are equal, in a time that does not depend on them.
    package static func == (a: Self, b: Self) -> Bool {
        var difference: UInt8 = 0
        for i in 0..<count { difference |= a.storage[i] ^ b.storage[i] }
        return difference == 0
    }
}
