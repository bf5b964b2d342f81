internal import LinuxSystem
public import PathRecording
internal import Synchronization
internal import WireGuardCrypto

/// What one reader asked to see, on its way from the engine's threads to that reader.
///
/// A ring for each thread that writes, so that none waits for the other. The reader comes when it likes; what finds no room is counted.
public final class Recording: Sendable {
    /// What was asked for.
    public let request: RecordingRequest
    /// Of the packet loop.
    let packets: RecordRing
    /// Of the handshake thread.
    let handshakes: RecordRing
    /// Records that may still be written.
    private let remaining: Atomic<Int>

    /// 8 MiB of address space, touched as records fill it; some 20,000 packets' headers.
    private static let packetBytes = 8 << 20
    private static let handshakeBytes = 1 << 20

    init(_ request: RecordingRequest) throws(SystemError) {
        self.request = request
        packets = try RecordRing(capacity: Self.packetBytes)
        handshakes = try RecordRing(capacity: Self.handshakeBytes)
        remaining = Atomic(request.count.map { Int(clamping: $0) } ?? .max)
    }

    deinit {
        if request.keys { handshakes.wipe() }
    }

    /// Whether as much as was asked for has been recorded.
    public var isComplete: Bool { remaining.load(ordering: .relaxed) <= 0 }

    /// Takes one record of those that may be written; false if none may.
    func claim() -> Bool {
        guard remaining.load(ordering: .relaxed) > 0 else { return false }
        return remaining.subtract(1, ordering: .relaxed).oldValue > 0
    }

    /// Gives a claimed record back that found no room.
    func unclaim() {
        remaining.add(1, ordering: .relaxed)
    }

    /// Gives what has been recorded to `body`, in order, at most `limit` pieces.
    ///
    /// What the handshake thread recorded before a packet was recorded comes before that packet: so keys and handshakes come before what
    /// was sent with them. One caller at a time.
    /// - Returns: how many pieces there were.
    public func take(atMost limit: Int, _ body: (RecordingFrame) -> Void) -> Int {
        // The order of these two lines is the promise above.
        let end = packets.end
        var count = 0
        while count < limit, let entry = handshakes.next(before: handshakes.end) {
            body(entry.frame)
            count += 1
        }
        while count < limit, let entry = packets.next(before: end) {
            body(entry.frame)
            count += 1
        }
        let lost = packets.takeLost() + handshakes.takeLost()
        if lost > 0 {
            body(.lost(lost))
            count += 1
        }
        return count
    }

    /// Tells keys, if they were asked for.
    func tell(_ kind: RecordingSecret.Kind, _ key: UnsafeRawBufferPointer) {
        if request.keys { _ = unsafe handshakes.write(kind, key) }
    }
}

extension RecordRing.Entry {
    fileprivate var frame: RecordingFrame {
        switch self {
        case .packet(let record): .packet(record)
        case .secret(let secret): .secret(secret)
        }
    }
}
