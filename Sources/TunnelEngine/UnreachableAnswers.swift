internal import TunAdapter
internal import TunnelCore

/// "Destination unreachable" answers to packets that no peer takes, a few a batch: enough for programs to notice, too few to be a
/// load.
@safe
struct UnreachableAnswers: ~Copyable {
    private static let limit = 4
    private static let size = DestinationUnreachable.maximumSize
    private let memory: UnsafeMutableRawPointer
    private var sizes = InlineArray<4, Int>(repeating: 0)
    private var count = 0
    private var slots = OutgoingBatch(capacity: UnreachableAnswers.limit)

    init() {
        unsafe memory = .allocate(byteCount: Self.limit * Self.size, alignment: 16)
    }

    deinit {
        unsafe memory.deallocate()
    }

    /// Answers `packet`, if it may be answered and this batch has not had its share.
    mutating func add(_ packet: UnsafeRawBufferPointer) {
        guard count < Self.limit else { return }
        let answer = unsafe UnsafeMutableRawBufferPointer(start: memory + count * Self.size, count: Self.size)
        sizes[count] = unsafe DestinationUnreachable.write(answering: packet, to: answer)
        if sizes[count] > 0 { count += 1 }
    }

    /// Sends the answers into the interface.
    mutating func send(through session: Session) {
        guard count > 0 else { return }
        for index in 0..<count {
            let size = sizes[index]
            guard session.allocate(count: 1, size: size, lastSize: size, into: &slots) else { break }
            unsafe slots.unsafeBytes(at: slots.count - 1).baseAddress!.copyMemory(from: memory + index * Self.size, byteCount: size)
        }
        count = 0
        session.send(&slots)
        session.flush()
    }
}
