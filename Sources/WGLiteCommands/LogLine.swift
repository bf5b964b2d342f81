internal import LinuxSystem
internal import Logging
internal import TunnelView

/// The forms of a log line.
enum LogFormat: String, CaseIterable, Sendable {
    /// `2026-01-31T12:34:56.789Z notice: text`, for people.
    case text
    /// One JSON object a line.
    case json
    /// `<5>text`, whose level the journal understands.
    case journald
}

/// One line of a log.
struct LogLine: Hashable, Sendable {
    var level: Logger.Level
    /// Nanoseconds of the Unix epoch.
    var time: UInt64
    var text: String

    /// Bytes of the longest text; the rest of it is cut off.
    static let longestText = 8192

    init(_ level: Logger.Level, _ text: String, at time: UInt64 = Clock.unixNanoseconds) {
        self.level = level
        self.time = time
        self.text = text.utf8.count <= Self.longestText ? text : String(decoding: text.utf8.prefix(Self.longestText), as: UTF8.self) + "…"
    }

    /// The line without its end.
    /// - Parameter tunnel: whose line it is; only JSON has it.
    func written(as format: LogFormat, tunnel: String) -> String {
        switch format {
        case .text: "\(UTCTime(nanoseconds: time)) \(level): \(text)"
        case .json:
            JSON.object([
                ("time", .number(time / 1_000_000)), ("level", .string("\(level)")), ("tunnel", .string(tunnel)),
                ("message", .string(text)),
            ]).text
        case .journald:
            text.split(separator: "\n", omittingEmptySubsequences: false).map { "<\(level.severity)>\($0)" }.joined(separator: "\n")
        }
    }

    /// As the system's log takes it: facility daemon (3), as syslog(3) forms it. It has times of its own.
    func systemLogDatagram(_ format: LogFormat, tunnel: String) -> String {
        let body = format == .json ? written(as: .json, tunnel: tunnel) : "\(level): \(text)"
        return "<\(3 << 3 | level.severity)>wg-lite[\(Process.identifier)]: \(tunnel): \(body)"
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
