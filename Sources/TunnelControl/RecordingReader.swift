internal import LinuxSystem
public import NetworkTypes
public import PathRecording

/// A recording of a tunnel's packets, as the process that asked for it reads it. The recording ends when this does.
public struct RecordingReader: ~Copyable {
    /// What ``next(within:)`` came to.
    public enum Next: Sendable {
        case frame(RecordingFrame)
        /// The time is over.
        case nothing
        /// The recording is over, without a word if the tunnel's process was killed.
        case ended
    }

    /// Of what.
    public let header: RecordingHeader
    private let socket: FileDescriptor
    private var decoder: RecordingDecoder
    private let step: String

    fileprivate init(_ header: RecordingHeader, _ socket: consuming FileDescriptor, _ decoder: RecordingDecoder, _ step: String) {
        self.header = header
        self.socket = socket
        self.decoder = decoder
        self.step = step
    }

    /// Readable when there may be more, for programs with a loop of their own. It belongs to this value.
    public var descriptor: Int32 { socket.rawValue }

    /// The next piece.
    /// - Parameter limit: how long to wait for it; nil: for ever.
    /// - Throws: when what comes is no recording.
    public mutating func next(within limit: Interval? = nil) throws(SetupError) -> Next {
        let deadline = limit.map { Clock.now + $0 }
        while true {
            do throws(RecordingStream.Failure) {
                if let frame = try decoder.nextFrame() { return .frame(frame) }
            } catch {
                throw SetupError(step, "what comes is no recording: \(error)", remedy: "is the tunnel run by another version?")
            }
            guard DescriptorPoll.wait([.init(socket.rawValue)], for: deadline.map { $0.since(Clock.now) }) == [true] else {
                if let deadline, deadline <= Clock.now { return .nothing }
                continue
            }
            guard let chunk = try? socket.readChunk(), !chunk.isEmpty else { return .ended }
            decoder.consume(chunk)
        }
    }
}

extension TunnelQuery {
    /// Asks the process that runs a tunnel to record its packets.
    /// - Throws: when it isn't up, is another user's or another program's, or when too many record already.
    public static func record(_ interface: String, _ request: RecordingRequest) throws(SetupError) -> RecordingReader {
        let step = "record packets of \(interface)"
        for directory in RuntimeDirectory.present {
            if let socket = try connect(directory.control(of: interface), request, step) { return try begin(socket, step) }
        }
        // Another program's tunnel, or none at all: whose it is, is told by asking it.
        _ = try state(of: interface)
        throw SetupError(
            step, "it is run by another program, which records nothing of a packet's way",
            remedy: "`tcpdump -ni \(interface)` shows its inner packets, `wg-lite status \(interface)` how it is")
    }

    /// - Returns: nil where no process of ours listens.
    private static func connect(_ path: String, _ request: RecordingRequest, _ step: String) throws(SetupError) -> FileDescriptor? {
        do throws(SystemError) {
            let socket = try UnixSocket.connect(to: path)
            try socket.writeAll(Array("\(ControlChannel.Request.record(request))\n".utf8))
            return socket
        } catch {
            guard error.isPermissionDenied else { return nil }
            throw SetupError(step, "permission denied: packets are shown to root and to the tunnel's owner only", remedy: "run with sudo")
        }
    }

    /// Reads up to the recording's header; or the refusal that comes instead.
    private static func begin(_ socket: consuming FileDescriptor, _ step: String) throws(SetupError) -> RecordingReader {
        var decoder = RecordingDecoder()
        var refusal: [UInt8]?
        while let chunk = try? socket.readChunk(), !chunk.isEmpty {
            if refusal != nil || chunk.first == 0 {
                refusal = (refusal ?? []) + chunk
                continue
            }
            decoder.consume(chunk)
            do throws(RecordingStream.Failure) {
                guard let frame = try decoder.nextFrame() else { continue }
                guard case .header(let header) = frame else { break }
                return RecordingReader(header, socket, decoder, step)
            } catch {
                break
            }
        }
        if let refusal, let end = refusal.firstIndex(of: UInt8(ascii: "\n")) {
            let lines = String(decoding: refusal[(end + 1)...], as: UTF8.self).split(separator: "\n", maxSplits: 1)
            throw SetupError(step, String(lines.first ?? "it was refused"), remedy: lines.count > 1 ? String(lines[1]) : nil)
        }
        throw SetupError(step, "its process does not know how to", remedy: "it is another version: take the tunnel down and up again")
    }
}
