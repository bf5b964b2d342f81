public import WireGuardCrypto

/// What a tunnel is to its peers: its static key pair, and the keys that everybody who knows the public key can derive from it.
public struct LocalIdentity: Sendable {
    /// Our static private key.
    public let privateKey: PrivateKey
    /// The public key that belongs to it; peers know us by it.
    public let publicKey: PublicKey
    /// What ``HandshakeInitiation`` and ``HandshakeResponse`` to us are authenticated with (whitepaper, section 5.4.4).
    package let mac1Key: FixedBytes<32>
    /// What our ``CookieReply``s are sealed with (section 5.4.7).
    package let cookieKey: FixedBytes<32>

    /// Derives the public key: one scalar multiplication.
    public init(privateKey: PrivateKey) {
        self.privateKey = privateKey
        publicKey = privateKey.publicKey
        mac1Key = LabeledKey.mac1(of: publicKey)
        cookieKey = LabeledKey.cookie(of: publicKey)
    }
}

/// What a peer is to one ``LocalIdentity``: its static public key, the preshared key, and what both together make.
///
/// A class, so that a handshake that is being computed elsewhere can be told from one that was begun with other keys: identities
/// are compared by reference. Whenever one of the keys changes there has to be a new one.
public final class RemoteIdentity: Sendable {
    /// The peer's static public key.
    public let publicKey: PublicKey
    /// Mixed into every handshake; all zeros if there is none.
    public let presharedKey: PresharedKey
    /// The shared secret of both static keys; nil if the peer's key is a low-order one, whose handshakes all fail.
    let staticStatic: SharedSecret?
    /// What ``HandshakeInitiation`` and ``HandshakeResponse`` to the peer are authenticated with.
    package let mac1Key: FixedBytes<32>
    /// What the peer's ``CookieReply``s are sealed with.
    package let cookieKey: FixedBytes<32>

    /// Derives what both static keys share: one scalar multiplication.
    public init(publicKey: PublicKey, presharedKey: PresharedKey, local: LocalIdentity) {
        self.publicKey = publicKey
        self.presharedKey = presharedKey
        staticStatic = local.privateKey.sharedSecret(with: publicKey)
        mac1Key = LabeledKey.mac1(of: publicKey)
        cookieKey = LabeledKey.cookie(of: publicKey)
    }

    /// The same peer with another preshared key; nothing is multiplied.
    public init(_ other: RemoteIdentity, presharedKey: PresharedKey) {
        publicKey = other.publicKey
        self.presharedKey = presharedKey
        staticStatic = other.staticStatic
        mac1Key = other.mac1Key
        cookieKey = other.cookieKey
    }
}
