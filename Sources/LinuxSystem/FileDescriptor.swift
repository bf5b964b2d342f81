internal import Glibc

/// An open file descriptor that is closed when this value ends.
public struct FileDescriptor: ~Copyable, Sendable {
    /// The number; it stays valid as long as this value.
    public let rawValue: Int32

    /// Takes over an open descriptor.
    public init(owning rawValue: Int32) {
        self.rawValue = rawValue
    }

    deinit {
        close(rawValue)
    }

    /// Opens a file; close-on-exec always.
    /// - Parameters:
    ///   - flags: as in open(2), for example `O_RDWR | O_NONBLOCK`.
    ///   - mode: the permissions of a file that `O_CREAT` makes, as mode_t has them. No type of C's stands in a public declaration: whose it
    ///     is, glibc's module's or our shims', depends on which of a build's files is compiled first.
    public static func open(_ path: String, flags: Int32, mode: UInt32 = 0) throws(SystemError) -> FileDescriptor {
        while true {
            let descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC, mode)
            if descriptor >= 0 { return FileDescriptor(owning: descriptor) }
            guard Glibc.errno == EINTR else { throw SystemError(operation: "open", subject: path) }
        }
    }

    /// Gives up ownership: the caller closes the number.
    public consuming func take() -> Int32 {
        let rawValue = rawValue
        discard self
        return rawValue
    }

    /// Another descriptor for the same open file, close-on-exec, and none of the three standard ones.
    public func duplicate() throws(SystemError) -> FileDescriptor {
        try Self.duplicate(of: rawValue)
    }

    /// Another descriptor, close-on-exec and none of the three standard ones, for the open file that has the number `rawValue`.
    public static func duplicate(of rawValue: Int32) throws(SystemError) -> FileDescriptor {
        let copy = fcntl(rawValue, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw SystemError(operation: "fcntl F_DUPFD_CLOEXEC") }
        return FileDescriptor(owning: copy)
    }

    /// Reads what is there, up to `buffer`'s size; 0 at the end of the file.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        while true {
            // SAFETY: the kernel writes at most `count` bytes to the caller's buffer.
            let count = unsafe Glibc.read(rawValue, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            guard Glibc.errno == EINTR else { throw SystemError(operation: "read") }
        }
    }

    /// Writes some of `buffer`; returns how much.
    public func write(_ buffer: UnsafeRawBufferPointer) throws(SystemError) -> Int {
        while true {
            // SAFETY: the kernel reads at most `count` bytes of the caller's buffer.
            let count = unsafe Glibc.write(rawValue, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            guard Glibc.errno == EINTR else { throw SystemError(operation: "write") }
        }
    }

    /// Switches blocking reads and writes on or off.
    public func setNonBlocking(_ nonBlocking: Bool = true) throws(SystemError) {
        let flags = fcntl(rawValue, F_GETFL)
        guard flags >= 0, fcntl(rawValue, F_SETFL, nonBlocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) >= 0 else {
            throw SystemError(operation: "fcntl F_SETFL")
        }
    }
}
