internal import ArgumentParser
internal import LinuxSystem
internal import NetworkTypes
internal import PacketCapture
internal import PathRecording
internal import TunnelConfiguration
internal import TunnelControl
internal import TunnelCore
internal import TunnelDiagnosis

/// A capture while it runs: frames of a tunnel's recording come in, blocks go out, until somebody or something ends it.
///
/// What is in the file is complete however it ends: blocks are written whole, statistics last.
struct Capture: ~Copyable {
    /// Why it ended.
    private enum End {
        /// Ctrl-C, or as many packets as were asked for.
        case asked
        /// The tunnel ended, or its process.
        case tunnel(String)
        /// Whoever read our output has gone: nobody is left to tell.
        case readerGone
        /// Nothing more can be written.
        case output(SystemError)
    }

    /// Blocks are written when there are so many bytes, or nothing more comes at once.
    private static let batch = 256 << 10
    /// How long, in the end, for what the tunnel has recorded and not yet told.
    private static let lastLook = Interval.milliseconds(50)

    private let name: String
    private let path: String
    private let signals: SignalDescriptor
    private var reader: RecordingReader
    private var output: CaptureOutput
    private var keyLog: PrivateFile?
    private var capture: RecordingCapture
    private let sources: SourceAddresses

    /// Begins a capture.
    /// - Parameters:
    ///   - path: the file; `-` for standard output.
    ///   - embedsKeys: whether keys go into the capture.
    ///   - keysFile: where they go besides.
    static func begin(
        of name: String, _ request: RecordingRequest, to path: String, embedsKeys: Bool, keysFile: String?
    ) throws -> Capture {
        SignalDescriptor.ignoreBrokenPipes()
        let signals = try SignalDescriptor([SignalDescriptor.interrupt, SignalDescriptor.terminate, SignalDescriptor.hangUp])
        // A tunnel that isn't up leaves no empty file.
        let reader = try TunnelQuery.record(name, request)
        let output = try CaptureOutput(path)
        let keyLog: PrivateFile? = if let keysFile { try PrivateFile(keysFile) } else { nil }
        for file in (embedsKeys ? [path == "-" ? "the capture" : path] : []) + (keysFile.map { [$0] } ?? []) {
            Terminal.error(
                "warning: \(file) gives away what the sessions carry whose keys are in it: keep it as you keep a private key", .warning)
        }
        if request.keys { Terminal.error("a handshake is begun with each peer that has an endpoint: what follows it can be decrypted") }
        let section = CaptureEncoder.Section(
            interface: name, application: "wg-lite \(WGLiteCommand.version)", system: "Linux", filter: "\(request.filter)")
        return Capture(
            name, path, signals, reader, output, keyLog,
            RecordingCapture(section, at: Clock.unixNanoseconds, embedsKeys: embedsKeys, peerName: { $0.base64 }))
    }

    private init(
        _ name: String, _ path: String, _ signals: consuming SignalDescriptor, _ reader: consuming RecordingReader,
        _ output: consuming CaptureOutput, _ keyLog: consuming PrivateFile?, _ capture: RecordingCapture
    ) {
        self.name = name
        self.path = path
        self.signals = signals
        self.reader = reader
        self.output = output
        self.keyLog = keyLog
        self.capture = capture
        sources = SourceAddresses(mark: (try? TunnelQuery.state(of: name))?.snapshot.firewallMark ?? 0)
    }

    /// Captures until it ends.
    consuming func run() throws {
        var end: End
        do throws(CaptureOutput.Failure) {
            end = try captureUntilEnd()
            capture.finish(at: Clock.unixNanoseconds)
            try output.write(capture.takeBlocks(), signals: signals.rawValue, isLast: true)
        } catch {
            end =
                switch error {
                case .readerGone: .readerGone
                case .interrupted: .asked
                case .system(let error): .output(error)
                }
        }
        try report(end)
    }

    private mutating func captureUntilEnd() throws(CaptureOutput.Failure) -> End {
        var hasMore = false
        while true {
            // What there is goes out before anything is waited for.
            try output.write(capture.takeBlocks(), signals: signals.rawValue)
            let interests: [DescriptorPoll.Interest] =
                [.init(signals.rawValue), .init(reader.descriptor)] + (output.reader.map { [$0] } ?? [])
            let ready = DescriptorPoll.wait(interests, for: hasMore ? .milliseconds(0) : nil)
            if ready[0] {
                // What was under way when somebody asked to end.
                _ = try takeWhatIsThere(patience: Self.lastLook)
                return .asked
            }
            if ready.count > 2, ready[2] { return .readerGone }
            switch try takeWhatIsThere(patience: .milliseconds(0)) {
            case .nothing: hasMore = false
            case .enough: hasMore = true
            case .end(let end): return end
            }
        }
    }

    private enum Look {
        /// Nothing more comes at once.
        case nothing
        /// There may be more, and there is enough to write.
        case enough
        case end(End)
    }

    /// Takes frames that are there.
    /// - Parameter patience: how long to wait for each.
    private mutating func takeWhatIsThere(patience: Interval) throws(CaptureOutput.Failure) -> Look {
        while capture.encoder.pending.count < Self.batch {
            let next: RecordingReader.Next
            do throws(SetupError) {
                next = try reader.next(within: patience)
            } catch {
                return .end(.tunnel(error.cause))
            }
            switch next {
            case .nothing: return .nothing
            case .ended: return .end(.tunnel("its process is gone"))
            case .frame(.end(let reason)): return .end(reason.isEmpty ? .asked : .tunnel(reason))
            case .frame(let frame): try take(frame)
            }
        }
        return .enough
    }

    private mutating func take(_ frame: RecordingFrame) throws(CaptureOutput.Failure) {
        let lines = capture.take(frame) { [sources] in sources.address(towards: $0) }
        guard let lines, keyLog != nil else { return }
        do throws(SystemError) {
            try keyLog!.append(Array(lines.text.utf8))
        } catch {
            throw .system(error)
        }
    }

    /// Says what is in the file, and why no more.
    private func report(_ end: End) throws {
        switch end {
        case .readerGone: return
        case .output(let error): throw CommandFailure("\(error)\n  what was written before can be read")
        case .asked, .tunnel: break
        }
        let (inner, outer) = (capture.encoder.inner, capture.encoder.outer)
        Terminal.error(
            Self.summary(
                packets: inner.written, datagrams: outer.written, path: path, missed: max(inner.missed, outer.missed),
                handshakes: capture.handshakesWithKeys))
        if case .tunnel(let reason) = end { throw CommandFailure("\(name): \(reason); the capture is complete until then") }
    }

    /// What a capture ends with.
    static func summary(
        packets: some BinaryInteger, datagrams: some BinaryInteger, path: String, missed: some BinaryInteger, handshakes: Int
    ) -> String {
        var line = "\(counted(packets, "packet", "packets")) and \(counted(datagrams, "datagram", "datagrams")) captured"
        if path != "-" { line += " in \(path)" }
        if missed > 0 { line += "; \(counted(missed, "came too fast and is", "came too fast and are")) missing" }
        if handshakes > 0 { line += "; with the keys of \(counted(handshakes, "handshake", "handshakes"))" }
        return line
    }
}
