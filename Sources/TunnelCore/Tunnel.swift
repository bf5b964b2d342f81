public import NetworkTypes
internal import WireGuardCrypto
public import WireGuardProtocol

/// A whole tunnel without its sockets, threads and clocks: all peers, who gets which packet, every session and timer.
///
/// # Contract
///
/// One owner calls it, under one lock if several threads need it; nothing here blocks, reads a clock or draws randomness of its own.
/// `time` is an argument everywhere and its monotonic part never goes back.
///
/// **The data path** works in batches under the lock. Outbound, for each packet: ``route(_:)``, ``prepare(_:count:to:at:)``, seal what it
/// says, and at the end of the batch ``finishOutbound(at:)``. When ``needsSending`` is set, ``nextOwed(into:at:)`` gives what is sent in the
/// same way without a packet from the interface: keepalives, and packets that waited for a session. Inbound, for each datagram: ``prepareOpening(_:at:)``, open, ``accept(_:packet:arrival:at:)``, and
/// at the end ``finishInbound(at:)``. Keys are only used under the lock; nothing frees one before the batch has been finished.
///
/// **Handshakes and timers** are somebody else's, beside the data path: when ``needsAttention`` is set or ``nextDeadline`` has come,
/// call ``attend(at:using:)``, which does a bounded share of what is due: perform the steps that it returns *without* the lock. A step's
/// result goes to ``resume(_:at:using:)``, which may give a datagram to send and another step. ``HandshakeGate`` judges what comes from
/// the network before it costs anything.
///
/// **Events** are taken with ``takeEvents(at:)`` by whoever attends; ``needsAttention`` is set when there are some.
///
/// **Configuration** is one ``apply(_:at:)`` for each update; ``snapshot(listenPort:firewallMark:)`` is what others are shown, and
/// ``facts(at:)`` the evidence from which somebody can tell what is wrong.
@safe
public struct Tunnel: ~Copyable {
    /// Our keys; without them no handshake is made or answered.
    public internal(set) var identity: LocalIdentity?
    /// Which peer takes which destination, and may use which source.
    public internal(set) var allowedIPs = AllowedIPs()
    /// Payloads are padded, but never past this many bytes (the interface's MTU).
    public var mtu: Int
    /// What was not forwarded, by reason.
    public var drops = DropCounters()
    /// Whether ``attend(at:using:)`` has something to do before ``nextDeadline``. Cleared by it.
    public internal(set) var needsAttention = false

    /// Whether the interface is up: while it isn't, nothing is sent or answered. See ``setLink(up:at:)``.
    public internal(set) var isUp = true
    /// Peers to whom sending fails.
    public internal(set) var troubledPeerCount = 0

    var examples = DropExamples()
    var unknownPeers = RecentSenders()
    var misaddressed = RecentSenders()
    /// Until then messages that look like ours are not looked for among all peers; see ``isOwnDatagram(_:_:to:from:at:)``.
    var strangersUntil = Instant(nanoseconds: 0)
    var events = PendingEvents()
    var greatestTimestampSent: UInt64?
    var peers = PeerTable()
    var sessions = SessionIndexTable()
    var deadlines = DeadlineQueue()
    /// Peers to whom an initiation is to be made.
    var initiating = SlotQueue()
    /// Peers to whom something can be sent that does not come from the interface now; see ``nextOwed(into:at:)``.
    var owing = SlotQueue()
    /// Slots that the batch at hand has touched, each once.
    var outboundTouched: [UInt32] = []
    var inboundTouched: [UInt32] = []
    /// Slots of peers about whom the routing table is to be asked, each once.
    var uncheckedPeers: [UInt32] = []
    /// Seeds the jitter of each new peer.
    var seed: UInt64

    /// A tunnel with no key and no peer.
    /// - Parameters:
    ///   - mtu: the interface's, in bytes.
    ///   - seed: random; it decides the jitter of all timers.
    public init(mtu: Int, seed: UInt64) {
        self.mtu = mtu
        self.seed = seed
        outboundTouched.reserveCapacity(64)
        inboundTouched.reserveCapacity(64)
    }

    /// When ``attend(at:using:)`` is due at the latest, if ``needsAttention`` isn't set earlier.
    public var nextDeadline: Instant { deadlines.next }

    /// Whether ``nextOwed(into:at:)`` has something.
    public var needsSending: Bool { !owing.isEmpty }

    /// How many peers there are.
    public var peerCount: Int { peers.count }
}
