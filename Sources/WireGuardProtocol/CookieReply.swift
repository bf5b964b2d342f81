/// What a loaded receiver answers to a handshake message instead of computing with it (whitepaper, section 5.4.7).
///
/// ```
///   0  1  kind, 0 0 0
///   4  4  receiver index: the sender index of the message that it answers
///   8 24  nonce
///  32 32  cookie, sealed with XChaCha20-Poly1305
/// ```
public struct CookieReply: Sendable {
    static let receiverIndexOffset = MessageKind.headerByteCount
    static let nonceOffset = receiverIndexOffset + MessagePart.index
    static let sealedCookieOffset = nonceOffset + MessagePart.cookieNonce

    /// The size of the message, the whole UDP payload.
    @inlinable public static var byteCount: Int { 64 }

    // The parameter of a value type is a literal; `sealedCookieOffset` and its size derive it, and a test holds the two together.
    package var bytes: FixedBytes<64>

    /// A copy of a received message whose length, kind and reserved bytes are right; nothing else is checked.
    ///
    /// - Throws: ``Refusal/length`` or ``Refusal/type``.
    public init(copying datagram: UnsafeRawBufferPointer) throws(Refusal) {
        // SAFETY: the caller vouches for the datagram, and a kind has one length.
        guard unsafe try MessageKind(of: datagram) == .cookieReply else { throw .type }
        unsafe bytes = FixedBytes(copying: datagram)
    }

    /// A message of zeros but for its kind, index and nonce.
    init(receiverIndex: UInt32, nonce: FixedBytes<24>) {
        bytes = FixedBytes()
        bytes[0] = MessageKind.cookieReply.rawValue
        bytes.setLittleEndian(receiverIndex, at: Self.receiverIndexOffset)
        bytes.replace(at: Self.nonceOffset, with: nonce)
    }

    /// The sender index of the handshake message that this answers.
    public var receiverIndex: UInt32 { bytes.littleEndianUInt32(at: Self.receiverIndexOffset) }

    var nonce: FixedBytes<24> { bytes.slice(at: Self.nonceOffset) }
    var sealedCookie: FixedBytes<32> { bytes.slice(at: Self.sealedCookieOffset) }

    /// Calls `body` with the whole UDP payload.
    public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        unsafe try bytes.withUnsafeBytes(body)
    }
}
