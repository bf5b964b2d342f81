internal import CLinuxShims
internal import Glibc
public import NetworkTypes

extension ChildProcess {
    /// How a program that was waited for came to its end.
    public struct Completion: Sendable {
        /// Why it is over.
        public enum Reason: Hashable, Sendable {
            /// By itself, or by somebody else's signal.
            case ended
            /// It took longer than it was given, and was ended.
            case tooSlow
            /// Somebody else wanted it to end.
            case cancelled
        }

        /// How it ended; of one that we ended, how that came out.
        public var status: ExitStatus
        public var reason = Reason.ended
        /// What it printed on both of its outputs.
        public var bytes: [UInt8] = []

        /// The same as text; what isn't UTF-8 is replaced.
        public var output: String { String(decoding: bytes, as: UTF8.self) }
        /// Whether it did what it was started for.
        public var isSuccess: Bool { reason == .ended && status.isSuccess }
    }

    /// Bytes of output that are kept; of more the end is lost.
    private static let longestOutput = 64 << 20

    /// Waits until it has ended, or ends it.
    /// - Parameters:
    ///   - limit: how long it may take; nil for ever.
    ///   - cancelled: a descriptor that is readable when it should end; negative for none.
    public func wait(for limit: Interval?, cancelledBy cancelled: Int32) -> Completion {
        complete(limit, cancelled, readingFrom: -1) { _ in }
    }

    /// Runs a program to its end with `input` on its standard input. What it leaves running is not waited for.
    /// - Parameters:
    ///   - limit: how long it may take; nil for ever.
    ///   - cancelled: a descriptor that is readable when it should end; negative for none.
    public static func run(
        _ path: String, _ arguments: [String], input: [UInt8] = [], limit: Interval? = nil, cancelledBy cancelled: Int32 = -1
    ) throws(SystemError) -> Completion {
        var bytes: [UInt8] = []
        var completion = try run(path, bytes: arguments.map { Array($0.utf8) }, input: input, limit: limit, cancelledBy: cancelled) {
            chunk in
            if bytes.count < longestOutput { bytes += chunk }
        }
        completion.bytes = bytes
        return completion
    }

    /// The same with arguments that need not be text, handing on what is printed as it comes.
    /// - Parameter started: called once it runs.
    public static func run(
        _ path: String, bytes arguments: [[UInt8]], input: [UInt8] = [], directory: String? = nil, limit: Interval? = nil,
        cancelledBy cancelled: Int32 = -1, started: (ChildProcess) -> Void = { _ in }, show: ([UInt8]) -> Void
    ) throws(SystemError) -> Completion {
        // One that ends before it has read everything would end this process as well.
        if !input.isEmpty { SignalDescriptor.ignoreBrokenPipes() }
        var outputPipe = try Pipe()
        var inputPipe = try Pipe()
        let outputEnd = outputPipe.takeReadingEnd()
        let childOutput = outputPipe.takeWritingEnd()
        let childInput = inputPipe.takeReadingEnd()
        let inputEnd = inputPipe.takeWritingEnd()
        let child = try start(
            path, bytes: arguments, input: .descriptor(childInput.rawValue), output: .descriptor(childOutput.rawValue),
            error: .descriptor(childOutput.rawValue), ownGroup: true, directory: directory)
        started(child)
        _ = consume childOutput
        _ = consume childInput
        try? outputEnd.setNonBlocking()
        try? inputEnd.setNonBlocking()
        // Both at once: it may print more than a pipe holds before it has read everything.
        let writer = InputFeed(inputEnd, input)
        return child.complete(limit, cancelled, readingFrom: outputEnd.rawValue, feeding: writer, show)
    }

    /// What is left to write to a child.
    private final class InputFeed {
        private var descriptor: FileDescriptor?
        private let input: [UInt8]
        private var written = 0

        init(_ descriptor: consuming FileDescriptor, _ input: [UInt8]) {
            self.descriptor = consume descriptor
            self.input = input
            advance()
        }

        var rawValue: Int32 {
            switch descriptor {
            case .some(let descriptor): descriptor.rawValue
            case .none: -1
            }
        }

        func advance() {
            while written < input.count {
                let number = rawValue
                // SAFETY: the kernel reads what is left of the array, alive across the call.
                let count = unsafe input.withUnsafeBytes { unsafe Glibc.write(number, $0.baseAddress! + written, input.count - written) }
                if count < 0 && Glibc.errno == EINTR { continue }
                if count < 0 && Glibc.errno == EAGAIN { return }
                // It doesn't read any more.
                guard count > 0 else { break }
                written += count
            }
            descriptor = nil
        }
    }

    private func complete(
        _ limit: Interval?, _ cancelled: Int32, readingFrom output: Int32, feeding input: InputFeed? = nil, _ show: ([UInt8]) -> Void
    ) -> Completion {
        let handle = clinux_process_descriptor(identifier)
        defer { if handle >= 0 { close(handle) } }
        // Where processes have no descriptors, a look now and then does.
        let slice = handle < 0 ? Interval.milliseconds(20) : nil
        let deadline = limit.map { Clock.now + $0 }
        var isReading = output >= 0
        while true {
            let left = deadline.map { $0.since(Clock.now) }
            let ready = DescriptorPoll.wait(
                [
                    .init(isReading ? output : -1), .init(input?.rawValue ?? -1, reading: false, writing: true), .init(handle),
                    .init(cancelled),
                ], for: [left, slice].compactMap { $0 }.min())
            if ready[0] { isReading = drain(output, show) }
            if ready[1] { input?.advance() }
            if ready[2] || handle < 0, let status = statusIfEnded() {
                // What it said last; programs that it left behind may hold the other end for long.
                if isReading { _ = drain(output, show) }
                return Completion(status: status)
            }
            if ready[3] { return Completion(status: end(), reason: .cancelled) }
            if let deadline, deadline <= Clock.now { return Completion(status: end(), reason: .tooSlow) }
        }
    }

    /// Reads what is there; false at the end.
    private func drain(_ descriptor: Int32, _ show: ([UInt8]) -> Void) -> Bool {
        while true {
            var count = 0
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 16384) { buffer, size in
                // SAFETY: read fills at most the buffer, and as many bytes are initialized as it says.
                repeat { count = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count) } while count < 0 && Glibc.errno == EINTR
                size = max(count, 0)
            }
            if count < 0 { return Glibc.errno == EAGAIN }
            if count == 0 { return false }
            show(bytes)
        }
    }

    /// Ends it and what it started: politely, then not.
    private func end() -> ExitStatus {
        for signal in [SIGTERM, SIGKILL] {
            if kill(-identifier, signal) != 0 { kill(identifier, signal) }
            for _ in 0..<(signal == SIGTERM ? 40 : 400) {
                if let status = statusIfEnded() { return status }
                SystemThread.sleep(.milliseconds(10))
            }
        }
        return wait()
    }
}
