internal import LinuxSystem
internal import NetworkTypes
internal import PathRecording
internal import Synchronization
internal import TunnelCore
internal import WireGuardCrypto

/// What is noted of the packets of one turn, until it is known what became of them: then those that somebody asked for go to the readers.
///
/// A thread has its own. While nobody reads, it has no memory, and ``begin(_:at:)`` is one relaxed load.
@safe
struct TurnNotes: ~Copyable {
    /// Which of a recording's rings this thread writes to.
    enum Writer {
        case packets, handshakes
    }

    /// A packet's notes, and where copies of its bytes lie.
    private struct Entry {
        var notes: PacketNotes
        var packet = 0..<0
        var datagram = 0..<0
        /// Which readers' conditions on what is inside it meets: a bit each.
        var readers: UInt8
    }

    @safe private struct Reader {
        @unsafe let recording: Unmanaged<Recording>
        let filter: RecordingFilter
        let payload: Bool
        let handshakes: Bool
        /// Of those that meet all conditions, how many are passed over before the next.
        var skip: UInt32 = 0
    }

    /// Packets of one turn whose bytes are copied whole; what is beyond is cut.
    private static let byteCapacity = 1 << 20

    private let writer: Writer
    private let capacity: Int
    private var generation = 0
    /// Keeps those alive that ``readers`` refers to.
    private var recordings: [Recording] = []
    private var readers: UnsafeMutablePointer<Reader>?
    private var entries: UnsafeMutablePointer<Entry>?
    private var bytes: UnsafeMutableRawPointer?
    private var usedBytes = 0
    private var turn: UInt32 = 0
    private(set) var unixNanoseconds: UInt64 = 0
    /// Entries of this turn.
    private(set) var count = 0
    /// Whether somebody reads.
    private(set) var isOn = false
    /// Whether somebody wants packets and datagrams whole.
    private(set) var payload = false

    /// - Parameters:
    ///   - writer: whose notes they are in a recording.
    ///   - capacity: packets of one turn; any further ones are not noted.
    init(_ writer: Writer, capacity: Int) {
        self.writer = writer
        self.capacity = capacity
        unsafe readers = nil
        unsafe entries = nil
        unsafe bytes = nil
    }

    deinit {
        unsafe readers?.deallocate()
        unsafe entries?.deallocate()
        unsafe bytes?.deallocate()
    }

    /// Begins a turn: looks whether somebody reads.
    @inline(__always)
    mutating func begin(_ engine: Engine, at time: TimePoint) {
        let current = engine.recorder.generation.load(ordering: .relaxed)
        if current != generation { heed(current, engine.recorder) }
        if isOn {
            count = 0
            usedBytes = 0
            turn &+= 1
            unixNanoseconds = time.unixNanoseconds
        }
    }

    /// Somebody has begun to read, or has stopped.
    @inline(never)
    private mutating func heed(_ current: Int, _ recorder: FlightRecorder) {
        // Pairs with the change, so that the list is at least as new as the number.
        _ = recorder.generation.load(ordering: .acquiring)
        generation = current
        recordings = recorder.current
        unsafe readers?.deallocate()
        unsafe readers = nil
        isOn = !recordings.isEmpty
        payload = recordings.contains { $0.request.payload }
        guard isOn else {
            // What it held of packets goes with it.
            unsafe entries?.deallocate()
            unsafe bytes?.deallocate()
            unsafe entries = nil
            unsafe bytes = nil
            count = 0
            return
        }
        let list = UnsafeMutablePointer<Reader>.allocate(capacity: recordings.count)
        for (index, recording) in recordings.enumerated() {
            unsafe (list + index).initialize(
                to: Reader(
                    recording: Unmanaged.passUnretained(recording), filter: recording.request.filter, payload: recording.request.payload,
                    handshakes: recording.request.handshakes))
        }
        unsafe readers = list
        if unsafe entries == nil {
            unsafe entries = .allocate(capacity: capacity)
            unsafe bytes = .allocate(byteCount: Self.byteCapacity, alignment: 16)
        }
    }

