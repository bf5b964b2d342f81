internal import LinuxSystem
internal import NetworkTypes
internal import PathRecording
internal import Synchronization
internal import TunnelEngine
internal import WireGuardCrypto

/// Sends one recording to the client that asked for it, on a thread of its own, until the client goes, the count is reached, or the tunnel
/// ends. The engine's threads never wait for it, nor it for them: it looks what there is.
final class RecordingSender: Sendable {
    /// How often it looks, while there was nothing.
    private static let pause = Interval.milliseconds(20)
    /// Pieces sent together.
    private static let piecesAtATime = 512
    /// What sending uses of the stack, generously.
    private static let stackByteCount = 32 << 10
    /// How long a client may take for the last bytes once the tunnel has ended.
    private static let farewell = Interval.seconds(1)

    private let engine: Engine
    private let recording: Recording
    private let descriptor: FileDescriptor
    private let header: RecordingHeader
    private let isStopping = Atomic(false)
    private let ended = Atomic(false)
    private let wake: EventDescriptor
    private let thread = Mutex<SystemThread?>(nil)

    /// Takes over a client's connection.
    init(
        _ recording: Recording, of engine: Engine, header: RecordingHeader, to descriptor: consuming FileDescriptor
    ) throws(SystemError) {
        wake = try EventDescriptor()
        self.engine = engine
        self.recording = recording
        self.header = header
        self.descriptor = descriptor
    }

    /// Begins to send.
    func start() throws(SystemError) {
        try thread.withLock { (thread) throws(SystemError) in
            thread = try SystemThread(name: "wg-recording") { [self] in
                run()
                // Keys may have been sent, and the next thread may get this one's stack.
                wipeDeadStack(Self.stackByteCount)
            }
        }
    }

    /// Whether it has ended by itself.
    var hasEnded: Bool { ended.load(ordering: .acquiring) }

    /// Lets it end soon, with a word to the client.
    func beginToStop() {
        isStopping.store(true, ordering: .releasing)
        wake.signal()
    }

    /// Ends it, with a word to the client, and waits until it has.
    func stop() {
        beginToStop()
        thread.withLock { $0.take() }?.join()
    }

    @inline(never)
    private func run() {
        var bytes = RecordingStream.preamble
        RecordingFrame.header(header).append(to: &bytes)
        var reason: String?
        var isReached = send(&bytes, until: nil)
        while isReached, reason == nil {
            // Asked before the look: what was recorded until then is seen.
            if isStopping.load(ordering: .acquiring) { reason = "the tunnel has ended" } else if recording.isComplete { reason = "" }
            var count = 0
            repeat {
                count = recording.take(atMost: Self.piecesAtATime) { frame in
                    guard case .secret(let secret) = frame else { return frame.append(to: &bytes) }
                    // From its own memory, behind what came before it.
                    isReached = isReached && send(&bytes, until: nil)
                    if isReached { isReached = unsafe secret.withFrame { unsafe send($0, until: nil) } }
                }
                // What was sent in part can't be followed by anything else.
                isReached = isReached && send(&bytes, until: reason == nil ? nil : Clock.now + Self.farewell)
            } while isReached && count >= Self.piecesAtATime
            if isReached, reason == nil, count == 0 { isReached = waitForMore() }
        }
        engine.end(recording)
        if isReached, let reason {
            RecordingFrame.end(reason).append(to: &bytes)
            _ = send(&bytes, until: Clock.now + Self.farewell)
        }
        wipe(&bytes)
        ended.store(true, ordering: .releasing)
    }

    /// A moment; false if the client has gone.
    private func waitForMore() -> Bool {
        let ready = DescriptorPoll.wait([.init(descriptor.rawValue), .init(wake.rawValue)], for: Self.pause)
        guard ready[0] else { return true }
        // A client says nothing more, so what can be read is its end.
        guard let chunk = try? descriptor.readChunk() else { return false }
        return !chunk.isEmpty
    }

    /// Sends all of `bytes`, and empties them; false if the client has gone, or `deadline` has come.
    private func send(_ bytes: inout [UInt8], until deadline: Instant?) -> Bool {
        guard unsafe bytes.withUnsafeBytes({ unsafe send($0, until: deadline) }) else { return false }
        wipe(&bytes)
        return true
    }

    /// Sends all of `bytes` as fast as the client reads; false if it has gone, or `deadline` has come.
    private func send(_ bytes: UnsafeRawBufferPointer, until deadline: Instant?) -> Bool {
        var sent = 0
        while sent < bytes.count {
            switch unsafe descriptor.send(UnsafeRawBufferPointer(rebasing: bytes[sent...])) {
            case .moved(let count): sent += count
            case .wouldBlock:
                let limit = deadline ?? (isStopping.load(ordering: .acquiring) ? Clock.now + Self.farewell : nil)
                let left = limit?.since(Clock.now)
                if let left, left.nanoseconds == 0 { return false }
                // Woken by the end of the tunnel as well; then there is a deadline.
                let ready = DescriptorPoll.wait(
                    [.init(descriptor.rawValue, reading: false, writing: true), .init(deadline == nil ? wake.rawValue : -1)], for: left)
                if !ready[0], limit != nil { return false }
                if ready[1] { wake.clear() }
            case .failed: return false
            }
        }
        return true
    }

    /// What was sent may have been packets.
    private func wipe(_ bytes: inout [UInt8]) {
        unsafe bytes.withUnsafeMutableBytes { unsafe WireGuardCrypto.wipe($0) }
        bytes.removeAll(keepingCapacity: bytes.count <= 1 << 20)
    }
}

/// The recordings of a tunnel that are under way.
struct RecordingSenders {
    private var senders: [RecordingSender] = []

    /// Gives a client what it asked for; or says why not.
    mutating func serve(_ request: RecordingRequest, of client: ControlServer.Client, _ interface: String, _ engine: Engine) {
        forgetEnded()
        guard let recording = engine.record(request) else {
            return client.finish(false, "\(Engine.mostRecordings) recordings are under way already\nend one of them")
        }
        do throws(SystemError) {
            var header = RecordingHeader(interface: interface, unixNanoseconds: Clock.unixNanoseconds)
            (header.publicKey, header.mtu) = engine.identity
            header.request = request
            let sender = try RecordingSender(recording, of: engine, header: header, to: client.handOver())
            try sender.start()
            senders.append(sender)
        } catch {
            engine.end(recording)
            client.finish(false, "\(error)")
        }
    }

    /// Lets all of them end soon.
    func beginToStop() {
        for sender in senders { sender.beginToStop() }
    }

    /// Ends all of them.
    mutating func stop() {
        for sender in senders { sender.stop() }
        senders = []
    }

    private mutating func forgetEnded() {
        for sender in senders where sender.hasEnded { sender.stop() }
        senders.removeAll(where: \.hasEnded)
    }
}
