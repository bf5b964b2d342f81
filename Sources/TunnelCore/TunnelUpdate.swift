public import NetworkTypes
public import WireGuardCrypto

/// A change to a running tunnel, as one `set` of the UAPI or one reading of a configuration file expresses it.
///
/// Absent fields stay as they are. Peers are changed in order; changing a peer never disturbs its session unless
/// its keys change. Source: WireGuard cross-platform userspace interface.
public struct TunnelUpdate: Sendable {
    /// The new static private key; `.some(nil)` removes it.
    public var privateKey: PrivateKey??
    /// The UDP port to listen on; 0 lets the kernel choose one.
    public var listenPort: UInt16?
    /// The mark put on outgoing datagrams; 0 for none.
    public var firewallMark: UInt32?
    /// Whether all peers are removed before `peers` is applied.
    public var replacesPeers = false
    public var peers: [PeerUpdate] = []

    public init() {}
}

/// A change to one peer; see ``TunnelUpdate``.
public struct PeerUpdate: Sendable {
    public var publicKey: PublicKey
    /// Remove the peer; the other fields are ignored.
    public var removes = false
    /// Change the peer only if it exists already.
    public var updatesOnly = false
    /// The new preshared key; all zeros removes it.
    public var presharedKey: PresharedKey?
    public var endpoint: Endpoint?
    /// Seconds between persistent keepalives; 0 for none.
    public var persistentKeepalive: UInt16?
    public var replacesAllowedIPs = false
    public var allowedIPs: [AllowedIPChange] = []

    public init(publicKey: PublicKey) {
        self.publicKey = publicKey
    }
}

/// One allowed IP to add to a peer, or to take from it.
public struct AllowedIPChange: Hashable, Sendable {
    public var prefix: IPPrefix
    public var removes: Bool

    public init(_ prefix: IPPrefix, removes: Bool = false) {
        self.prefix = prefix
        self.removes = removes
    }
}

/// The state of a tunnel at one instant, as one `get` of the UAPI shows it.
public struct TunnelSnapshot: Sendable {
    public var privateKey: PrivateKey?
    /// The UDP port in use.
    public var listenPort: UInt16
    public var firewallMark: UInt32
    public var peers: [PeerSnapshot]

    public init(privateKey: PrivateKey?, listenPort: UInt16, firewallMark: UInt32, peers: [PeerSnapshot]) {
        self.privateKey = privateKey
        self.listenPort = listenPort
        self.firewallMark = firewallMark
        self.peers = peers
    }
}

/// The state of one peer; see ``TunnelSnapshot``.
public struct PeerSnapshot: Sendable {
    public var publicKey: PublicKey
    public var presharedKey: PresharedKey?
    public var endpoint: Endpoint?
    /// Seconds between persistent keepalives; 0 for none.
    public var persistentKeepalive: UInt16
    /// When the last handshake completed, in nanoseconds of the Unix epoch; nil if none has.
    public var lastHandshake: UInt64?
    /// Bytes of UDP payload from the peer and to it, handshakes included.
    public var receivedBytes: UInt64
    public var sentBytes: UInt64
    public var allowedIPs: [IPPrefix]

    public init(
        publicKey: PublicKey, presharedKey: PresharedKey?, endpoint: Endpoint?, persistentKeepalive: UInt16,
        lastHandshake: UInt64?, receivedBytes: UInt64, sentBytes: UInt64, allowedIPs: [IPPrefix]
    ) {
        self.publicKey = publicKey
        self.presharedKey = presharedKey
        self.endpoint = endpoint
        self.persistentKeepalive = persistentKeepalive
        self.lastHandshake = lastHandshake
        self.receivedBytes = receivedBytes
        self.sentBytes = sentBytes
        self.allowedIPs = allowedIPs
    }
}
