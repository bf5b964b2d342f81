/// A process as /proc shows it. Source: proc_pid_stat(5).
public struct ProcessEntry: Hashable, Sendable {
    /// Its own number, its process group's and its session's.
    public var identifier: Int32
    public var group: Int32
    public var session: Int32
    /// When it began, in clock ticks since the machine did.
    public var start: UInt64

    public init(identifier: Int32, group: Int32, session: Int32, start: UInt64) {
        (self.identifier, self.group, self.session, self.start) = (identifier, group, session, start)
    }

    /// Reads `/proc/PID/stat`; nil for anything else.
    public init?(stat: String) {
        // The name, in parentheses, may have any characters in it.
        guard let open = stat.firstIndex(of: "("), let close = stat.lastIndex(of: ")"), open < close,
            let identifier = Int32(stat[..<open].split(separator: " ").first ?? "")
        else { return nil }
        let fields = stat[stat.index(after: close)...].split(whereSeparator: \.isWhitespace)
        guard fields.count > 19, let group = Int32(fields[2]), let session = Int32(fields[3]), let start = UInt64(fields[19]) else {
            return nil
        }
        self.init(identifier: identifier, group: group, session: session, start: start)
    }

    /// A process; nil where there is none.
    public init?(of identifier: Int32) {
        guard let bytes = try? FileSystem.read("/proc/\(identifier)/stat", limit: 4096) else { return nil }
        self.init(stat: String(decoding: bytes, as: UTF8.self))
    }

    /// All processes that /proc shows.
    public static var all: [ProcessEntry] {
        FileSystem.entries(of: "/proc").compactMap { Int32($0).flatMap { ProcessEntry(of: $0) } }
    }
}
