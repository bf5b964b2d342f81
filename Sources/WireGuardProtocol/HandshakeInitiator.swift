// A handshake from type to type. What stands in a box is computed without the tunnel's lock, and holds all that it takes; what `Peer`
// does between the boxes takes no time and is done under the lock, where it is checked whether the result still fits.
//
//   initiator                                                  responder
//
//   Peer.beginHandshake
//   [InitiationCreation]    2 scalar multiplications
//     -> CreatedInitiation
//   Peer.send: pendingHandshake = InitiatorHandshake
//           ------------ HandshakeInitiation: e, es, s, ss, {timestamp} ------------>
//                                                              [InitiationOpening]    1 scalar multiplication
//                                                                -> OpenedInitiation: who claims to be there?
//                                                              OpenedInitiation.authenticate: the timestamp opens
//                                                                -> AuthenticatedInitiation
//                                                              Peer.accept: is it new?
//                                                              [ResponseCreation]     3 scalar multiplications
//                                                                -> CreatedResponse
//                                                              Peer.send: keypairs.next
//           <------------ HandshakeResponse: e, ee, se, psk, {} ---------------------
//   [ResponseConsumption]   2 scalar multiplications
//     -> DerivedSession
//   Peer.establish: keypairs.current
//           ------------ TransportMessage: what waited, or nothing ----------------->
//                                                              Peer.confirm: next becomes current
//
// Under load the responder answers either message with a `CookieReply` instead, and the sender shows the cookie in its next one.

package import WireGuardCrypto

/// Making an initiation: everything that it takes, so that the scalar multiplications can be done anywhere.
public struct InitiationCreation: Sendable {
    let local: LocalIdentity
    let remote: RemoteIdentity
    /// The bytes of the ephemeral private key.
    let ephemeral: WipingBytes
    let senderIndex: UInt32
    let timestamp: TAI64N

    /// - Parameters:
    ///   - local: who makes it.
    ///   - remote: whom it is for.
    ///   - senderIndex: random, and unique among all sessions and handshakes of the tunnel; the session will keep it.
    ///   - timestamp: later than that of every earlier initiation to this peer.
    ///   - generator: makes the ephemeral private key; must be a cryptographic one outside of simulations.
    public init(
        local: LocalIdentity, remote: RemoteIdentity, senderIndex: UInt32, timestamp: TAI64N,
        using generator: inout some RandomNumberGenerator
    ) {
        self.init(
            local: local, remote: remote, ephemeral: WipingBytes(using: &generator), senderIndex: senderIndex, timestamp: timestamp)
    }

    /// With a given ephemeral private key, for published vectors.
    package init(
        local: LocalIdentity, remote: RemoteIdentity, ephemeral: PrivateKey, senderIndex: UInt32, timestamp: TAI64N
    ) {
        self.init(
            local: local, remote: remote, ephemeral: unsafe ephemeral.withUnsafeBytes { unsafe WipingBytes(copying: $0) },
            senderIndex: senderIndex, timestamp: timestamp)
    }

    private init(
        local: LocalIdentity, remote: RemoteIdentity, ephemeral: WipingBytes, senderIndex: UInt32, timestamp: TAI64N
    ) {
        self.local = local
        self.remote = remote
        self.ephemeral = ephemeral
        self.senderIndex = senderIndex
        self.timestamp = timestamp
    }

    /// Two scalar multiplications, that for the ephemeral public key among them.
    ///
    /// - Throws: ``Refusal/lowOrder`` if the peer's public key is a low-order point: no handshake with it is possible.
    public func perform() throws(Refusal) -> CreatedInitiation {
        try perform { _, _ in }
    }

