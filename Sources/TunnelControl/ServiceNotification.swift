internal import LinuxSystem
internal import NetworkTypes

/// What systemd is told of a service of type `notify`, if it started us. Source: sd_notify(3).
struct ServiceNotification: Sendable {
    /// The socket is read by somebody else, who may be stuck: it is written on a thread of its own. Nil where nobody wants to hear.
    private let queue: OutputQueue<String>?
    /// Messages that may wait.
    private static let mostMessages = 16
    /// How often the watchdog wants to hear of us; nil for never. Half of its patience.
    let watchdogInterval: Interval?
    /// A day in microseconds: longer ones are as good as that, whatever number the environment has.
    private static let longestWatchdog: UInt64 = 86_400_000_000

    /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
    init() {
        queue = Process.environment("NOTIFY_SOCKET").flatMap { socket in
            try? OutputQueue(name: "wg-notify") { entry in
                if case .item(let text) = entry { _ = UnixSocket.send(text, to: socket) }
            }
        }
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

    /// Waits until everything is said, for a moment at most.
    func drain() { queue?.drain(within: .milliseconds(200)) }

    private func send(_ text: String) { queue?.offer(text, limit: Self.mostMessages) }
}
