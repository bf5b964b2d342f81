internal import NetworkTypes
internal import WireGuardCrypto
internal import WireGuardProtocol

/// What the tunnel keeps of a peer beside the protocol's own state.
struct PeerEntry: ~Copyable {
    /// What one batch of the data path did, accounted for at its end.
    struct Batch {
        var bytes: UInt64 = 0
        /// Messages that were more than keepalives.
        var packets: UInt64 = 0
        var isTouched = false
        /// A message arrived on the keypair that waits for its confirmation.
        var confirms = false
    }

    /// What events were made of.
    struct Told {
        /// Whether there is a session of which nobody was told yet that it is over.
        var hasSession = false
        var refusal: Instant?
        /// The endpoint that was told last, if it isn't the present one.
        var endpoint: Endpoint?
        var isEndpointOld = false
        var move: Instant?
    }

    var peer: Peer
    var location = LocationFacts()
    /// Where the peer's datagrams go.
    var endpoint: Endpoint? { location.endpoint }
    var source: EndpointSource?
    /// Seconds; 0 for none.
    var persistentKeepalive: UInt16 = 0
    var staged = StagedQueue()
    var receivedBytes: UInt64 = 0
    var sentBytes: UInt64 = 0
    /// Whether an initiation is to be made; then the slot stands in `Tunnel.initiating`.
    var mustInitiate = false
    /// Whether the slot stands in `Tunnel.owing`: staged packets or a keepalive can be sent.
    var isOwing = false
    /// Whether an empty message is to be sent, unless packets are.
    var owesKeepalive = false
    var handshakes = HandshakeFacts()
    var traffic = TrafficFacts()
    /// Hosts behind the peer that we asked, and hosts here that it asked.
    var asked = AskedHosts()
    var askedHere = AskedHosts()
    var told = Told()
    var outbound = Batch()
    var inbound = Batch()
    var path = PeerPath()
    var drops = PeerDrops()
    /// Which of the peers that have had this slot it is; given by the table.
    fileprivate(set) var serial: UInt32 = 0

    init(peer: consuming Peer) {
        self.peer = peer
    }
}

/// The peers by slot: a small number that stays the peer's as long as it is configured, and is then given to another.
///
/// Each entry has an address of its own, so the data path reaches it without a reference count.
@safe
struct PeerTable: ~Copyable {
    private var slots: UnsafeMutablePointer<UnsafeMutablePointer<PeerEntry>?>
    private var capacity = 16
    /// Slots ever used; those of removed peers are in `free`.
    private(set) var slotCount = 0
    private var free: [UInt32] = []
    private var lastSerial: UInt32 = 0
    private var byPublicKey: [PublicKey: UInt32] = [:]

    var count: Int { byPublicKey.count }

    init() {
        unsafe slots = .allocate(capacity: 16)
        unsafe slots.initialize(repeating: nil, count: 16)
    }

    deinit {
        for slot in 0..<slotCount {
            guard let entry = unsafe slots[slot] else { continue }
            unsafe entry.deinitialize(count: 1)
            unsafe entry.deallocate()
        }
        unsafe slots.deallocate()
    }

    /// The entry at `slot`; nil if no peer has it.
    @inline(__always)
    subscript(slot: UInt32) -> UnsafeMutablePointer<PeerEntry>? {
        guard slot < slotCount else { return nil }
        // SAFETY: below slotCount, which never exceeds the capacity.
        return unsafe slots[Int(slot)]
    }

    func slot(of key: PublicKey) -> UInt32? {
        byPublicKey[key]
    }

    /// Adds a peer whose key is not in the table.
    mutating func insert(_ entry: consuming PeerEntry) -> UInt32 {
        let key = entry.peer.remote.publicKey
        let slot: UInt32
        if let reused = free.popLast() {
            slot = reused
        } else {
            if slotCount == capacity { grow() }
            slot = UInt32(slotCount)
            slotCount += 1
        }
        let pointer = UnsafeMutablePointer<PeerEntry>.allocate(capacity: 1)
        unsafe pointer.initialize(to: entry)
        // 0 is nobody's.
        lastSerial = lastSerial == .max ? 1 : lastSerial + 1
        unsafe pointer.pointee.serial = lastSerial
        unsafe slots[Int(slot)] = pointer
        byPublicKey[key] = slot
        return slot
    }

    /// Removes the peer at `slot`; its keys are wiped.
    mutating func remove(_ slot: UInt32) {
        guard let entry = unsafe self[slot] else { return }
        unsafe byPublicKey[entry.pointee.peer.remote.publicKey] = nil
        unsafe entry.deinitialize(count: 1)
        unsafe entry.deallocate()
        unsafe slots[Int(slot)] = nil
        free.append(slot)
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<UnsafeMutablePointer<PeerEntry>?>.allocate(capacity: capacity * 2)
        unsafe larger.initialize(repeating: nil, count: capacity * 2)
        unsafe larger.update(from: slots, count: capacity)
        unsafe slots.deallocate()
        unsafe slots = larger
        capacity *= 2
    }
}
