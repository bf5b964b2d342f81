internal import LinuxSystem

/// Packets in memory, one way: what a TUN queue is between the kernel and a session, without a kernel.
///
/// A frame is a packet with its ``VirtioNetHeader`` before it. Like an interface, a full queue loses what comes.
final class MemoryQueue: Sendable {
    private struct Frames {
        var waiting: [[UInt8]] = []
        var first = 0
    }

    /// As many as a TUN interface queues by default (txqueuelen is 500) and some more.
    private static let limit = 4096
    private let frames = OrderedMutex(Frames())
    /// Signalled while a frame waits.
    let event: EventDescriptor

    init() throws(SystemError) {
        event = try EventDescriptor()
    }

    /// Appends a frame.
    /// - Returns: false if the queue is full.
    @discardableResult
    func put(_ frame: [UInt8]) -> Bool {
        frames.withLock { frames in
            guard frames.waiting.count - frames.first < Self.limit else { return false }
            frames.waiting.append(frame)
            event.signal()
            return true
        }
    }

    /// Takes the oldest frame.
    func take() -> [UInt8]? {
        frames.withLock { frames in
            guard frames.first < frames.waiting.count else { return nil }
            let frame = frames.waiting[frames.first]
            frames.waiting[frames.first] = []
            frames.first += 1
            if frames.first == frames.waiting.count {
                frames = Frames()
                event.clear()
            }
            return frame
        }
    }

    /// Takes the oldest frame as read(2) does: what the buffer doesn't hold is lost.
    @inline(never)
    func take(into buffer: UnsafeMutableRawBufferPointer) -> TransferResult {
        guard let frame = take() else { return .wouldBlock }
        let count = min(frame.count, buffer.count)
        // SAFETY: `count` bytes are in both.
        unsafe frame.withUnsafeBytes { unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0.prefix(count))) }
        return .moved(count)
    }

    /// Appends a frame as writev(2) does.
    @inline(never)
    func put(_ pieces: UnsafePointer<MemoryPiece>, count: Int) -> TransferResult {
        var frame: [UInt8] = []
        for i in 0..<count {
            // SAFETY: each piece is memory of the caller's that its count describes.
            unsafe frame.append(contentsOf: UnsafeRawBufferPointer(start: pieces[i].start, count: pieces[i].count))
        }
        put(frame)
        return .moved(frame.count)
    }
}

/// Both ways between a session and whoever stands in for the kernel.
final class MemoryLink: Sendable {
    let incoming: MemoryQueue
    let outgoing: MemoryQueue
    let takesSuperPackets: Bool

    init(incoming: MemoryQueue, outgoing: MemoryQueue, takesSuperPackets: Bool) {
        self.incoming = incoming
        self.outgoing = outgoing
        self.takesSuperPackets = takesSuperPackets
    }
}
