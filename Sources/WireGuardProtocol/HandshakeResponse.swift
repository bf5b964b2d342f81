/// The second message of a handshake, from the responder (whitepaper, section 5.4.3).
///
/// ```
///   0  1  kind, 0 0 0
///   4  4  sender index: what the initiator will address the session by
///   8  4  receiver index: the initiation's sender index
///  12 32  ephemeral public key
///  44 16  nothing, sealed
///  60 16  mac1
///  76 16  mac2, zeros without a cookie
/// ```
public struct HandshakeResponse: Sendable {
    static let senderIndexOffset = MessageKind.headerByteCount
    static let receiverIndexOffset = senderIndexOffset + MessagePart.index
    static let ephemeralOffset = receiverIndexOffset + MessagePart.index
    static let sealedEmptyOffset = ephemeralOffset + MessagePart.publicKey
    static let mac1Offset = sealedEmptyOffset + MessagePart.sealed(0)
    static let mac2Offset = mac1Offset + MessagePart.mac

    /// The size of the message, the whole UDP payload.
    @inlinable public static var byteCount: Int { 92 }

    // The parameter of a value type is a literal; `mac2Offset + mac` derives it, and a test holds the two together.
    package var bytes: FixedBytes<92>

    /// A copy of a received message whose length, kind and reserved bytes are right; nothing else is checked.
    ///
    /// - Throws: ``Refusal/length`` or ``Refusal/type``.
    public init(copying datagram: UnsafeRawBufferPointer) throws(Refusal) {
        // SAFETY: the caller vouches for the datagram, and a kind has one length.
        guard unsafe try MessageKind(of: datagram) == .handshakeResponse else { throw .type }
        unsafe bytes = FixedBytes(copying: datagram)
    }

    /// A message of zeros but for its kind and indices.
    init(senderIndex: UInt32, receiverIndex: UInt32) {
        bytes = FixedBytes()
        bytes[0] = MessageKind.handshakeResponse.rawValue
        bytes.setLittleEndian(senderIndex, at: Self.senderIndexOffset)
        bytes.setLittleEndian(receiverIndex, at: Self.receiverIndexOffset)
    }

    /// What the initiator addresses its messages of this session to.
    public var senderIndex: UInt32 { bytes.littleEndianUInt32(at: Self.senderIndexOffset) }

    /// The sender index of the initiation that this answers.
    public var receiverIndex: UInt32 { bytes.littleEndianUInt32(at: Self.receiverIndexOffset) }

    var ephemeral: FixedBytes<32> { bytes.slice(at: Self.ephemeralOffset) }

    /// Calls `body` with the whole UDP payload.
    public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        unsafe try bytes.withUnsafeBytes(body)
    }
}

extension HandshakeResponse: AuthenticatedMessage {
    package internal(set) var mac1: FixedBytes<16> {
        get { bytes.slice(at: Self.mac1Offset) }
        set { bytes.replace(at: Self.mac1Offset, with: newValue) }
    }

    package internal(set) var mac2: FixedBytes<16> {
        get { bytes.slice(at: Self.mac2Offset) }
        set { bytes.replace(at: Self.mac2Offset, with: newValue) }
    }
}
