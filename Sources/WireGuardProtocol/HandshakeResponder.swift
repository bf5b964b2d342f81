public import WireGuardCrypto

/// Opening an initiation as far as it goes without knowing whom it is from.
public struct InitiationOpening: Sendable {
    let local: LocalIdentity
    let message: HandshakeInitiation

    /// - Parameters:
    ///   - local: whom it is for.
    ///   - message: one whose mac1 was found right.
    public init(local: LocalIdentity, message: HandshakeInitiation) {
        self.local = local
        self.message = message
    }

    /// One scalar multiplication.
    ///
    /// - Throws: ``Refusal/lowOrder`` or ``Refusal/sealedStatic``.
    public func perform() throws(Refusal) -> OpenedInitiation {
        try perform { _, _ in }
    }

    /// `observe` sees the state after each step.
    package func perform(
        observe: (NoiseStep, borrowing NoiseState) -> Void
    ) throws(Refusal) -> OpenedInitiation {
        var state = NoiseState(responder: local.publicKey, observe: observe)

        let remoteEphemeral = message.ephemeral
        state.mixEphemeral(remoteEphemeral)
        observe(.initiationEphemeral, state)

        guard let ephemeralStatic = local.privateKey.sharedSecret(with: PublicKey(remoteEphemeral)) else { throw .lowOrder }
        state.mixKeyAndCipher(ephemeralStatic)
        observe(.initiationEphemeralStatic, state)

        let sealed: FixedBytes<48> = message.bytes.slice(at: HandshakeInitiation.sealedStaticOffset)
        guard let remoteStatic = state.open(sealed, as: FixedBytes<32>.self) else { throw .sealedStatic }
        observe(.initiationStatic, state)

        return OpenedInitiation(initiator: PublicKey(remoteStatic), message: message, secrets: state.secrets())
    }
}

/// An initiation that says who it is from. It is not proven yet: anybody who knows two public keys can claim this.
public struct OpenedInitiation: Sendable {
    /// The static public key that the sender claims; the peer is looked up by it.
    public let initiator: PublicKey
    let message: HandshakeInitiation
    let secrets: HandshakeSecrets

    /// Opens the timestamp, which proves that the sender holds the private half of ``initiator``. No scalar multiplication.
    ///
    /// - Parameter remote: the peer whose public key is ``initiator``.
    /// - Throws: ``Refusal/unknownPeer`` if it is another's, ``Refusal/lowOrder``, or ``Refusal/timestamp``.
    public func authenticate(as remote: RemoteIdentity) throws(Refusal) -> AuthenticatedInitiation {
        try authenticate(as: remote) { _, _ in }
    }

    /// `observe` sees the state after each step.
    package func authenticate(
        as remote: RemoteIdentity, observe: (NoiseStep, borrowing NoiseState) -> Void
    ) throws(Refusal) -> AuthenticatedInitiation {
        guard remote.publicKey == initiator else { throw .unknownPeer }
        var state = NoiseState(resuming: secrets)

        guard let staticStatic = remote.staticStatic else { throw .lowOrder }
        state.mixKeyAndCipher(staticStatic)
        observe(.initiationStaticStatic, state)

        let sealed: FixedBytes<28> = message.bytes.slice(at: HandshakeInitiation.sealedTimestampOffset)
        guard let timestamp = state.open(sealed, as: FixedBytes<12>.self) else { throw .timestamp }
        observe(.initiationTimestamp, state)

        return AuthenticatedInitiation(
            timestamp: TAI64N(timestamp), remoteIndex: message.senderIndex, ephemeral: message.ephemeral,
            secrets: state.secrets(), remote: remote)
    }
}

/// An initiation that is proven to come from its peer, once; ``Peer/accept(_:at:)-(AuthenticatedInitiation,_)`` decides if it is new.
public struct AuthenticatedInitiation: Sendable {
    /// When its sender says that it was made.
    public let timestamp: TAI64N
    let remoteIndex: UInt32
    let ephemeral: FixedBytes<32>
    let secrets: HandshakeSecrets
    let remote: RemoteIdentity
}

