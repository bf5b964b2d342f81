import WireGuardCrypto

/// What a completed handshake gives: indices and keys, of which a ``Keypair`` is made.
public struct DerivedSession: Sendable {
    /// What the peer addresses its messages to.
    public let localIndex: UInt32
    /// What we address our messages to.
    public let remoteIndex: UInt32
    /// Whether we sent the initiation.
    public let isInitiator: Bool
    package let keys: TransportKeys
    let remote: RemoteIdentity
}

/// Chaining key and hash between two messages of a handshake.
struct HandshakeSecrets: Sendable {
    static let byteCount = 2 * NoiseState.hashByteCount
    let bytes: WipingBytes
}

/// The two keys of a session.
package struct TransportKeys: Sendable {
    static let byteCount = 2 * NoiseState.keyByteCount
    /// The sending key, then the receiving key.
    let bytes: WipingBytes

    func makeSendingKey() -> AEADKey {
        // SAFETY: 64 bytes, of which the key takes the first 32.
        unsafe bytes.withUnsafeBytes { unsafe AEADKey($0.baseAddress!) }
    }

    func makeReceivingKey() -> AEADKey {
        // SAFETY: 64 bytes, of which the key takes the last 32.
        unsafe bytes.withUnsafeBytes { unsafe AEADKey($0.baseAddress! + NoiseState.keyByteCount) }
    }

    package var sending: FixedBytes<32> {
        unsafe bytes.withUnsafeBytes { unsafe FixedBytes(copying: UnsafeRawBufferPointer(rebasing: $0[..<32])) }
    }

    package var receiving: FixedBytes<32> {
        unsafe bytes.withUnsafeBytes { unsafe FixedBytes(copying: UnsafeRawBufferPointer(rebasing: $0[32...])) }
    }
}
