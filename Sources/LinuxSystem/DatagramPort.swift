internal import Glibc
public import NetworkTypes

/// A UDP socket for a few datagrams one by one, non-blocking; ``UDPSocket`` is the one for a tunnel's. Source: udp(7).
public struct DatagramPort: ~Copyable, Sendable {
    /// Bytes of the longest datagram.
    public static let longestDatagram = 65_535
    private let descriptor: FileDescriptor

    /// Takes over an open socket.
    public init(owning descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }

    /// To poll; it belongs to this value.
    public var rawValue: Int32 { descriptor.rawValue }

    /// Hands the socket on.
    public consuming func take() -> FileDescriptor { descriptor }

    /// Opens one that others can send to, at an address and port.
    /// - Throws: EADDRINUSE, EADDRNOTAVAIL; EACCES for a port that takes a privilege.
    public static func listen(at endpoint: Endpoint) throws(SystemError) -> DatagramPort {
        let port = try make(endpoint)
        guard unsafe withAddress(of: endpoint, { unsafe bind(port.rawValue, $0, $1) }) == 0 else {
            throw SystemError(operation: "listen", subject: "\(endpoint)")
        }
        return port
    }

    /// Opens one that talks to one place only, and hears of it when nobody is there.
    public static func connect(to endpoint: Endpoint) throws(SystemError) -> DatagramPort {
        let port = try make(endpoint)
        guard unsafe withAddress(of: endpoint, { unsafe Glibc.connect(port.rawValue, $0, $1) }) == 0 else {
            throw SystemError(operation: "connect", subject: "\(endpoint)")
        }
        return port
    }

    /// What came of a look for a datagram.
    public enum Arrival: Sendable {
        /// One, whole.
        case datagram([UInt8], from: Endpoint)
        /// None has come.
        case nothing
        /// Where the last one went to nobody listens (ECONNREFUSED), or it couldn't be sent.
        case refused
    }

    /// The next datagram, without waiting.
    public func receive() -> Arrival {
        var address = sockaddr_in6()
        var result = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.longestDatagram) { buffer, count in
            unsafe withUnsafeMutableBytes(of: &address) { memory in
                // SAFETY: the kernel writes at most as many bytes as there is room for, and an address of at most sockaddr_in6's size.
                repeat {
                    var size = socklen_t(SocketAddress.capacity)
                    result = unsafe recvfrom(
                        descriptor.rawValue, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT),
                        memory.baseAddress!.assumingMemoryBound(to: sockaddr.self), &size)
                } while result < 0 && Glibc.errno == EINTR
            }
            count = max(result, 0)
        }
        guard result >= 0 else { return Glibc.errno == EAGAIN ? .nothing : .refused }
        return .datagram(bytes, from: unsafe withUnsafeBytes(of: &address) { unsafe SocketAddress.read(from: $0.baseAddress!) })
    }

    /// Sends a datagram; one for which there is no room is lost, as others are on their way.
    /// - Parameter endpoint: where to; nil for the place that this port is connected to.
    /// - Returns: whether nothing was known against it: not that an earlier one went to a place where nobody listens.
    @discardableResult
    public func send(_ bytes: [UInt8], to endpoint: Endpoint? = nil) -> Bool {
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        // SAFETY: the array lives across the call, which copies it.
        let result = unsafe bytes.withUnsafeBytes { data in
            guard let endpoint else { return unsafe Glibc.send(descriptor.rawValue, data.baseAddress, data.count, flags) }
            return unsafe Self.withAddress(of: endpoint) {
                unsafe Int(sendto(descriptor.rawValue, data.baseAddress, data.count, flags, $0, $1))
            }
        }
        return result >= 0 || Glibc.errno == EAGAIN
    }

    private static func make(_ endpoint: Endpoint) throws(SystemError) -> DatagramPort {
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let number = socket(endpoint.address.family.rawValue, type, 0)
        guard number >= 0 else { throw SystemError(operation: "socket", subject: "UDP") }
        return DatagramPort(owning: FileDescriptor(owning: number))
    }

    private static func withAddress<Result>(of endpoint: Endpoint, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var address = sockaddr_in6()
        // SAFETY: sockaddr_in6 is the larger of the two addresses, and lives across the call.
        return unsafe withUnsafeMutableBytes(of: &address) { memory in
            let size = unsafe SocketAddress.write(endpoint, to: memory.baseAddress!)
            return unsafe body(memory.baseAddress!.assumingMemoryBound(to: sockaddr.self), size)
        }
    }
}
