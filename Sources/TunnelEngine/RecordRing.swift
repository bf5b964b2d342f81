internal import LinuxSystem
internal import PathRecording
internal import Synchronization

/// Records on their way from one thread that writes to one that reads: bounded, and the writer never waits.
///
/// An entry is a head, the notes as they lie in memory, the packet's bytes, the datagram's, rounded up to 16; none wraps. Positions grow for
/// ever; their remainder is the place.
@safe
final class RecordRing: Sendable {
    private struct Head {
        var size: UInt32
        var kind: UInt32
        var packetCount: UInt32
        var datagramCount: UInt32
    }

    private enum Kind {
        static let packet: UInt32 = 1
        static let secret: UInt32 = 2
        /// Nothing up to the end of the memory.
        static let gap: UInt32 = 3
    }

    /// What the reader takes out.
    enum Entry {
        case packet(PacketRecord)
        case secret(RecordingSecret)
    }

    private let memory: AnonymousMemory
    /// Where the writer goes on; everything before it may be read.
    private let tail = Atomic<Int>(0)
    /// Where the reader goes on; everything before it may be written over.
    private let head = Atomic<Int>(0)
    /// Entries that found no room.
    private let lost = Atomic<UInt64>(0)

    private static let headSize = MemoryLayout<Head>.stride
    private static let notesSize = (MemoryLayout<PacketNotes>.size + 15) & ~15

    /// - Parameter capacity: bytes, a multiple of 16.
    init(capacity: Int) throws(SystemError) {
        memory = try AnonymousMemory(count: capacity)
    }

    // MARK: Writing

    /// Writes a record; false, and counted, if there is no room.
    func write(_ notes: PacketNotes, packet: UnsafeRawBufferPointer, datagram: UnsafeRawBufferPointer) -> Bool {
        let size = (Self.headSize + Self.notesSize + packet.count + datagram.count + 15) & ~15
        guard let place = reserve(size) else {
            lost.add(1, ordering: .relaxed)
            return false
        }
        // SAFETY: `size` bytes at `place` are the writer's until `tail` passes them.
        let start = unsafe memory.start + place % memory.count
        unsafe start.initializeMemory(
            as: Head.self,
            to: Head(
                size: UInt32(size), kind: Kind.packet, packetCount: UInt32(packet.count), datagramCount: UInt32(datagram.count)))
        unsafe (start + Self.headSize).initializeMemory(as: PacketNotes.self, to: notes)
        let bytes = unsafe start + Self.headSize + Self.notesSize
        if let source = packet.baseAddress { unsafe bytes.copyMemory(from: source, byteCount: packet.count) }
        if let source = datagram.baseAddress { unsafe (bytes + packet.count).copyMemory(from: source, byteCount: datagram.count) }
        tail.store(place + size, ordering: .releasing)
        return true
    }

    /// Writes a key; false if there is no room.
    func write(_ kind: RecordingSecret.Kind, _ key: UnsafeRawBufferPointer) -> Bool {
        let size = (Self.headSize + key.count + 15) & ~15
        guard let place = reserve(size) else { return false }
        // SAFETY: as above.
        let start = unsafe memory.start + place % memory.count
        unsafe start.initializeMemory(
            as: Head.self,
            to: Head(size: UInt32(size), kind: Kind.secret, packetCount: UInt32(kind.rawValue), datagramCount: UInt32(key.count)))
        unsafe (start + Self.headSize).copyMemory(from: key.baseAddress!, byteCount: key.count)
        tail.store(place + size, ordering: .releasing)
        return true
    }

    /// Finds room in one piece; nil if there is none.
    private func reserve(_ size: Int) -> Int? {
        var place = tail.load(ordering: .relaxed)
        let used = place - head.load(ordering: .acquiring)
        let toEnd = memory.count - place % memory.count
        let gap = size > toEnd ? toEnd : 0
        guard used + gap + size <= memory.count else { return nil }
        if gap > 0 {
            // SAFETY: a gap is a multiple of 16, so a head fits.
            unsafe (memory.start + place % memory.count).initializeMemory(
                as: Head.self, to: Head(size: UInt32(gap), kind: Kind.gap, packetCount: 0, datagramCount: 0))
            place += gap
        }
        return place
    }

    // MARK: Reading

    /// How far has been written: the reader's limit for this time.
    var end: Int { tail.load(ordering: .acquiring) }

    /// The next entry before `end`; nil if there is none.
    func next(before end: Int) -> Entry? {
        var place = head.load(ordering: .relaxed)
        while place < end {
            // SAFETY: whole entries lie from `head` to `tail`; the writer leaves them alone.
            let start = unsafe memory.start + place % memory.count
            let header = unsafe start.assumingMemoryBound(to: Head.self).pointee
            place += Int(header.size)
            defer { head.store(place, ordering: .releasing) }
            switch header.kind {
            case Kind.packet: return unsafe .packet(record(header, at: start))
            case Kind.secret:
                let kind = RecordingSecret.Kind(rawValue: UInt8(truncatingIfNeeded: header.packetCount))
                let key = unsafe UnsafeMutableRawBufferPointer(start: start + Self.headSize, count: Int(header.datagramCount))
                let secret = kind.map { unsafe RecordingSecret($0, copying: UnsafeRawBufferPointer(key)) }
                // A key is nowhere longer than it has to be.
                unsafe key.initializeMemory(as: UInt8.self, repeating: 0)
                if let secret { return .secret(secret) }
            default: break
            }
        }
        return nil
    }

    private func record(_ header: Head, at start: UnsafeMutableRawPointer) -> PacketRecord {
        // SAFETY: as the writer laid it out.
        let notes = unsafe (start + Self.headSize).assumingMemoryBound(to: PacketNotes.self).pointee
        let bytes = unsafe start + Self.headSize + Self.notesSize
        return unsafe PacketRecord(
            notes, packet: [UInt8](UnsafeRawBufferPointer(start: bytes, count: Int(header.packetCount))),
            datagram: [UInt8](UnsafeRawBufferPointer(start: bytes + Int(header.packetCount), count: Int(header.datagramCount))))
    }

    /// Entries that found no room since the last call.
    func takeLost() -> UInt64 { lost.exchange(0, ordering: .relaxed) }

    /// Wipes what was not read. Nobody writes any more.
    func wipe() {
        // Only what was written: the rest of the memory was never touched.
        let written = min(memory.count, tail.load(ordering: .acquiring))
        unsafe memory.start.initializeMemory(as: UInt8.self, repeating: 0, count: written)
    }
}
