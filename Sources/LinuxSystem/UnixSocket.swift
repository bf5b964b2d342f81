internal import CLinuxShims
internal import Glibc
public import NetworkTypes

/// A stream socket with a path in the file system.
public enum UnixSocket {
    /// Bytes of the longest path.
    public static let maximumPathLength = 107

    /// Listens at `path`, with the permissions 0600 from the first moment. The path must not exist; nothing is there if this fails.
    ///
    /// The socket is non-blocking from the beginning: no later step could fail and leave the path behind.
    /// - Throws: EADDRINUSE when it does, EACCES or EROFS where nothing can be made, ENAMETOOLONG.
    public static func listen(at path: String) throws(SystemError) -> FileDescriptor {
        let socket = try make(nonBlocking: true)
        // Between bind and chmod others could connect; so nobody is let in before listen.
        try unsafe withAddress(path, "bind") { address, size in unsafe bind(socket.rawValue, address, size) }
        guard unsafe chmod(path, 0o600) == 0, Glibc.listen(socket.rawValue, SOMAXCONN) == 0 else {
            let error = SystemError(operation: "listen", subject: path)
            unsafe unlink(path)
            throw error
        }
        return socket
    }

    /// Takes the next connection, which is non-blocking as `nonBlocking` says; nil when none waits any more.
    public static func accept(_ listener: Int32, nonBlocking: Bool) throws(SystemError) -> FileDescriptor? {
        let flags = Int32(SOCK_CLOEXEC.rawValue) | (nonBlocking ? Int32(SOCK_NONBLOCK.rawValue) : 0)
        while true {
            let number = clinux_accept(listener, flags)
            if number >= 0 { return FileDescriptor(owning: number) }
            switch Glibc.errno {
            case EINTR, ECONNABORTED: continue
            case EAGAIN: return nil
            default: throw SystemError(operation: "accept")
            }
        }
    }

    /// Takes the next connection and closes it: its client learns that it isn't served.
    public static func turnAway(_ listener: Int32) {
        let number = clinux_accept(listener, Int32(SOCK_CLOEXEC.rawValue))
        if number >= 0 { close(number) }
    }

    /// Connects to `path`, if this user or root serves it.
    /// - Parameter patience: how long connecting, and each read and write afterwards, may take; then they fail with EAGAIN.
    /// - Throws: ENOENT when nothing is there, ECONNREFUSED when nobody listens any more, or somebody whom nobody here has to trust.
    public static func connect(to path: String, patience: Interval = .seconds(5)) throws(SystemError) -> FileDescriptor {
        let socket = try make()
        var limit = timeval(
            tv_sec: Int(patience.nanoseconds / 1_000_000_000), tv_usec: Int(patience.nanoseconds % 1_000_000_000 / 1000))
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            unsafe setsockopt(socket.rawValue, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        try unsafe withAddress(path, "connect to") { address, size in unsafe Glibc.connect(socket.rawValue, address, size) }
        guard let peer = peerUser(socket.rawValue), peer == 0 || peer == geteuid() else {
            throw SystemError(
                errno: ECONNREFUSED, operation: "connect to", subject: path, detail: "another user than this one or root serves it")
        }
        return socket
    }

    /// Whether somebody listens at `path`, whoever that is: nothing is said to them, so nobody has to be trusted.
    public static func hasListener(at path: String) -> Bool {
        do throws(SystemError) {
            // One whose queue is full listens too.
            let socket = try make(nonBlocking: true)
            try unsafe withAddress(path, "connect to") { address, size in unsafe Glibc.connect(socket.rawValue, address, size) }
            return true
        } catch {
            return error.isWouldBlock || error.isPermissionDenied
        }
    }

    /// The user at the other end of a connected socket, as of its connect(2) or listen(2).
    public static func peerUser(_ socket: Int32) -> UInt32? {
        var user: UInt32 = 0
        return unsafe clinux_peer_user(socket, &user) == 0 ? user : nil
    }

    /// The process at the other end of a connected socket, as of its connect(2) or listen(2); nil where it can't be seen from here.
    public static func peerProcess(_ socket: Int32) -> Int32? {
        let process = clinux_peer_process(socket)
        return process > 0 ? process : nil
    }

    /// Whether somebody takes datagrams at `path`.
    public static func takesDatagrams(_ path: String) -> Bool {
        let number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { return false }
        defer { close(number) }
        return (try? unsafe withAddress(path, "connect to") { unsafe Glibc.connect(number, $0, $1) }) != nil
    }

    /// Sends a datagram to a socket at `path`, for example to systemd or the system log; false when nobody takes it.
    ///
    /// It waits for as long as the receiver's queue is full: for threads that nobody depends on (``OutputQueue``).
    public static func send(_ text: String, to path: String) -> Bool {
        let number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { return false }
        defer { close(number) }
        let bytes = Array(text.utf8)
        do {
            try unsafe withAddress(path, "send to") { address, size in
                // SAFETY: the kernel reads `count` bytes of the array, alive across the call.
                unsafe bytes.withUnsafeBytes {
                    unsafe sendto(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL), address, size) < 0 ? -1 : 0
                }
            }
            return true
        } catch {
            return false
        }
    }

