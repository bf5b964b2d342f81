internal import CLinuxShims
internal import Glibc
public import NetworkTypes

/// Waits for several descriptors at once (epoll). Making it and adding to it may fail; waiting allocates nothing.
public struct Poller: ~Copyable, Sendable {
    private let epoll: FileDescriptor
    private static let capacity = 16

    public init() throws(SystemError) {
        let descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError(operation: "epoll_create1") }
        epoll = FileDescriptor(owning: descriptor)
    }

    /// The poller's own descriptor: readable while one of its descriptors is ready.
    public var rawValue: Int32 { epoll.rawValue }

    /// Watches `descriptor` for reading, or only for hang-ups and errors.
    /// - Parameter token: below 64; the bit that ``wait(for:)`` sets when it is ready.
    public func add(_ descriptor: Int32, token: Int, forReading: Bool = true) throws(SystemError) {
        precondition(token < 64)
        var event = unsafe Self.event(token, forReading)
        guard unsafe epoll_ctl(epoll.rawValue, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
            throw SystemError(operation: "epoll_ctl", subject: "descriptor \(descriptor)")
        }
    }

    /// Watches `descriptor`, which was added, for reading again, or only for hang-ups and errors. Unlike adding it needs no memory.
    public func watch(_ descriptor: Int32, token: Int, forReading: Bool) {
        var event = unsafe Self.event(token, forReading)
        unsafe epoll_ctl(epoll.rawValue, EPOLL_CTL_MOD, descriptor, &event)
    }

    private static func event(_ token: Int, _ forReading: Bool) -> epoll_event {
        var event = unsafe epoll_event()
        // Hang-ups and errors are always watched, but a thread that sleeps is only woken for what was asked for. A TUN interface that is
        // deleted wakes for urgent data too, which no descriptor of ours ever has.
        unsafe event.events = forReading ? EPOLLIN.rawValue : EPOLLPRI.rawValue
        unsafe event.data.u64 = UInt64(token)
        return unsafe event
    }

    /// No longer watches `descriptor`.
    public func remove(_ descriptor: Int32) {
        var event = unsafe epoll_event()
        unsafe epoll_ctl(epoll.rawValue, EPOLL_CTL_DEL, descriptor, &event)
    }

    /// Sleeps until a descriptor is ready or `timeout` has passed; nil waits for ever. Hang-ups and errors count as ready.
    /// - Returns: the tokens of the ready ones, a bit each; 0 when the time is over.
    public func wait(for timeout: Interval?) -> UInt64 {
        var errors: UInt64 = 0
        return wait(for: timeout, errors: &errors)
    }

    /// As ``wait(for:)``.
    /// - Parameter errors: the tokens of those that have hung up or hold an error; they are among the ready ones too.
    public func wait(for timeout: Interval?, errors: inout UInt64) -> UInt64 {
        var milliseconds = Self.milliseconds(timeout)
        // Signals must not make it longer. Who only looks needs no clock.
        let end = timeout.flatMap { $0.nanoseconds > 0 ? Clock.now + $0 : nil }
        return unsafe withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: Self.capacity) { events in
            while true {
                // SAFETY: `events` has room for `capacity` events, and the kernel fills as many as it returns.
                let count = unsafe epoll_wait(epoll.rawValue, events.baseAddress, Int32(Self.capacity), milliseconds)
                if count < 0 && Glibc.errno == EINTR {
                    if let end { milliseconds = Self.milliseconds(end.since(Clock.now)) }
                    continue
                }
                var ready: UInt64 = 0
                errors = 0
                for i in 0..<max(0, Int(count)) {
                    let bit = unsafe UInt64(1) << events[i].data.u64
                    ready |= bit
                    if unsafe events[i].events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 { errors |= bit }
                }
                return ready
            }
        }
    }

    /// As epoll_wait takes it: rounded up, -1 for ever.
    private static func milliseconds(_ timeout: Interval?) -> Int32 {
        guard let timeout else { return -1 }
        return Int32(clamping: timeout.nanoseconds / 1_000_000 + (timeout.nanoseconds % 1_000_000 == 0 ? 0 : 1))
    }
}
