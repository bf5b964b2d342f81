internal import CLinuxShims
internal import Glibc

/// A system call that failed: its errno as a value, what was being done and to what.
public struct SystemError: Error, Hashable, Sendable {
    /// The error number, as in errno(3).
    public let errno: Int32
    /// The call, for example `bind`.
    public let operation: String
    /// What it was done to, for example `UDP port 51820`; may be empty.
    public let subject: String

    /// The error of the call that just failed on this thread.
    public init(operation: String, subject: String = "") {
        self.init(errno: Glibc.errno, operation: operation, subject: subject)
    }

    public init(errno: Int32, operation: String, subject: String = "") {
        self.errno = errno
        self.operation = operation
        self.subject = subject
    }

    /// The kernel's words for the error, for example `Address already in use`.
    public var message: String {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            // SAFETY: the text is terminated within the buffer's 128 bytes, and copied before it goes.
            let text = unsafe clinux_error_text(errno, buffer.baseAddress!, 128)
            return unsafe String(cString: text!)
        }
    }

    public var isAddressInUse: Bool { errno == EADDRINUSE }
    public var isFamilyUnsupported: Bool { errno == EAFNOSUPPORT }
    public var isPermissionDenied: Bool { errno == EPERM || errno == EACCES }
    public var isMissing: Bool { errno == ENOENT }
    public var isWouldBlock: Bool { errno == EAGAIN }
}

extension SystemError: CustomStringConvertible {
    public var description: String {
        subject.isEmpty ? "\(operation): \(message)" : "\(operation) \(subject): \(message)"
    }
}
