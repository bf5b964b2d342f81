internal import CLinuxShims
internal import Glibc
public import NetworkTypes

/// Waiting for a few descriptors that change from wait to wait (poll); where they stay, ``Poller`` is cheaper.
public struct DescriptorPoll {
    /// What is waited for.
    public struct Interest: Hashable, Sendable {
        public var descriptor: Int32
        public var reading: Bool
        public var writing: Bool

        public init(_ descriptor: Int32, reading: Bool = true, writing: Bool = false) {
            self.descriptor = descriptor
            self.reading = reading
            self.writing = writing
        }
    }

    /// Sleeps until one of them is ready or `timeout` has passed; nil waits for ever. Hang-ups and errors count as ready.
    /// Where the system can't wait (no memory, fewer descriptors allowed than asked about) none is ready, after a tenth of a second: whoever
    /// waits in a loop must not spin.
    /// - Returns: for each, whether it is ready.
    public static func wait(_ interests: [Interest], for timeout: Interval? = nil) -> [Bool] {
        var polls = interests.map { interest in
            pollfd(
                fd: interest.descriptor, events: Int16((interest.reading ? POLLIN : 0) | (interest.writing ? POLLOUT : 0)), revents: 0)
        }
        var time = timespec()
        if let timeout {
            time.tv_sec = Int(timeout.nanoseconds / 1_000_000_000)
            time.tv_nsec = Int(timeout.nanoseconds % 1_000_000_000)
        }
        while true {
            // SAFETY: the array has as many entries as it is said to have.
            let result = unsafe polls.withUnsafeMutableBufferPointer { buffer in
                unsafe timeout == nil
                    ? clinux_ppoll(buffer.baseAddress, UInt(buffer.count), nil)
                    : clinux_ppoll(buffer.baseAddress, UInt(buffer.count), &time)
            }
            if result < 0, Glibc.errno == EINTR { continue }
            if result < 0 { SystemThread.sleep(.milliseconds(100)) }
            return polls.map { $0.revents != 0 }
        }
    }
}
