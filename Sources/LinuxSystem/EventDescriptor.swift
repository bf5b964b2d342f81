internal import CLinuxShims
internal import Glibc
public import NetworkTypes

/// A flag that a thread can sleep on together with descriptors (eventfd): readable while signalled.
public struct EventDescriptor: ~Copyable, Sendable {
    private let descriptor: FileDescriptor

    /// The descriptor, for polling. It belongs to this value.
    public var rawValue: Int32 { descriptor.rawValue }

    /// Not signalled.
    public init() throws(SystemError) {
        let descriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard descriptor >= 0 else { throw SystemError(operation: "eventfd") }
        self.descriptor = FileDescriptor(owning: descriptor)
    }

    /// Wakes whoever sleeps on it; it stays signalled until ``clear()``. Any thread.
    public func signal() {
        // It fails only when 2^64 - 2 signals are pending, and then it is signalled anyhow.
        eventfd_write(rawValue, 1)
    }

    /// Wakes whoever sleeps on an event that somebody else owns and that is still open.
    public static func signal(_ descriptor: Int32) {
        eventfd_write(descriptor, 1)
    }

    /// Takes the signals back.
    /// - Returns: whether it was signalled.
    @discardableResult
    public func clear() -> Bool {
        var value: eventfd_t = 0
        return unsafe eventfd_read(rawValue, &value) == 0
    }

    /// Sleeps until it is signalled or `timeout` has passed; nil waits for ever.
    /// - Returns: whether it is signalled.
    public func wait(for timeout: Interval?) -> Bool {
        var poll = pollfd(fd: rawValue, events: Int16(POLLIN), revents: 0)
        guard let timeout else { return unsafe clinux_ppoll(&poll, 1, nil) > 0 }
        var time = timespec(
            tv_sec: Int(timeout.nanoseconds / 1_000_000_000), tv_nsec: Int(timeout.nanoseconds % 1_000_000_000))
        return unsafe clinux_ppoll(&poll, 1, &time) > 0
    }
}
