/// What went wrong in the adapter layer: a code to act on, the thing and the cause in words, and what to do about it.
public struct AdapterError: Error, Hashable, Sendable {
    /// The kinds of error. The raw values are the status codes of the C interface and never change.
    public enum Code: Int32, Hashable, Sendable, CaseIterable {
        /// An argument is outside of what the call documents.
        case invalidParameter = 1
        /// A packet pointer or handle that isn't this session's, or was given back already.
        case invalidHandle = 2
        /// No such adapter.
        case fileNotFound = 3
        /// The name belongs to an interface that isn't ours, or that is in another pool.
        case alreadyExists = 4
        /// The adapter is in use by another session or process.
        case busy = 5
        /// The caller may not do that.
        case accessDenied = 6
        /// No packet waits.
        case noMoreItems = 7
        /// The send ring has no room for the packet now.
        case bufferOverflow = 8
        /// The session has ended.
        case handleEndOfFile = 9
        /// The ring's memory was damaged, or the driver handed over what is no packet.
        case invalidData = 10
        /// The system has no memory or descriptors left.
        case outOfMemory = 11
        /// This kernel, or this environment, can't do it.
        case notSupported = 12
        /// A wait ran out of time.
        case timeout = 13
        /// Any other refusal by the system.
        case system = 14
    }

    /// What kind of error it is.
    public let code: Code
    /// The thing and the cause, for example `/dev/net/tun: permission denied`.
    public let message: String
    /// What would help, for example `run with sudo`; may be empty.
    public let remedy: String

    /// Makes an error.
    public init(_ code: Code, _ message: String, remedy: String = "") {
        self.code = code
        self.message = message
        self.remedy = remedy
    }
}

extension AdapterError: CustomStringConvertible {
    /// The message, and after a semicolon the remedy.
    public var description: String {
        remedy.isEmpty ? message : "\(message); \(remedy)"
    }
}
