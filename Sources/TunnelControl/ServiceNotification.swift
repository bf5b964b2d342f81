internal import LinuxSystem
internal import NetworkTypes

/// What systemd is told of a service of type `notify`, if it started us. Source: sd_notify(3).
struct ServiceNotification: Sendable {
    private let socket: String?
    /// How often the watchdog wants to hear of us; nil for never. Half of its patience.
    let watchdogInterval: Interval?
    /// A day in microseconds: longer ones are as good as that, whatever number the environment has.
    private static let longestWatchdog: UInt64 = 86_400_000_000

    /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
    init() {
        socket = Process.environment("NOTIFY_SOCKET")
        let isForUs = Process.environment("WATCHDOG_PID").map { Int32($0) == Process.identifier } ?? true
        watchdogInterval = Process.environment("WATCHDOG_USEC").flatMap(UInt64.init).flatMap { microseconds in
            isForUs && microseconds > 0 ? Interval(nanoseconds: min(microseconds, Self.longestWatchdog) * 500) : nil
        }
        // Hooks' own children must not speak in our name.
        Process.removeEnvironment("NOTIFY_SOCKET")
    }

    func ready(_ status: String) { send("READY=1\nSTATUS=\(status)") }
    func reloading() { send("RELOADING=1\nMONOTONIC_USEC=\(Clock.monotonicNanoseconds / 1000)") }
    func stopping() { send("STOPPING=1") }
    func status(_ text: String) { send("STATUS=\(text)") }
    func watchdog() { send("WATCHDOG=1") }

    private func send(_ text: String) {
        guard let socket else { return }
        _ = UnixSocket.send(text, to: socket)
    }
}
