internal import CLinuxShims
internal import Glibc
public import NetworkTypes

/// A clock that ticks on a descriptor (timerfd): readable from a tick on until ``clear()``.
public struct TimerDescriptor: ~Copyable, Sendable {
    private let descriptor: FileDescriptor

    /// The descriptor, for polling. It belongs to this value.
    public var rawValue: Int32 { descriptor.rawValue }

    /// Standing still.
    public init() throws(SystemError) {
        let number = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC) | Int32(TFD_NONBLOCK))
        guard number >= 0 else { throw SystemError(operation: "timerfd_create") }
        descriptor = FileDescriptor(owning: number)
    }

    /// Ticks each `interval` from now on; nil stops it.
    public func tick(each interval: Interval?) {
        let time = timespec(
            tv_sec: Int((interval?.nanoseconds ?? 0) / 1_000_000_000), tv_nsec: Int((interval?.nanoseconds ?? 0) % 1_000_000_000))
        var setting = itimerspec(it_interval: time, it_value: time)
        unsafe timerfd_settime(rawValue, 0, &setting, nil)
    }

    /// Takes the ticks back.
    /// - Returns: whether there were some.
    @discardableResult
    public func clear() -> Bool {
        var ticks: UInt64 = 0
        // SAFETY: a timer hands over eight bytes.
        return unsafe withUnsafeMutableBytes(of: &ticks) { unsafe read(rawValue, $0.baseAddress, $0.count) } == 8
    }
}
