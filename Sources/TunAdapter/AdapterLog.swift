internal import LinuxSystem

/// Where the adapter layer writes what a person should know and no caller can act on. Silent until a logger is set.
public enum AdapterLog {
    /// How much a line matters.
    public enum Level: Int32, Hashable, Sendable {
        /// Something went as asked.
        case info = 0
        /// Something is lost, or not as it should be; things go on.
        case warning = 1
        /// Something failed that nobody was told of.
        case error = 2
    }

    /// Receives a line: its level, when (in units of 100 ns since the Unix epoch) and its text. Called on any thread.
    public typealias Logger = @Sendable (_ level: Level, _ timestamp: UInt64, _ line: String) -> Void

    private static let logger = OrderedMutex<Logger?>(nil)

    /// Sets the process's logger; nil disables.
    ///
    /// It may be called from the logger too. A line that is under way on another thread may still reach the former logger.
    public static func setLogger(_ newLogger: Logger?) {
        // What the former one captured goes when `former` does: outside of the lock.
        var former = newLogger
        logger.withLock { swap(&$0, &former) }
    }

    /// What is to be said once no lock is held.
    struct Line: Sendable {
        let level: Level
        let timestamp: UInt64
        let text: String
    }

    /// A line for ``write(_:)-(Line)``; nil when nobody listens.
    static func line(_ level: Level, _ text: @autoclosure () -> String) -> Line? {
        guard logger.withLock({ $0 != nil }) else { return nil }
        return Line(level: level, timestamp: Clock.unixNanoseconds / 100, text: text())
    }

    /// Writes a line. The logger is the caller's code, which may call everything here: no lock of this library's is held.
    static func write(_ line: Line) {
        guard let current = logger.withLock({ $0 }) else { return }
        current(line.level, line.timestamp, line.text)
    }

    /// Writes a line, unless nobody listens; where no lock is held.
    static func write(_ level: Level, _ text: @autoclosure () -> String) {
        guard let line = line(level, text()) else { return }
        write(line)
    }
}