    /// `observe` sees the state after each step.
    package func perform(
        observe: (NoiseStep, borrowing NoiseState) -> Void
    ) throws(Refusal) -> CreatedInitiation {
        var state = NoiseState(responder: remote.publicKey, observe: observe)
        var message = HandshakeInitiation(senderIndex: senderIndex)
        let ephemeral = PrivateKey(ephemeral)

        let ephemeralPublic = ephemeral.publicKey.fixedBytes
        message.bytes.replace(at: HandshakeInitiation.ephemeralOffset, with: ephemeralPublic)
        state.mixEphemeral(ephemeralPublic)
        observe(.initiationEphemeral, state)

        guard let ephemeralStatic = ephemeral.sharedSecret(with: remote.publicKey) else { throw .lowOrder }
        state.mixKeyAndCipher(ephemeralStatic)
        observe(.initiationEphemeralStatic, state)

        message.bytes.replace(
            at: HandshakeInitiation.sealedStaticOffset, with: state.seal(local.publicKey.fixedBytes, as: FixedBytes<48>.self))
        observe(.initiationStatic, state)

        guard let staticStatic = remote.staticStatic else { throw .lowOrder }
        state.mixKeyAndCipher(staticStatic)
        observe(.initiationStaticStatic, state)

        message.bytes.replace(at: HandshakeInitiation.sealedTimestampOffset, with: state.seal(timestamp.bytes, as: FixedBytes<28>.self))
        observe(.initiationTimestamp, state)

        message.addMAC1(key: remote.mac1Key)
        let handshake = InitiatorHandshake(localIndex: senderIndex, ephemeral: ephemeral, secrets: state.secrets())
        return CreatedInitiation(message: message, handshake: handshake, remote: remote)
    }
}

/// An initiation to send, for ``Peer/send(_:at:)-(CreatedInitiation,_)``; mac2 is still missing.
public struct CreatedInitiation: Sendable {
    /// The message; complete once ``Peer/send(_:at:)-(CreatedInitiation,_)`` has returned.
    public internal(set) var message: HandshakeInitiation
    package let handshake: InitiatorHandshake
    let remote: RemoteIdentity

    /// The index that was reserved for it, for the case that it is refused.
    public var localIndex: UInt32 { handshake.localIndex }
}

/// What an initiator keeps until the response comes. Its secrets are wiped when the last copy goes.
public struct InitiatorHandshake: Sendable {
    /// The index that the response will be addressed to.
    public let localIndex: UInt32
    let ephemeral: PrivateKey
    let secrets: HandshakeSecrets
}

/// Taking a response: everything that it takes, so that the scalar multiplications can be done anywhere.
public struct ResponseConsumption: Sendable {
    let local: LocalIdentity
    let remote: RemoteIdentity
    let handshake: InitiatorHandshake
    let message: HandshakeResponse

    /// - Parameters:
    ///   - local: who made the initiation.
    ///   - remote: who answers.
    ///   - handshake: ``Peer/pendingHandshake`` of the peer that the message's receiver index leads to.
    ///   - message: one whose mac1 was found right.
    public init(local: LocalIdentity, remote: RemoteIdentity, handshake: InitiatorHandshake, message: HandshakeResponse) {
        self.local = local
        self.remote = remote
        self.handshake = handshake
        self.message = message
    }

    /// Two scalar multiplications.
    ///
    /// - Returns: the session, for ``Peer/establish(_:at:unixNanoseconds:)``.
    /// - Throws: ``Refusal/index`` if the message answers another handshake, ``Refusal/lowOrder``, or ``Refusal/empty``.
    public func perform() throws(Refusal) -> DerivedSession {
        try perform { _, _ in }
    }

    /// `observe` sees the state after each step.
    package func perform(
        observe: (NoiseStep, borrowing NoiseState) -> Void
    ) throws(Refusal) -> DerivedSession {
        guard message.receiverIndex == handshake.localIndex else { throw .index }
        var state = NoiseState(resuming: handshake.secrets)

        let remoteEphemeral = message.ephemeral
        state.mixEphemeral(remoteEphemeral)
        observe(.responseEphemeral, state)

        let remoteKey = PublicKey(remoteEphemeral)
        guard let ephemeralEphemeral = handshake.ephemeral.sharedSecret(with: remoteKey) else { throw .lowOrder }
        state.mixKey(ephemeralEphemeral)
        observe(.responseEphemeralEphemeral, state)

        guard let staticEphemeral = local.privateKey.sharedSecret(with: remoteKey) else { throw .lowOrder }
        state.mixKey(staticEphemeral)
        observe(.responseStaticEphemeral, state)

        state.mixPresharedKey(remote.presharedKey)
        observe(.responsePresharedKey, state)

        let sealed: FixedBytes<16> = message.bytes.slice(at: HandshakeResponse.sealedEmptyOffset)
        guard state.open(sealed, as: FixedBytes<0>.self) != nil else { throw .empty }
        observe(.responseEmpty, state)

        return DerivedSession(
            localIndex: handshake.localIndex, remoteIndex: message.senderIndex, isInitiator: true,
            keys: state.transportKeys(isInitiator: true), remote: remote)
    }
}
