internal import LinuxSystem

/// A ring of packets: memory in which packets of any size lie in the order of their allocation, and are given back in any order.
///
/// - The packets' bytes and what is known of them (``Slot``) are apart, so that consecutive packets are back to back: a slot is
///   headroom, the packet rounded up, tailroom, and nothing else. A packet, and a run of packets allocated together, never wraps.
/// - Slots are numbered by *sequence*. `head` is the oldest that is still in use, `tail` the next to be allocated. What is given
///   back out of order waits for the older ones.
/// - When nothing is in use the ring starts again at its first byte and its first slot: who keeps up works in the same hot memory.
/// - One mutex guards `State` and the slots. It is held for a few loads and stores per packet, and over a system call only when the
///   ring is found full and when room is announced to those who missed it (see PacketRing+Waiting).
@safe
struct PacketRing: ~Copyable, Sendable {
    enum SlotState: UInt8 {
        /// In its holder's hands.
        case allocated
        /// Given back with a packet in it.
        case ready
        /// Given back without one.
        case released
    }

    struct Slot {
        /// Of the packet's first byte, after the headroom.
        var offset: UInt32
        /// The packet's bytes; as long as the slot is allocated, the most it may have.
        var count: UInt32
        var state: SlotState
    }

    /// Packets allocated together: of `size` bytes but the last, `stride` bytes apart.
    struct Run {
        var sequence: Int
        var offset: Int
        var stride: Int
        var count: Int
        var size: Int
        var lastSize: Int
    }

    struct State {
        var head = 0
        var tail = 0
        /// The first byte after the newest slot.
        var tailOffset = 0
        /// The smallest span that somebody found no room for; 0 if nobody did.
        var wantedSpan = 0
        /// Threads that sleep until somebody announces room.
        var sleepers = 0
        /// Threads that slept when room was announced, and are not awake yet.
        var told = 0
        var announcements = 0
        /// Packets in their holders' hands.
        var held = 0
        /// Nothing is allocated any more.
        var isClosed = false
    }

    let headroom: Int
    let tailroom: Int
    let alignment: Int
    let memory: AnonymousMemory
    let slotMemory: AnonymousMemory
    // SAFETY: slots are read and written under the mutex; the only exception are the slots below a retiring reader's range (see
    // readyPrefix), which nobody else touches. A packet's bytes belong to whoever allocated it, by contract of the session.
    nonisolated(unsafe) let slots: UnsafeMutablePointer<Slot>
    let slotMask: Int
    let state = OrderedMutex(State())
    /// In a child of fork(2) `space` is the parent's.
    let generation = ProcessGeneration()
    /// Signalled from when room is freed that somebody missed until the next time somebody finds none.
    let space: EventDescriptor

    /// Slots are for packets of 64 bytes and more on average; with more and smaller ones the ring is full sooner.
    private static let bytesPerSlot = 64

    init(_ options: SessionOptions) throws(SystemError) {
        let slotCount = options.capacity / Self.bytesPerSlot
        let memory = try AnonymousMemory(count: options.capacity)
        let slotMemory = try AnonymousMemory(count: slotCount * MemoryLayout<Slot>.stride)
        let space = try EventDescriptor()
        headroom = options.headroom
        tailroom = options.tailroom
        alignment = options.payloadAlignment
        // SAFETY: the mapping is page-aligned, and has room for `slotCount` trivial slots.
        unsafe slots = slotMemory.start.bindMemory(to: Slot.self, capacity: slotCount)
        slotMask = slotCount - 1
        self.memory = memory
        self.slotMemory = slotMemory
        self.space = space
    }

    /// The bytes that a packet of `count` bytes takes.
    @inline(__always)
    func span(_ count: Int) -> Int {
        headroom &+ ((count &+ alignment &- 1) & ~(alignment &- 1)) &+ tailroom
    }

    /// The packet at `offset`.
    @inline(__always)
    func packet(at offset: Int) -> UnsafeMutableRawPointer {
        // SAFETY: offsets come from allocate(_:size:lastSize:orFewer:), below the capacity.
        unsafe memory.start + offset
    }

    @inline(__always)
    func slot(_ sequence: Int) -> UnsafeMutablePointer<Slot> {
        // SAFETY: masked to the number of slots.
        unsafe slots + (sequence & slotMask)
    }

    /// The free bytes after the newest packet and those before the oldest one, of which either can be used, not both at once.
    @inline(__always)
    func room(_ state: State) -> (atTail: Int, atStart: Int) {
        guard state.head != state.tail else { return (memory.count, 0) }
        // SAFETY: the head slot is in use.
        let oldest = unsafe Int(slot(state.head).pointee.offset) &- headroom
        return state.tailOffset > oldest ? (memory.count &- state.tailOffset, oldest) : (oldest &- state.tailOffset, 0)
    }

    /// The bytes from the oldest packet to the newest, as they lie in the ring.
    var usedBytes: UInt64 {
        state.withLock { state in
            guard state.head != state.tail else { return 0 }
            // SAFETY: the head slot is in use.
            let oldest = unsafe Int(slot(state.head).pointee.offset) &- headroom
            let used = state.tailOffset &- oldest
            return UInt64(used > 0 ? used : memory.count &+ used)
        }
    }

    /// Ends allocation. What is held stays; whoever is in the middle of allocating either is done before, and holds, or gets nothing.
    func close() {
        state.withLock { $0.isClosed = true }
    }

    /// Whether it is closed and nobody holds anything: from then on nobody has a pointer into it, nor gets one.
    var isDrained: Bool { state.withLock { $0.isClosed && $0.held == 0 } }

    @inline(__always)
    func freeSlots(_ state: State) -> Int {
        slotMask &+ 1 &- (state.tail &- state.head)
    }
}
