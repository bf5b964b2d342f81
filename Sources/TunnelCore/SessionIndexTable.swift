/// Which peer a receiver index belongs to, and which keypair, for every session and every handshake that waits for its response.
///
/// Indices are random and unique. Open addressing over flat memory: a lookup is one or two probes, whatever the number of
/// peers, and touches no reference count. An index is its own hash, being random; one that an attacker makes up merely misses.
@safe
struct SessionIndexTable: ~Copyable {
    /// What an index leads to.
    @safe
    struct Session {
        var peer: UInt32
        /// A `Keypair`, owned by its peer; nil while the index is that of a handshake.
        var keypair: UnsafeMutableRawPointer?
        /// Whether a response to our initiation may come; once for each initiation.
        var isAwaited = false
    }

    private struct Bucket {
        var index: UInt32 = 0
        var state: State = .empty
        var session = unsafe Session(peer: 0, keypair: nil)
    }

    private enum State: UInt8 {
        case empty, used
        /// Was used: a search goes on past it.
        case removed
    }

    private var buckets: UnsafeMutablePointer<Bucket>
    private var capacity = 16
    /// Used and removed buckets; at most half of all, so that a search soon ends.
    private var occupied = 0
    private(set) var count = 0

    init() {
        unsafe buckets = .allocate(capacity: 16)
        unsafe buckets.initialize(repeating: Bucket(), count: 16)
    }

    deinit {
        unsafe buckets.deallocate()
    }

    /// What `index` leads to; nil if it leads nowhere.
    @inline(__always)
    func lookup(_ index: UInt32) -> Session? {
        guard let bucket = unsafe find(index) else { return nil }
        return unsafe bucket.pointee.session
    }

    /// Draws a new index and lets it lead to `peer`.
    mutating func insert(
        peer: UInt32, keypair: UnsafeMutableRawPointer?, isAwaited: Bool = false, using generator: inout some RandomNumberGenerator
    ) -> UInt32 {
        if (occupied + 1) * 2 > capacity { rehash() }
        while true {
            let index = UInt32(truncatingIfNeeded: generator.next())
            guard unsafe find(index) == nil else { continue }
            unsafe place(index, Session(peer: peer, keypair: keypair, isAwaited: isAwaited))
            return index
        }
    }

    /// Lets an index that is in use lead to a keypair.
    mutating func update(_ index: UInt32, keypair: UnsafeMutableRawPointer) {
        guard let bucket = unsafe find(index) else { return }
        unsafe bucket.pointee.session.keypair = keypair
    }

    /// Whether a response to `index` is awaited: true once.
    mutating func takeAwaited(_ index: UInt32) -> Bool {
        guard let bucket = unsafe find(index), unsafe bucket.pointee.session.isAwaited else { return false }
        unsafe bucket.pointee.session.isAwaited = false
        return true
    }

    /// Lets `index` lead nowhere.
    mutating func remove(_ index: UInt32) {
        guard let bucket = unsafe find(index) else { return }
        unsafe bucket.pointee.state = .removed
        unsafe bucket.pointee.session = Session(peer: 0, keypair: nil)
        count -= 1
    }

    @inline(__always)
    private func find(_ index: UInt32) -> UnsafeMutablePointer<Bucket>? {
        // SAFETY: positions are masked to the capacity, a power of two; at least half of all buckets are empty, so the loop ends.
        let mask = capacity - 1
        var position = Int(index) & mask
        while true {
            let bucket = unsafe buckets + position
            switch unsafe bucket.pointee.state {
            case .empty: return nil
            case .used where unsafe bucket.pointee.index == index: return unsafe bucket
            case .used, .removed: position = (position + 1) & mask
            }
        }
    }

    private mutating func place(_ index: UInt32, _ session: Session) {
        let mask = capacity - 1
        var position = Int(index) & mask
        while unsafe buckets[position].state != .empty { position = (position + 1) & mask }
        unsafe buckets[position] = Bucket(index: index, state: .used, session: session)
        occupied += 1
        count += 1
    }

    /// Makes the table as large as its contents ask for, without what was removed.
    private mutating func rehash() {
        let (old, oldCapacity) = unsafe (buckets, capacity)
        capacity = 16
        while capacity < (count + 1) * 4 { capacity *= 2 }
        unsafe buckets = .allocate(capacity: capacity)
        unsafe buckets.initialize(repeating: Bucket(), count: capacity)
        occupied = 0
        count = 0
        for position in 0..<oldCapacity {
            let bucket = unsafe old[position]
            if bucket.state == .used { place(bucket.index, bucket.session) }
        }
        unsafe old.deallocate()
    }
}
