internal import LinuxSystem
internal import Logging
internal import NetworkTypes
internal import Synchronization
internal import TunnelControl
internal import TunnelDiagnosis

/// Where everything goes that a tunnel's process says: standard error, and once the terminal has been let go the system's log, or a file
/// where there is no system log.
///
/// Nobody who says something waits for those who read it, since they may be stuck, or be reached through this very tunnel. What finds no
/// room is counted, and the count is told when somebody reads again. No more than a few log lines a second are written, whatever
/// happens. Nothing that is logged holds a key: texts name peers by the ends of their public keys.
final class LogDestination: Sendable {
    /// Lines of the log that may wait.
    private let mostLines: Int
    /// Lines about a setup that may wait: somebody watches, and `-v` has one for each route of ten thousand peers.
    private static let mostSetupLines = 1 << 16
    /// How long a setup waits for its lines to be written, once: they stand before what hooks print.
    private static let patience = Interval.milliseconds(200)

    private let sink: Sink
    private let queue: OutputQueue<Item>
    private let budget = Mutex(LogBudget())

    private enum Item: Sendable {
        case log(LogLine)
        /// Said to whoever watches the setup.
        case setup(LogLine)
    }

    /// - Parameters:
    ///   - tunnel: its name.
    ///   - format: of log lines.
    ///   - setupFormat: of what is said about the setup; nil for the bare text.
    ///   - descriptor: what is written to at first.
    ///   - mostLines: how many lines of the log may wait.
    init(
        tunnel: String, format: LogFormat, setupFormat: LogFormat? = nil, descriptor: Int32 = 2, systemLog: String = "/dev/log",
        mostLines: Int = 256
    ) throws(SystemError) {
        self.mostLines = mostLines
        let sink = Sink(tunnel: tunnel, format: format, setupFormat: setupFormat, descriptor: descriptor, systemLog: systemLog)
        self.sink = sink
        queue = try OutputQueue(name: "wg-log") { entry in
            switch entry {
            case .item(.log(let line)): sink.write(line)
            case .item(.setup(let line)): sink.writeSetup(line)
            case .dropped(let count): sink.lost(count)
            }
        }
    }

    /// From now on standard error is nobody's.
    /// - Parameter file: where lines go that the system's log doesn't take.
    /// - Returns: whether that is needed now, because there is no system log.
    func switchToSystemLog(or file: BoundedFile?) -> Bool {
        sink.switchToSystemLog(or: file)
        return !sink.hasSystemLog
    }

    /// Logs a line; any thread, at once.
    func write(level: Logger.Level, _ text: () -> String) {
        guard case .write(let omitted) = budget.withLock({ $0.admit(at: Clock.now) }) else { return }
        if omitted > 0 { queue.offer(.log(LogLine(level, "(\(counted(omitted, "line was", "lines were")) left out)")), limit: mostLines) }
        queue.offer(.log(LogLine(level, text())), limit: mostLines)
    }

    /// Says something about the setup, or why it failed, in its order with what other programs write there.
    func tell(_ level: Logger.Level, _ text: String) {
        queue.offer(.setup(LogLine(level, text)), limit: Self.mostSetupLines)
        queue.drain(within: Self.patience)
    }

    /// Waits as ``drain(within:)`` does, and removes the file that was written where there was no system log.
    func close(within patience: Interval) {
        drain(within: patience)
        sink.removeFile()
    }

    /// Waits until all is written, for `patience` at most.
    func drain(within patience: Interval) {
        queue.drain(within: patience)
    }

    /// What the thread does that writes; it may block.
    private final class Sink: Sendable {
        private struct Target {
            var usesSystemLog = false
            var file: BoundedFile?
        }

        let tunnel: String
        let format: LogFormat
        let setupFormat: LogFormat?
        let descriptor: Int32
        let systemLog: String
        private let target = Mutex(Target())
        /// Lines that were dropped, or could not be written, since it was last told.
        private let lostCount = Mutex(0)

        init(tunnel: String, format: LogFormat, setupFormat: LogFormat?, descriptor: Int32, systemLog: String) {
            self.tunnel = tunnel
            self.format = format
            self.setupFormat = setupFormat
            self.descriptor = descriptor
            self.systemLog = systemLog
        }

        var hasSystemLog: Bool { UnixSocket.takesDatagrams(systemLog) }

        func switchToSystemLog(or file: BoundedFile?) {
            target.withLock { $0 = Target(usesSystemLog: true, file: file) }
        }

        func removeFile() {
            target.withLock { $0.file.take() }?.remove()
        }

        func lost(_ count: Int) {
            lostCount.withLock { $0 += count }
            tellLost()
        }

        func write(_ line: LogLine) {
            tellLost()
            if !put(line) { lostCount.withLock { $0 += 1 } }
        }

        func writeSetup(_ line: LogLine) {
            FileDescriptor.write((setupFormat.map { line.written(as: $0, tunnel: tunnel) } ?? line.text) + "\n", to: descriptor)
        }

        private func tellLost() {
            let count = lostCount.withLock { $0 }
            guard count > 0, put(LogLine(.warning, Self.lostText(count))) else { return }
            lostCount.withLock { $0 -= count }
        }

        private static func lostText(_ count: Int) -> String {
            "(\(counted(count, "line was", "lines were")) dropped: nobody took them in time)"
        }

        /// - Returns: whether it was written.
        private func put(_ line: LogLine) -> Bool {
            let target = target.withLock { $0 }
            guard target.usesSystemLog else {
                return FileDescriptor.write(line.written(as: format, tunnel: tunnel) + "\n", to: descriptor)
            }
            if UnixSocket.send(line.systemLogDatagram(format, tunnel: tunnel), to: systemLog) { return true }
            // What the journal would read has no times of its own here.
            let text = line.written(as: format == .journald ? .text : format, tunnel: tunnel)
            return (try? target.file?.append(Array("\(text)\n".utf8))) != nil
        }
    }
}
