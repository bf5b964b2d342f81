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
    /// What the kernel said beyond the number (netlink's extended acknowledgement); may be empty.
    public let detail: String

    /// The error of the call that just failed on this thread.
    public init(operation: String, subject: String = "") {
        self.init(errno: Glibc.errno, operation: operation, subject: subject)
    }

    public init(errno: Int32, operation: String, subject: String = "", detail: String = "") {
        self.errno = errno
        self.detail = detail
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

    /// The number's name in errno(3), for example `EADDRINUSE`.
    public var name: String {
        // SAFETY: glibc gives a constant, or nothing for a number it doesn't know.
        unsafe clinux_error_name(errno).map { unsafe String(cString: $0) } ?? "errno \(errno)"
    }

    public var isAddressInUse: Bool { errno == EADDRINUSE }
    public var isFamilyUnsupported: Bool { errno == EAFNOSUPPORT }
    /// EPERM or EACCES.
    public var isPermissionDenied: Bool { errno == EPERM || errno == EACCES }
    public var isMissing: Bool { errno == ENOENT }
    /// EINVAL or EISDIR: what ``SystemFile/read()`` says where something else than a file is.
    public var isNoFile: Bool { errno == EINVAL || errno == EISDIR }
    /// EAGAIN: there is nothing, or no room, now.
    public var isWouldBlock: Bool { errno == EAGAIN }
}

extension SystemError: CustomStringConvertible {
    /// The operation, its subject, the kernel's words and the number's name.
    public var description: String {
        let action = subject.isEmpty ? operation : "\(operation) \(subject)"
        return detail.isEmpty ? "\(action): \(message) (\(name))" : "\(action): \(message) (\(name): \(detail))"
    }
}
