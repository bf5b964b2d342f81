internal import LinuxSystem
internal import NetworkTypes
internal import TunnelConfiguration
internal import WireGuardCrypto

/// One client's connection to the UAPI; used by the server's thread only.
///
/// What is read and written holds keys: both go through memory that stays where it is and is wiped after use.
final class UAPIConnection {
    private let descriptor: FileDescriptor
    private var parser = UAPIRequestParser { HostLookup.zoneIndex($0) }
    /// Requests that wait for the answers before theirs.
    private var requests: [UAPIRequest] = []
    /// The answer that is being written.
    private var response: UAPIResponse?
    /// A piece of it, never longer than the room that is made for it at first.
    private var output: [UInt8] = []
    private var written = 0
    private var isAtEnd = false
    private(set) var isOver = false
    /// When the client last said or read something.
    private(set) var lastProgress = Clock.now

    init(_ descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }

    deinit {
        unsafe output.withUnsafeMutableBytes { unsafe wipe($0) }
    }

    var interest: DescriptorPoll.Interest {
        let isWriting = written < output.count
        return DescriptorPoll.Interest(isOver ? -1 : descriptor.rawValue, reading: !isWriting && requests.isEmpty, writing: isWriting)
    }

    /// Whether an answer is under way.
    var isAnswering: Bool { response != nil }
    /// Whether a request is to be answered next.
    var isWaiting: Bool { !isOver && response == nil && output.isEmpty && !requests.isEmpty }
    /// Whether the client has just said or read something.
    var isRecent: Bool { Clock.now.since(lastProgress) < .seconds(1) }

    /// Lets the client go.
    func end() { isOver = true }

    /// Writes what waits, or reads, as far as it goes without waiting.
    func advance() {
        // While it waits for its turn nothing is polled for but its going away.
        if isWaiting { isOver = true }
        guard !isOver else { return }
        if output.isEmpty, requests.isEmpty, !isAtEnd { read() }
        write()
    }

    /// Answers the next request.
    /// - Returns: whether it is answered whole and another one waits.
    func answerNext(_ tunnel: UAPIServer.Tunnel, _ report: SetupReport) -> Bool {
        guard isWaiting else { return false }
        if output.capacity < UAPIResponse.pieceSize { output.reserveCapacity(UAPIResponse.pieceSize) }
        switch requests.removeFirst() {
        case .get: response = UAPIResponse(tunnel.snapshot())
        case .set(let update): output += UAPIResponse.answerToSet(errno: tunnel.apply(update))
        case .refused(let operation, let error):
            report.notice("refused a control request: \(error.reason)")
            output += operation == .get ? UAPIResponse.failureOfGet(errno: error.errno) : UAPIResponse.answerToSet(errno: error.errno)
        }
        write()
        return isWaiting
    }

    private func write() {
        while !isOver, flush(), response != nil {
            if !response!.write(into: &output) { response = nil }
        }
        if isAtEnd, output.isEmpty, requests.isEmpty { isOver = true }
    }

    private func read() {
        unsafe withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { buffer in
            switch unsafe descriptor.receive(into: buffer) {
            case .moved(0): isAtEnd = true
            case .moved(let count):
                lastProgress = Clock.now
                // SAFETY: `count` bytes of the buffer have been filled. They may hold keys, so they are wiped.
                var bytes = unsafe Array(buffer[..<count])
                unsafe wipe(UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
                parser.consume(bytes[...]) { requests.append($0) }
                unsafe bytes.withUnsafeMutableBytes { unsafe wipe($0) }
            case .wouldBlock: break
            case .failed: isOver = true
            }
        }
    }

    /// Writes what waits; false when the client has to read first.
    private func flush() -> Bool {
        while written < output.count {
            let result = unsafe output.withUnsafeBytes { unsafe descriptor.send(UnsafeRawBufferPointer(rebasing: $0[written...])) }
            switch result {
            case .moved(let count):
                written += count
                lastProgress = Clock.now
            case .wouldBlock: return false
            case .failed:
                isOver = true
                return false
            }
        }
        unsafe output.withUnsafeMutableBytes { unsafe wipe($0) }
        output.removeAll(keepingCapacity: true)
        written = 0
        return true
    }
}
