internal import LinuxSystem
internal import Logging
internal import NetworkTypes
internal import Synchronization
internal import TunnelView

/// The forms of a log line.
enum LogFormat: String, CaseIterable, Sendable {
    /// `notice: text`, for people.
    case text
    /// One JSON object a line.
    case json
    /// `<5>text`, whose level the journal understands.
    case journald
}

/// Where log lines go: standard error, or the system's log once the terminal has been let go.
///
/// No more than a few lines a second are written, whatever happens; how many were left out is said afterwards. Nothing that
/// is logged here holds a key: texts name peers by the ends of their public keys.
struct TunnelLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    let label: String
    let format: LogFormat
    let destination: LogDestination

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var text = event.message.description
        for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }).sorted(by: { $0.key < $1.key }) {
            text += " \(key)=\(value)"
        }
        destination.write(level: event.level) { line(event.level, text) }
    }

    func line(_ level: Logger.Level, _ text: String) -> String {
        switch format {
        case .text: "\(level): \(text)"
        case .json:
            JSON.object([
                ("time", .number(Clock.unixNanoseconds / 1_000_000)), ("level", .string("\(level)")), ("tunnel", .string(label)),
                ("message", .string(text)),
            ]).text
        case .journald: "<\(level.severity)>\(text)"
        }
    }
}

/// The destination of log lines, shared by all loggers of the process.
final class LogDestination: Sendable {
    private struct State {
        var usesSystemLog = false
        var budget = LogBudget()
    }

    private let state = Mutex(State())
    private let name: String

    init(name: String) {
        self.name = name
    }

    /// From now on standard error is nobody's.
    func switchToSystemLog() {
        state.withLock { $0.usesSystemLog = true }
    }

    func write(level: Logger.Level, _ line: () -> String) {
        let decision = state.withLock { state in
            (verdict: state.budget.admit(at: Clock.now), usesSystemLog: state.usesSystemLog)
        }
        guard case .write(let omitted) = decision.verdict else { return }
        if omitted > 0 { send("(\(omitted) lines were left out)", level, decision.usesSystemLog) }
        send(line(), level, decision.usesSystemLog)
    }

    private func send(_ line: String, _ level: Logger.Level, _ usesSystemLog: Bool) {
        if usesSystemLog {
            // Facility daemon (3), as syslog(3) forms it.
            _ = UnixSocket.send("<\(3 << 3 | level.severity)>wg-lite[\(Process.identifier)]: \(name): \(line)", to: "/dev/log")
        } else {
            FileDescriptor.write("\(line)\n", to: 2)
        }
    }
}

/// How many lines may be written: a burst, then some each second.
struct LogBudget {
    enum Verdict: Hashable {
        /// Write it, after saying how many were left out before.
        case write(omitted: Int)
        case omit
    }

    static let burst = 50.0
    static let perSecond = 5.0

    private var tokens = Self.burst
    private var last: Instant?
    private var omitted = 0

    mutating func admit(at now: Instant) -> Verdict {
        if let last { tokens = min(Self.burst, tokens + Double(now.since(last).nanoseconds) * Self.perSecond / 1e9) }
        last = now
        guard tokens >= 1 else {
            omitted += 1
            return .omit
        }
        tokens -= 1
        defer { omitted = 0 }
        return .write(omitted: omitted)
    }
}

extension Logger.Level {
    /// The level's number in the system's log.
    var severity: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
