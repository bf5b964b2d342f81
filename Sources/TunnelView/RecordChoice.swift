public import PathRecording

/// So many records of a recording of any length: evenly chosen from all of it, but what was dropped comes first, because it is looked for.
public struct RecordChoice: Sendable {
    /// How many are kept at most.
    private let limit: Int
    private var forwarded: [PacketRecord] = []
    private var dropped: [PacketRecord] = []
    /// One in so many is kept of those that were forwarded.
    private var stride = 1
    private var passed = 0
    /// Packets that were not kept, or had found no room in the recording.
    public var lost: UInt64 = 0

    public init(limit: Int) {
        self.limit = max(2, limit)
    }

    /// Takes or leaves the next record.
    public mutating func add(_ record: PacketRecord) {
        guard record.notes.fate != .dropped else {
            if dropped.count < limit / 2 { dropped.append(record) } else { lost += 1 }
            return
        }
        passed += 1
        guard passed % stride == 0 else {
            lost += 1
            return
        }
        forwarded.append(record)
        if forwarded.count > limit / 2 {
            // Every other one goes, and from now on half as many come.
            let kept = forwarded.indices.filter { $0 % 2 == 1 }.map { forwarded[$0] }
            lost += UInt64(forwarded.count - kept.count)
            forwarded = kept
            stride *= 2
        }
    }

    /// Those that were kept, in the order of time.
    public var records: [PacketRecord] {
        (forwarded + dropped).sorted { ($0.notes.unixNanoseconds, $0.notes.position) < ($1.notes.unixNanoseconds, $1.notes.position) }
    }
}