/// Making a response: everything that it takes, so that the scalar multiplications can be done anywhere.
public struct ResponseCreation: Sendable {
    let initiation: AuthenticatedInitiation
    /// The bytes of the ephemeral private key.
    let ephemeral: WipingBytes
    let senderIndex: UInt32

    /// - Parameters:
    ///   - initiation: one that ``Peer/accept(_:at:)-(AuthenticatedInitiation,_)`` has accepted.
    ///   - senderIndex: random, and unique among all sessions and handshakes of the tunnel; the session will keep it.
    ///   - generator: makes the ephemeral private key; must be a cryptographic one outside of simulations.
    public init(
        to initiation: AuthenticatedInitiation, senderIndex: UInt32, using generator: inout some RandomNumberGenerator
    ) {
        self.initiation = initiation
        ephemeral = WipingBytes(using: &generator)
        self.senderIndex = senderIndex
    }

    /// With a given ephemeral private key, for published vectors.
    package init(to initiation: AuthenticatedInitiation, ephemeral: PrivateKey, senderIndex: UInt32) {
        self.initiation = initiation
        self.ephemeral = unsafe ephemeral.withUnsafeBytes { unsafe WipingBytes(copying: $0) }
        self.senderIndex = senderIndex
    }

    /// Three scalar multiplications, that for the ephemeral public key among them.
    ///
    /// - Throws: ``Refusal/lowOrder``.
    public func perform() throws(Refusal) -> CreatedResponse {
        try perform { _, _ in }
    }

    /// `observe` sees the state after each step.
    package func perform(
        observe: (NoiseStep, borrowing NoiseState) -> Void
    ) throws(Refusal) -> CreatedResponse {
        let remote = initiation.remote
        var state = NoiseState(resuming: initiation.secrets)
        var message = HandshakeResponse(senderIndex: senderIndex, receiverIndex: initiation.remoteIndex)
        let ephemeral = PrivateKey(ephemeral)

        let ephemeralPublic = ephemeral.publicKey.fixedBytes
        message.bytes.replace(at: HandshakeResponse.ephemeralOffset, with: ephemeralPublic)
        state.mixEphemeral(ephemeralPublic)
        observe(.responseEphemeral, state)

        guard let ephemeralEphemeral = ephemeral.sharedSecret(with: PublicKey(initiation.ephemeral)) else { throw .lowOrder }
        state.mixKey(ephemeralEphemeral)
        observe(.responseEphemeralEphemeral, state)

        guard let staticEphemeral = ephemeral.sharedSecret(with: remote.publicKey) else { throw .lowOrder }
        state.mixKey(staticEphemeral)
        observe(.responseStaticEphemeral, state)

        state.mixPresharedKey(remote.presharedKey)
        observe(.responsePresharedKey, state)

        message.bytes.replace(at: HandshakeResponse.sealedEmptyOffset, with: state.seal(FixedBytes<0>(), as: FixedBytes<16>.self))
        observe(.responseEmpty, state)

        message.addMAC1(key: remote.mac1Key)
        let session = DerivedSession(
            localIndex: senderIndex, remoteIndex: initiation.remoteIndex, isInitiator: false,
            keys: state.transportKeys(isInitiator: false), remote: remote)
        return CreatedResponse(message: message, session: session)
    }
}

/// A response to send and the session that it makes, for ``Peer/send(_:at:)-(CreatedResponse,_)``; mac2 is still missing.
public struct CreatedResponse: Sendable {
    /// The message; complete once ``Peer/send(_:at:)-(CreatedResponse,_)`` has returned.
    public internal(set) var message: HandshakeResponse
    package let session: DerivedSession

    /// The index that was reserved for it, for the case that it is refused.
    public var localIndex: UInt32 { session.localIndex }
}
