public import NetworkTypes
public import WireGuardCrypto

/// One peer for as long as it is configured: its slot, and which of the peers that had that slot one after the other it is.
public struct PeerReference: Hashable, Sendable {
    let slot: UInt32
    let serial: UInt32

    /// For those who carry it along without knowing what it is; 0 is nobody.
    public var rawValue: UInt64 { UInt64(serial) << 32 | UInt64(slot) }

    /// Reads what ``rawValue`` gave; nil for nobody.
    public init?(rawValue: UInt64) {
        guard rawValue != 0 else { return nil }
        slot = UInt32(truncatingIfNeeded: rawValue)
        serial = UInt32(rawValue >> 32)
    }

    init(slot: UInt32, serial: UInt32) {
        self.slot = slot
        self.serial = serial
    }
}

/// What is known of the way to a peer beside its endpoint and source; a packet looks at ``isLooping`` only.
struct PeerPath {
    /// A source that the peer reached us at and that isn't used: the routing table sends the endpoint over another interface.
    var refusedSource: EndpointSource?
    /// Waits in ``Tunnel/uncheckedPeers`` for the routing table's word.
    var isUnchecked = false
    /// The routing table sends the endpoint into the tunnel itself.
    var isLooping = false
    /// Sending to it has failed, and has not been well for ``Tunnel/troubleIsOverAfter`` since.
    var isInTrouble = false
    /// Somebody was told of the trouble, and is to be told when it is over.
    var isTroubleTold = false
    /// There is none for most peers.
    var history: PeerHistory?
}

/// What went wrong or changed on the way to a peer, for people.
final class PeerHistory {
    var moves: UInt64 = 0
    var lastMove: EndpointMove?
    var lastSendError: SendErrorRecord?
    var lastFailure = Instant(nanoseconds: 0)
    var lastICMPError: ICMPErrorRecord?
}

/// A change of a peer's endpoint because an authentic datagram came from elsewhere (roaming).
public struct EndpointMove: Hashable, Sendable {
    /// Where it was before; nil if none was known.
    public var from: Endpoint?
    /// Where it is since.
    public var to: Endpoint
    /// When, in nanoseconds of the Unix epoch.
    public var unixNanoseconds: UInt64
}

/// A failure to send to a peer.
public struct SendErrorRecord: Hashable, Sendable {
    /// As in errno(3).
    public var errno: Int32
    /// Where the datagram should have gone.
    public var endpoint: Endpoint
    /// When, in nanoseconds of the Unix epoch.
    public var unixNanoseconds: UInt64
    /// How many datagrams to this peer were refused since it was configured.
    public var datagrams: UInt64
}

/// An ICMP message about a datagram to a peer. It may be forged.
public struct ICMPErrorRecord: Hashable, Sendable {
    /// What it amounts to, as in errno(3).
    public var errno: Int32
    /// Whether it is ICMPv6.
    public var isV6: Bool
    /// The ICMP message's type.
    public var type: UInt8
    /// The ICMP message's code.
    public var code: UInt8
    /// Bytes of the largest packet that the path takes, where it is about that.
    public var mtu: UInt32?
    /// Who said it; an address of our own when this system gave up.
    public var reporter: IPAddress?
    /// Where the datagram went.
    public var destination: Endpoint
    /// When, in nanoseconds of the Unix epoch.
    public var unixNanoseconds: UInt64

    /// A message.
    public init(
        errno: Int32, isV6: Bool, type: UInt8, code: UInt8, mtu: UInt32?, reporter: IPAddress?, destination: Endpoint,
        unixNanoseconds: UInt64
    ) {
        self.errno = errno
        self.isV6 = isV6
        self.type = type
        self.code = code
        self.mtu = mtu
        self.reporter = reporter
        self.destination = destination
        self.unixNanoseconds = unixNanoseconds
    }
}

/// What is known of the way to one peer.
public struct PathObservation: Sendable {
    /// Whose way it is.
    public var publicKey: PublicKey
    /// Where the peer is; nil: not known.
    public var endpoint: Endpoint?
    /// The local address that datagrams leave from; nil: the system's choice.
    public var source: EndpointSource?
    /// The routing table sends the endpoint into the tunnel itself, so nothing is sent.
    public var isLooping: Bool
    /// How often the endpoint followed the peer to another address or port since it was configured.
    public var endpointMoves: UInt64
    /// The last of them; nil: there was none.
    public var lastMove: EndpointMove?
    /// The last failure to send to it; nil: there was none.
    public var lastSendError: SendErrorRecord?
    /// The last ICMP message about a datagram to it; nil: there was none.
    public var lastICMPError: ICMPErrorRecord?
}
