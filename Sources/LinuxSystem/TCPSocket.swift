internal import CLinuxShims
internal import Glibc
public import NetworkTypes

/// Stream sockets, non-blocking. Source: tcp(7).
public enum TCPSocket {
    /// Listens at an address and port.
    /// - Throws: EADDRINUSE, EADDRNOTAVAIL; EACCES for a port that takes a privilege.
    public static func listen(at endpoint: Endpoint) throws(SystemError) -> FileDescriptor {
        let socket = try make(endpoint)
        var on: Int32 = 1
        unsafe setsockopt(socket.rawValue, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        guard unsafe withAddress(of: endpoint, { unsafe bind(socket.rawValue, $0, $1) }) == 0, Glibc.listen(socket.rawValue, 128) == 0
        else {
            throw SystemError(operation: "listen", subject: "\(endpoint)")
        }
        return socket
    }

    /// Begins to connect; what is read and written waits until it has.
    public static func connect(to endpoint: Endpoint) throws(SystemError) -> FileDescriptor {
        let socket = try make(endpoint)
        guard unsafe withAddress(of: endpoint, { unsafe Glibc.connect(socket.rawValue, $0, $1) }) == 0 || Glibc.errno == EINPROGRESS else {
            throw SystemError(operation: "connect", subject: "\(endpoint)")
        }
        return socket
    }

    /// How far a connection that was begun has come.
    public enum Progress: Hashable, Sendable {
        /// Nothing is known yet.
        case underWay
        /// Somebody has taken it.
        case connected
        /// Nobody listens there, or nobody answers.
        case failed
    }

    /// How far ``connect(to:)`` has come.
    public static func progress(of socket: borrowing FileDescriptor) -> Progress {
        var error: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(socket.rawValue, SOL_SOCKET, SO_ERROR, &error, &size) == 0, error == 0 else { return .failed }
        var address = sockaddr_storage()
        size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        // SAFETY: sockaddr_storage has room for every address.
        let result = unsafe withUnsafeMutableBytes(of: &address) {
            unsafe getpeername(socket.rawValue, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), &size)
        }
        return result == 0 ? .connected : .underWay
    }

    /// From now on whoever is at the other end learns of closing by a reset: nothing went wrong in silence.
    public static func resetOnClose(_ socket: Int32) {
        var never = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(socket, SOL_SOCKET, SO_LINGER, &never, socklen_t(MemoryLayout<linger>.size))
    }

    /// Says that nothing more is going to be written.
    public static func endWriting(_ socket: Int32) {
        shutdown(socket, Int32(SHUT_WR))
    }

    private static func make(_ endpoint: Endpoint) throws(SystemError) -> FileDescriptor {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let number = socket(endpoint.address.family.rawValue, type, 0)
        guard number >= 0 else { throw SystemError(operation: "socket", subject: "TCP") }
        return FileDescriptor(owning: number)
    }

    private static func withAddress(of endpoint: Endpoint, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in6()
        // SAFETY: sockaddr_in6 is the larger of the two addresses, and lives across the call.
        return unsafe withUnsafeMutableBytes(of: &address) { memory in
            let size = unsafe SocketAddress.write(endpoint, to: memory.baseAddress!)
            return unsafe body(memory.baseAddress!.assumingMemoryBound(to: sockaddr.self), size)
        }
    }
}
