/// The first message of a handshake, from the initiator (whitepaper, section 5.4.2).
///
/// ```
///   0  1  kind, 0 0 0
///   4  4  sender index: what the responder will address the session by
///   8 32  ephemeral public key
///  40 48  static public key, sealed
///  88 28  timestamp, sealed
/// 116 16  mac1
/// 132 16  mac2, zeros without a cookie
/// ```
public struct HandshakeInitiation: Sendable {
    static let senderIndexOffset = MessageKind.headerByteCount
    static let ephemeralOffset = senderIndexOffset + MessagePart.index
    static let sealedStaticOffset = ephemeralOffset + MessagePart.publicKey
    static let sealedTimestampOffset = sealedStaticOffset + MessagePart.sealed(MessagePart.publicKey)
    static let mac1Offset = sealedTimestampOffset + MessagePart.sealed(TAI64N.byteCount)
    static let mac2Offset = mac1Offset + MessagePart.mac

    /// The size of the message, the whole UDP payload.
    @inlinable public static var byteCount: Int { 148 }

    // The parameter of a value type is a literal; `mac2Offset + mac` derives it, and a test holds the two together.
    package var bytes: FixedBytes<148>

    /// A copy of a received message whose length, kind and reserved bytes are right; nothing else is checked.
    ///
    /// - Throws: ``Refusal/length`` or ``Refusal/type``.
    public init(copying datagram: UnsafeRawBufferPointer) throws(Refusal) {
        // SAFETY: the caller vouches for the datagram, and a kind has one length.
        guard unsafe try MessageKind(of: datagram) == .handshakeInitiation else { throw .type }
        unsafe bytes = FixedBytes(copying: datagram)
    }

    /// A message of zeros but for its kind and index.
    init(senderIndex: UInt32) {
        bytes = FixedBytes()
        bytes[0] = MessageKind.handshakeInitiation.rawValue
        bytes.setLittleEndian(senderIndex, at: Self.senderIndexOffset)
    }

    /// What the responder addresses its messages of this session to.
    public var senderIndex: UInt32 { bytes.littleEndianUInt32(at: Self.senderIndexOffset) }

    var ephemeral: FixedBytes<32> { bytes.slice(at: Self.ephemeralOffset) }

    /// Calls `body` with the whole UDP payload.
    public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        unsafe try bytes.withUnsafeBytes(body)
    }
}

extension HandshakeInitiation: AuthenticatedMessage {
    package internal(set) var mac1: FixedBytes<16> {
        get { bytes.slice(at: Self.mac1Offset) }
        set { bytes.replace(at: Self.mac1Offset, with: newValue) }
    }

    package internal(set) var mac2: FixedBytes<16> {
        get { bytes.slice(at: Self.mac2Offset) }
        set { bytes.replace(at: Self.mac2Offset, with: newValue) }
    }
}