    // MARK: Noting

    /// Adds a packet.
    /// - Parameters:
    ///   - notes: what is known of it so far.
    ///   - packet: the inner packet, or what is there of it; empty where none was seen.
    ///   - length: the inner packet's bytes, padding left out.
    /// - Returns: its number, for ``update(_:_:)``; nil if nobody wants it, or there is no room.
    mutating func add(_ notes: PacketNotes, packet: UnsafeRawBufferPointer, length: Int) -> Int? {
        guard count < capacity, let entries = unsafe entries else { return nil }
        var entry = Entry(notes: notes, readers: unsafe readersAdmitting(packet, notes.kind))
        guard entry.readers != 0 else { return nil }
        entry.notes.turn = turn
        entry.notes.packetLength = UInt32(clamping: length)
        unsafe entry.packet = copy(packet, length, atMost: payload ? .max : RecordingRequest.headerBytes)
        // SAFETY: below the capacity.
        unsafe (entries + count).initialize(to: entry)
        count += 1
        return count - 1
    }

    /// Adds a datagram of whose inside nothing is known yet; ``keep(packet:length:of:)`` follows.
    mutating func addUnseen(_ notes: PacketNotes) -> Int? {
        guard count < capacity, let entries = unsafe entries else { return nil }
        var entry = Entry(notes: notes, readers: .max)
        entry.notes.turn = turn
        // SAFETY: below the capacity.
        unsafe (entries + count).initialize(to: entry)
        count += 1
        return count - 1
    }

    /// Notes more of a packet.
    @inline(__always)
    mutating func update(_ number: Int, _ change: (inout PacketNotes) -> Void) {
        guard number < count, let entries = unsafe entries else { return }
        // SAFETY: below the count.
        unsafe change(&entries[number].notes)
    }

    /// Keeps a packet's inner bytes, which were not at hand when it was added.
    mutating func keep(packet: UnsafeRawBufferPointer, length: Int, of number: Int) {
        guard number < count, let entries = unsafe entries else { return }
        // SAFETY: below the count.
        unsafe entries[number].notes.packetLength = UInt32(clamping: length)
        unsafe entries[number].readers &= readersAdmitting(packet, entries[number].notes.kind)
        unsafe entries[number].packet = copy(packet, length, atMost: payload ? .max : RecordingRequest.headerBytes)
    }

    /// Keeps a packet's datagram.
    mutating func keep(datagram: UnsafeRawBufferPointer, of number: Int) {
        guard number < count, let entries = unsafe entries else { return }
        // SAFETY: below the count.
        let isHandshake = unsafe entries[number].notes.kind != .data && entries[number].notes.kind != .keepalive
        unsafe entries[number].notes.datagramLength = UInt32(clamping: datagram.count)
        unsafe entries[number].datagram = copy(
            datagram, datagram.count, atMost: payload || isHandshake ? .max : RecordingRequest.datagramHeaderBytes)
    }

    private mutating func copy(_ source: UnsafeRawBufferPointer, _ length: Int, atMost limit: Int) -> Range<Int> {
        let size = min(source.count, length, limit, Self.byteCapacity - usedBytes)
        guard size > 0, let start = source.baseAddress, let bytes = unsafe bytes else { return 0..<0 }
        // SAFETY: `size` bytes are free.
        unsafe (bytes + usedBytes).copyMemory(from: start, byteCount: size)
        defer { usedBytes += size }
        return usedBytes..<usedBytes + size
    }