    private static func make(nonBlocking: Bool = false) throws(SystemError) -> FileDescriptor {
        let flags = Int32(SOCK_CLOEXEC.rawValue) | (nonBlocking ? Int32(SOCK_NONBLOCK.rawValue) : 0)
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | flags, 0)
        guard number >= 0 else { throw SystemError(operation: "socket", subject: "unix") }
        return FileDescriptor(owning: number)
    }

    private static func withAddress(
        _ path: String, _ operation: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws(SystemError) {
        guard path.utf8.count <= maximumPathLength else { throw SystemError(errno: ENAMETOOLONG, operation: operation, subject: path) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            // SAFETY: the path, checked above, fits into sun_path with its terminator; an abstract name begins with a zero byte.
            unsafe withUnsafeMutableBytes(of: &pointer.pointee.sun_path) { unsafe $0.copyBytes(from: bytes) }
            if bytes.first == UInt8(ascii: "@") { unsafe pointer.pointee.sun_path.0 = 0 }
            let size = bytes.first == UInt8(ascii: "@") ? MemoryLayout<sa_family_t>.size + bytes.count : MemoryLayout<sockaddr_un>.size
            return unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, socklen_t(size)) }
        }
        guard result == 0 else { throw SystemError(operation: operation, subject: path) }
    }
}

/// Hears when an entry of a directory goes away (inotify).
public struct DirectoryWatch: ~Copyable, Sendable {
    private let descriptor: FileDescriptor

    /// Watches `directory` from now on.
    public init(_ directory: String) throws(SystemError) {
        let number = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        guard number >= 0 else { throw SystemError(operation: "inotify_init1") }
        let opened = FileDescriptor(owning: number)
        try Self.add(directory, to: number)
        descriptor = opened
    }

    /// Watches one more directory; one that is watched already is none more.
    public func add(_ directory: String) throws(SystemError) { try Self.add(directory, to: descriptor.rawValue) }

    private static func add(_ directory: String, to number: Int32) throws(SystemError) {
        let events = UInt32(IN_DELETE) | UInt32(IN_MOVED_FROM) | UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF)
        guard unsafe inotify_add_watch(number, directory, events) >= 0 else {
            throw SystemError(operation: "watch", subject: directory)
        }
    }

    /// Readable when something went away. It belongs to this value.
    public var rawValue: Int32 { descriptor.rawValue }

    /// Forgets what was heard so far; look at the directory afterwards.
    public func clear() {
        while let chunk = try? descriptor.readChunk(), !chunk.isEmpty {}
    }
}
