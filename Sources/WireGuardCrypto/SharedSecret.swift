/// The result of X25519, never all zero. It wipes itself.
public struct SharedSecret: Sendable {
    let secret: SecretBytes

    /// Calls `body` with the 32 bytes.
    public func withUnsafeBytes<R: ~Copyable, E>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try unsafe secret.withUnsafeBytes(body)
    }
}
