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
    /// Changes of peers, in their order.
    public var peers: [PeerUpdate] = []

    /// Nothing changes.
    public init() {}
}

/// A change to one peer; see ``TunnelUpdate``.
public struct PeerUpdate: Sendable {
    /// Whom it is about.
    public var publicKey: PublicKey
    /// Remove the peer; the other fields are ignored.
    public var removes = false
    /// Change the peer only if it exists already.
    public var updatesOnly = false
    /// The new preshared key; all zeros removes it.
    public var presharedKey: PresharedKey?
    /// Where the peer is.
    public var endpoint: Endpoint?
    /// Seconds between persistent keepalives; 0 for none.
    public var persistentKeepalive: UInt16?
    /// Whether its allowed IPs are removed before `allowedIPs` are added.
    public var replacesAllowedIPs = false
    /// Allowed IPs to add or to remove, in their order.
    public var allowedIPs: [AllowedIPChange] = []

    /// Nothing of the peer changes; it is added if there is none.
    public init(publicKey: PublicKey) {
        self.publicKey = publicKey
    }
}

/// One allowed IP to add to a peer, or to take from it.
public struct AllowedIPChange: Hashable, Sendable {
    /// Which addresses.
    public var prefix: IPPrefix
    /// Whether they are taken from the peer, not given to it.
    public var removes: Bool

    /// Addresses to give to a peer, or to take from it.
    public init(_ prefix: IPPrefix, removes: Bool = false) {
        self.prefix = prefix
        self.removes = removes
    }
}

/// The state of a tunnel at one instant, as one `get` of the UAPI shows it.
public struct TunnelSnapshot: Sendable {
    /// The static private key; nil without one.
    public var privateKey: PrivateKey?
    /// The UDP port in use.
    public var listenPort: UInt16
    /// The mark on outgoing datagrams; 0 for none.
    public var firewallMark: UInt32
    /// All peers.
    public var peers: [PeerSnapshot]

    /// A state.
    public init(privateKey: PrivateKey?, listenPort: UInt16, firewallMark: UInt32, peers: [PeerSnapshot]) {
        self.privateKey = privateKey
        self.listenPort = listenPort
        self.firewallMark = firewallMark
        self.peers = peers
    }
}

/// The state of one peer; see ``TunnelSnapshot``.
public struct PeerSnapshot: Sendable {
    /// Who it is.
    public var publicKey: PublicKey
    /// What is mixed into its handshakes; nil for none.
    public var presharedKey: PresharedKey?
    /// Where it is; nil: not known.
    public var endpoint: Endpoint?
    /// Seconds between persistent keepalives; 0 for none.
    public var persistentKeepalive: UInt16
    /// When the last handshake completed, in nanoseconds of the Unix epoch; nil if none has.
    public var lastHandshake: UInt64?
    /// Bytes of UDP payload from the peer and to it, handshakes included.
    public var receivedBytes: UInt64
    /// The same to it.
    public var sentBytes: UInt64
    /// What it may send from, and what is sent to it.
    public var allowedIPs: [IPPrefix]

    /// A state.
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