    private func readersAdmitting(_ packet: UnsafeRawBufferPointer, _ kind: PacketNotes.Kind) -> UInt8 {
        var admitting: UInt8 = 0
        var addresses: PacketAddresses?
        var isRead = false
        for index in recordings.indices {
            // SAFETY: there are as many as recordings.
            let reader = unsafe readers! + index
            if unsafe reader.pointee.filter.looksInside {
                if !isRead { addresses = unsafe PacketAddresses(beginning: packet) }
                isRead = true
            }
            let isWanted =
                unsafe reader.pointee.filter.admits(inside: addresses)
                || (reader.pointee.handshakes && kind != .data && kind != .keepalive && kind != .unknown)
            if isWanted { admitting |= 1 << UInt8(index) }
        }
        return admitting
    }

    // MARK: Telling

    /// It is known what became of all: tells the readers, and forgets.
    /// - Parameter stages: when the stages of the turn ended; what a packet didn't come to is left out.
    mutating func finish(_ stages: StageTimes) {
        guard isOn else { return }
        for number in 0..<count {
            // SAFETY: below the count.
            let entry = unsafe entries! + number
            unsafe entry.pointee.notes.stages = stages.reached(by: entry.pointee.notes)
            for index in recordings.indices where unsafe entry.pointee.readers >> UInt8(index) & 1 == 1 {
                unsafe tell(entry, readers! + index)
            }
        }
        count = 0
        usedBytes = 0
    }

    private func tell(_ entry: UnsafeMutablePointer<Entry>, _ reader: UnsafeMutablePointer<Reader>) {
        // SAFETY: the entry's ranges lie within `bytes`; the recording is kept alive by `recordings`.
        guard
            unsafe reader.pointee.filter.admits(entry.pointee.notes) || (reader.pointee.handshakes && entry.pointee.notes.kind.isHandshake)
        else { return }
        if unsafe reader.pointee.skip > 0 {
            unsafe reader.pointee.skip -= 1
            return
        }
        unsafe reader.pointee.skip = reader.pointee.filter.sampling - 1
        let (packet, datagram) = unsafe (entry.pointee.packet, entry.pointee.datagram)
        // A reader that asked for headers gets no more because another asked for all.
        let whole = unsafe reader.pointee.payload
        let packetSize = whole ? packet.count : min(packet.count, RecordingRequest.headerBytes)
        let isHandshake = unsafe entry.pointee.notes.kind.isHandshake
        let datagramSize = whole || isHandshake ? datagram.count : min(datagram.count, RecordingRequest.datagramHeaderBytes)
        unsafe reader.pointee.recording._withUnsafeGuaranteedRef { recording in
            guard recording.claim() else { return }
            let ring = writer == .packets ? recording.packets : recording.handshakes
            let isWritten = unsafe ring.write(
                entry.pointee.notes, packet: UnsafeRawBufferPointer(start: bytes! + packet.lowerBound, count: packetSize),
                datagram: UnsafeRawBufferPointer(start: bytes! + datagram.lowerBound, count: datagramSize))
            if !isWritten { recording.unclaim() }
        }
    }

    /// Tells keys to those who asked for them.
    func tell(_ kind: RecordingSecret.Kind, _ key: UnsafeRawBufferPointer) {
        for recording in recordings { unsafe recording.tell(kind, key) }
    }

    /// Whether somebody asked for keys.
    var wantsKeys: Bool { isOn && recordings.contains { $0.request.keys } }
}

extension StageTimes {
    /// The stages that a packet came to.
    fileprivate func reached(by notes: PacketNotes) -> StageTimes {
        let last: Int
        switch (notes.fate, notes.drop?.place) {
        case (.dropped, .outbound(let stage)?): last = stage.rawValue
        case (.dropped, .inbound(let stage)?): last = stage.rawValue
        case (.dropped, _): last = 0
        case (.waiting, _): last = OutboundStage.route.rawValue
        case (.consumed, _) where notes.direction == .inbound: last = InboundStage.accept.rawValue
        case (.consumed, _), (.forwarded, _): last = PathDirection.stageCount - 1
        }
        var reached = self
        for stage in reached.ends.indices where stage > last { reached.ends[stage] = 0 }
        return reached
    }
}
