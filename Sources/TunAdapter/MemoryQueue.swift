internal import LinuxSystem

/// Packets in memory, one way: what a TUN queue is between the kernel and a session, without a kernel.
///
/// A frame is a packet with its ``VirtioNetHeader`` before it. Like an interface, a full queue loses what comes. Putting and taking
/// allocate nothing, so that allocations of the packet path can be counted through it.
final class MemoryQueue: Sendable {
    /// The frames, one behind the other, each after its size. They wrap as whole frames; an empty queue starts at the beginning again.
    private struct Frames: ~Copyable {
        let memory: AnonymousMemory
        var count = 0
        /// Where the oldest starts.
        var head = 0
        /// Behind the newest.
        var tail = 0

        /// Makes room for `size` bytes behind their size; nil if there is none.
        mutating func append(_ size: Int) -> UnsafeMutableRawPointer? {
            let needed = MemoryQueue.sizeField + (size + MemoryQueue.sizeField - 1) & ~(MemoryQueue.sizeField - 1)
            if count == 0 { (head, tail) = (0, 0) }
            if tail >= head {
                if tail + needed > memory.count {
                    guard needed < head else { return nil }
                    // SAFETY: every size is a multiple of the field's, so it fits where anything is left. No size: go on at the start.
                    if tail < memory.count { unsafe memory.start.storeBytes(of: 0, toByteOffset: tail, as: Int.self) }
                    tail = 0
                }
            } else if tail + needed >= head {
                return nil
            }
            // SAFETY: `needed` bytes are free from `tail` on.
            unsafe memory.start.storeBytes(of: size, toByteOffset: tail, as: Int.self)
            let start = unsafe memory.start + tail + MemoryQueue.sizeField
            tail += needed
            count += 1
            return unsafe start
        }

        /// Takes the oldest out; its bytes stay until the next is appended.
        mutating func removeFirst() -> UnsafeRawBufferPointer? {
            guard count > 0 else { return nil }
            // SAFETY: at `head` stands a size, unless the frames wrap there.
            if unsafe head == memory.count || memory.start.load(fromByteOffset: head, as: Int.self) == 0 { head = 0 }
            let size = unsafe memory.start.load(fromByteOffset: head, as: Int.self)
            let start = unsafe memory.start + head + MemoryQueue.sizeField
            head += MemoryQueue.sizeField + (size + MemoryQueue.sizeField - 1) & ~(MemoryQueue.sizeField - 1)
            count -= 1
            return unsafe UnsafeRawBufferPointer(start: start, count: size)
        }
    }

    /// As many as a TUN interface queues by default (txqueuelen is 500) and some more.
    private static let limit = 4096
    /// Address space; only what a burst touches becomes memory.
    private static let byteLimit = 32 << 20
    private static let sizeField = MemoryLayout<Int>.size
    private let frames: OrderedMutex<Frames>
    /// Signalled while a frame waits.
    let event: EventDescriptor

    init() throws(SystemError) {
        event = try EventDescriptor()
        frames = OrderedMutex(Frames(memory: try AnonymousMemory(count: Self.byteLimit)))
    }

    /// Appends a frame.
    /// - Returns: false if the queue is full.
    @discardableResult
    func put(_ frame: [UInt8]) -> Bool {
        unsafe frame.withUnsafeBytes { bytes in
            var piece = unsafe MemoryPiece(start: UnsafeMutableRawPointer(mutating: bytes.baseAddress), count: bytes.count)
            return unsafe append(&piece, count: 1)
        }
    }

    /// Takes the oldest frame.
    func take() -> [UInt8]? {
        frames.withLock { frames in
            guard let frame = unsafe frames.removeFirst() else { return nil }
            if frames.count == 0 { event.clear() }
            return unsafe [UInt8](frame)
        }
    }

    /// Takes the oldest frame as read(2) does: what the buffer doesn't hold is lost.
    @inline(never)
    func take(into buffer: UnsafeMutableRawBufferPointer) -> TransferResult {
        frames.withLock { frames in
            guard let frame = unsafe frames.removeFirst() else { return .wouldBlock }
            if frames.count == 0 { event.clear() }
            let count = min(frame.count, buffer.count)
            // SAFETY: `count` bytes are in both.
            unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: frame[..<count]))
            return .moved(count)
        }
    }

    /// Appends a frame as writev(2) does; a full queue would block, and the frame is lost.
    @inline(never)
    func put(_ pieces: UnsafePointer<MemoryPiece>, count: Int) -> TransferResult {
        var size = 0
        for i in 0..<count { size += unsafe pieces[i].count }
        return unsafe append(pieces, count: count) ? .moved(size) : .wouldBlock
    }

    private func append(_ pieces: UnsafePointer<MemoryPiece>, count: Int) -> Bool {
        frames.withLock { frames in
            var size = 0
            for i in 0..<count { size += unsafe pieces[i].count }
            guard size > 0, frames.count < Self.limit, var end = unsafe frames.append(size) else { return false }
            for i in 0..<count {
                guard let start = unsafe pieces[i].start else { continue }
                // SAFETY: each piece is memory of the caller's that its count describes; there is room for all of them.
                unsafe end.copyMemory(from: start, byteCount: pieces[i].count)
                unsafe end += pieces[i].count
            }
            if frames.count == 1 { event.signal() }
            return true
        }
    }
}
