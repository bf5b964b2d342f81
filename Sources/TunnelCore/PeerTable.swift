internal import NetworkTypes
internal import WireGuardCrypto
internal import WireGuardProtocol

/// What the tunnel keeps of a peer beside the protocol's own state.
struct PeerEntry: ~Copyable {
    /// Things to be done by whoever runs handshakes and timers, not by the data path.
    struct Errands: OptionSet {
        let rawValue: UInt8
        static let initiate = Errands(rawValue: 1 << 0)
        static let sendStaged = Errands(rawValue: 1 << 1)
        static let sendKeepalive = Errands(rawValue: 1 << 2)
    }

    /// What one batch of the data path did, accounted for at its end.
    struct Batch {
        var bytes: UInt64 = 0
        var isTouched = false
        var carriesData = false
        /// A message arrived on the keypair that waits for its confirmation.
        var confirms = false
    }

    var peer: Peer
    var endpoint: Endpoint?
    var source: EndpointSource?
    /// Seconds; 0 for none.
    var persistentKeepalive: UInt16 = 0
    var staged = StagedQueue()
    var receivedBytes: UInt64 = 0
    var sentBytes: UInt64 = 0
    var errands: Errands = []
    var outbound = Batch()
    var inbound = Batch()
    var path = PeerPath()
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
