/// A Curve25519 public key: 32 bytes that name a peer.
public struct PublicKey: Sendable {
    /// The size of every key, in bytes.
    public static let count = 32

    private let bytes: InlineArray<32, UInt8>

    /// A key of 32 bytes, as they are sent; any are one.
    public init(bytes: InlineArray<32, UInt8>) {
        self.bytes = bytes
    }

    /// A copy of 32 bytes, or nil if `buffer` has another length.
    public init?(_ buffer: UnsafeRawBufferPointer) {
        guard buffer.count == Self.count else { return nil }
        self.init(bytes: InlineArray { unsafe buffer[$0] })
    }

    /// Calls `body` with the 32 bytes.
    public func withUnsafeBytes<R: ~Copyable, E>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try unsafe Swift.withUnsafeBytes(of: bytes, body)
    }

    /// Whether all bytes are zero: no key, in the messages of the userspace interface.
    public var isZero: Bool {
        unsafe withUnsafeBytes { unsafe constantTimeIsZero($0.baseAddress!, count: Self.count) }
    }
}

extension PublicKey: Hashable {
    /// Whether the 32 bytes are the same; they are no secret.
    public static func == (a: PublicKey, b: PublicKey) -> Bool {
        unsafe a.withUnsafeBytes { a in
            unsafe b.withUnsafeBytes { b in
                unsafe constantTimeEqual(a.baseAddress!, b.baseAddress!, count: count)
            }
        }
    }

    /// Feeds the 32 bytes to `hasher`.
    public func hash(into hasher: inout Hasher) {
        unsafe withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    }
}
