public import WireGuardCrypto

/// The keys that a piece of a handshake is computed with, for somebody who wants to read its session along: with them and the handshake's
/// messages everything that is sent on it can be decrypted.
///
/// Nothing makes one unless it is asked for, before the piece is performed; what is left of the ephemeral key afterwards is this copy alone,
/// and it wipes itself.
public struct HandshakeKeys: Sendable {
    /// Our static private key; nil where this piece has no use for it.
    public var localStatic: PrivateKey?
    /// The peer's static public key; nil while it isn't known.
    public var remoteStatic: PublicKey?
    /// The private key that is made for this handshake and no other; nil where none is made.
    public var localEphemeral: PrivateKey?
    /// What is mixed into it; zero for nothing.
    public var presharedKey: PresharedKey
}

extension InitiationCreation {
    /// What it is computed with. One scalar multiplication.
    public var keys: HandshakeKeys {
        HandshakeKeys(
            localStatic: local.privateKey, remoteStatic: remote.publicKey, localEphemeral: PrivateKey(ephemeral),
            presharedKey: remote.presharedKey)
    }
}

extension InitiationOpening {
    /// What it is computed with.
    public var keys: HandshakeKeys {
        HandshakeKeys(localStatic: local.privateKey, presharedKey: .zero)
    }
}

extension ResponseCreation {
    /// What it is computed with. One scalar multiplication.
    public var keys: HandshakeKeys {
        HandshakeKeys(
            remoteStatic: initiation.remote.publicKey, localEphemeral: PrivateKey(ephemeral), presharedKey: initiation.remote.presharedKey)
    }
}
