internal import CLinuxShims
internal import Glibc

/// A network namespace: its own interfaces, addresses, routes and sockets. Source: network_namespaces(7).
///
/// A thread lives in one; what it opens (sockets, `/dev/net/tun`) belongs to that one for good.
public struct NetworkNamespace: ~Copyable, Sendable {
    /// What tells namespaces apart while they live.
    public struct Identity: Hashable, Sendable {
        let device: UInt
        /// Its number among them, as `readlink /proc/self/ns/net` shows it.
        public let inode: UInt
    }

    /// An open descriptor that keeps the namespace alive.
    public let descriptor: FileDescriptor
    public let identity: Identity

    /// The calling thread's.
    public init() throws(SystemError) {
        try self.init(path: "/proc/thread-self/ns/net")
    }

    /// The one that a file stands for, for example `/proc/1/ns/net` or `/run/netns/left`.
    public init(path: String) throws(SystemError) {
        try self.init(owning: try FileDescriptor.open(path, flags: O_RDONLY))
    }

    /// Takes over an open descriptor of a namespace's file.
    init(owning opened: consuming FileDescriptor) throws(SystemError) {
        identity = try Self.identity(of: opened.rawValue)
        descriptor = opened
    }

    /// The calling thread's identity, without keeping anything open.
    public static func currentIdentity() throws(SystemError) -> Identity {
        var status = stat()
        guard unsafe stat("/proc/thread-self/ns/net", &status) == 0 else {
            throw SystemError(operation: "stat", subject: "/proc/thread-self/ns/net")
        }
        return Identity(device: UInt(status.st_dev), inode: UInt(status.st_ino))
    }

    /// Moves the calling thread, and only it, to a new, empty namespace.
    /// - Throws: EPERM without CAP_SYS_ADMIN.
    public static func enterNew() throws(SystemError) {
        guard clinux_unshare_network() == 0 else { throw SystemError(operation: "unshare", subject: "network namespace") }
    }

    /// Moves the calling thread, and only it, to this namespace.
    /// - Throws: EPERM without CAP_SYS_ADMIN.
    public func enter() throws(SystemError) {
        try Self.enter(descriptor.rawValue)
    }

    static func enter(_ descriptor: Int32) throws(SystemError) {
        guard clinux_enter_network(descriptor) == 0 else {
            throw SystemError(operation: "setns", subject: "network namespace")
        }
    }

    private static func identity(of descriptor: Int32) throws(SystemError) -> Identity {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw SystemError(operation: "fstat", subject: "network namespace") }
        return Identity(device: UInt(status.st_dev), inode: UInt(status.st_ino))
    }
}
