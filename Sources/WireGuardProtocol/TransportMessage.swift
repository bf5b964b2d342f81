/// The header of a data message; the sealed payload follows it (whitepaper, section 5.4.6).
///
/// ```
///   0  1  kind, 0 0 0
///   4  4  receiver index
///   8  8  counter
///  16  n  payload, padded and sealed: 16 bytes longer than the plaintext
/// ```
/// An empty payload is a keepalive.
@frozen
public struct TransportMessage: Hashable, Sendable {
    /// The sender index that the receiver of this message gave in the handshake.
    public var receiverIndex: UInt32
    /// The nonce of the payload, never used twice with one key.
    public var counter: UInt64

    /// The bytes in front of the sealed payload.
    @inlinable public static var headerByteCount: Int {
        MessageKind.headerByteCount + MemoryLayout<UInt32>.size + MemoryLayout<UInt64>.size
    }

    /// The bytes of the tag behind the payload.
    @inlinable public static var tagByteCount: Int { 16 }

    /// What a message is longer than its padded payload, and so the length of a keepalive.
    @inlinable public static var overhead: Int { headerByteCount + tagByteCount }

    /// A header to be written.
    @inlinable
    public init(receiverIndex: UInt32, counter: UInt64) {
        self.receiverIndex = receiverIndex
        self.counter = counter
    }

    /// Reads the header of a received message.
    ///
    /// - Parameter datagram: the whole UDP payload, whose ``MessageKind`` was found to be `transport`.
    @inlinable
    public init(header datagram: UnsafeRawBufferPointer) {
        // SAFETY: a datagram of this kind is at least `overhead` long.
        receiverIndex = UInt32(littleEndian: unsafe datagram.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        counter = UInt64(littleEndian: unsafe datagram.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// Writes the header: ``headerByteCount`` bytes at `destination`, of any alignment.
    @inlinable
    public func write(to destination: UnsafeMutableRawPointer) {
        let kind = UInt32(MessageKind.transport.rawValue)
        // SAFETY: the caller vouches for `headerByteCount` writable bytes.
        unsafe destination.storeBytes(of: kind.littleEndian, as: UInt32.self)
        unsafe destination.storeBytes(of: receiverIndex.littleEndian, toByteOffset: 4, as: UInt32.self)
        unsafe destination.storeBytes(of: counter.littleEndian, toByteOffset: 8, as: UInt64.self)
    }

    /// The length of the padded payload: the next multiple of ``Limits/paddingMultiple``, but not past the interface's MTU.
    ///
    /// - Parameters:
    ///   - byteCount: the length of the inner packet; one above the MTU is not padded.
    ///   - mtu: of the interface, in bytes.
    @inlinable
    public static func paddedByteCount(of byteCount: Int, mtu: Int) -> Int {
        let multiple = Limits.paddingMultiple
        return max(byteCount, min(mtu, (byteCount + multiple - 1) & ~(multiple - 1)))
    }
}
