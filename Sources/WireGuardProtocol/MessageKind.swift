/// The four messages, by the number in their first byte (whitepaper, section 5.4).
@frozen
public enum MessageKind: UInt8, Sendable, CaseIterable {
    /// A handshake's first message.
    case handshakeInitiation = 1
    /// A handshake's second message, which ends it.
    case handshakeResponse = 2
    /// What a responder under load answers an initiation with: proof of one's address is asked for first.
    case cookieReply = 3
    /// A packet, or none: a keepalive.
    case transport = 4

    /// A message's first four bytes: its kind and three zeros.
    @inlinable public static var headerByteCount: Int { MemoryLayout<UInt32>.size }

    /// The kind of a received datagram, once its length is the one of its kind and its reserved bytes are zero.
    ///
    /// - Throws: ``Refusal/length`` or ``Refusal/type``.
    @inlinable
    public init(of datagram: UnsafeRawBufferPointer) throws(Refusal) {
        guard datagram.count >= TransportMessage.overhead else { throw .length }
        // SAFETY: the datagram has more than four bytes. Little-endian, so that the reserved bytes are the upper three.
        let header = UInt32(littleEndian: unsafe datagram.loadUnaligned(as: UInt32.self))
        guard header <= UInt8.max, let kind = MessageKind(rawValue: UInt8(truncatingIfNeeded: header)) else { throw .type }
        let isRightLength =
            switch kind {
            case .handshakeInitiation: datagram.count == HandshakeInitiation.byteCount
            case .handshakeResponse: datagram.count == HandshakeResponse.byteCount
            case .cookieReply: datagram.count == CookieReply.byteCount
            case .transport: true
            }
        guard isRightLength else { throw .length }
        self = kind
    }
}

/// Sizes that the messages are made of.
enum MessagePart {
    static let index = MemoryLayout<UInt32>.size
    static let publicKey = 32
    static let tag = 16
    static let mac = 16
    static let macs = 2 * mac
    static let cookie = 16
    static let cookieNonce = 24

    static func sealed(_ byteCount: Int) -> Int { byteCount + tag }
}

/// A handshake message: its last two fields are the MACs (whitepaper, section 5.4.4).
protocol AuthenticatedMessage {
    static var byteCount: Int { get }
    func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R
    var mac1: FixedBytes<16> { get set }
    var mac2: FixedBytes<16> { get set }
}
