internal import LinuxSystem

/// Where the adapter layer writes what a person should know and no caller can act on. Silent until a logger is set.
public enum AdapterLog {
    /// How much a line matters.
    public enum Level: Int32, Hashable, Sendable {
        case info = 0
        case warning = 1
        case error = 2
    }

    /// Receives a line: its level, when (in units of 100 ns since the Unix epoch) and its text. Called on any thread.
    public typealias Logger = @Sendable (_ level: Level, _ timestamp: UInt64, _ line: String) -> Void

    private static let logger = OrderedMutex<Logger?>(nil)

    /// Sets the process's logger; nil disables.
    public static func setLogger(_ newLogger: Logger?) {
        logger.withLock { $0 = newLogger }
    }

    /// Writes a line, unless nobody listens. The logger runs outside of the lock, so that it may set another.
    static func write(_ level: Level, _ line: @autoclosure () -> String) {
        guard let current = logger.withLock({ $0 }) else { return }
        current(level, Clock.unixNanoseconds / 100, line())
    }
}
