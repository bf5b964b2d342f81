internal import CLinuxShims
internal import Glibc
public import NetworkTypes

/// What became of a datagram after it was sent: the kernel keeps it with the socket until somebody asks.
///
/// Source: ip(7) IP_RECVERR, ipv6(7) IPV6_RECVERR. Anybody can forge the ICMP message behind it, so it is good for telling people and for
/// nothing else.
public struct SocketError: Hashable, Sendable {
    /// Who found out.
    public enum Origin: UInt8, Sendable {
        /// This system, while it sent.
        case local = 1
        /// An ICMP message; ``SocketError/reporter`` says whose.
        case icmp = 2
        /// The same of ICMPv6.
        case icmpv6 = 3
    }

    /// What it amounts to, as in errno(3).
    public var errno: Int32
    public var origin: Origin
    /// ICMP's or ICMPv6's type and code; 0 for ``Origin/local``.
    public var type: UInt8
    /// ICMP's or ICMPv6's code; 0 for ``Origin/local``.
    public var code: UInt8
    /// The largest packet that the path takes, in bytes, where the error is about that.
    public var mtu: UInt32?
    /// Where the datagram went.
    public var destination: Endpoint
    /// Who said it; an address of our own when this system gave up, for example because nobody answered its ARP requests.
    public var reporter: IPAddress?

    public init(
        errno: Int32, origin: Origin, type: UInt8, code: UInt8, mtu: UInt32?, destination: Endpoint, reporter: IPAddress?
    ) {
        self.errno = errno
        self.origin = origin
        self.type = type
        self.code = code
        self.mtu = mtu
        self.destination = destination
        self.reporter = reporter
    }
}

/// How full a socket's queues are.
public struct SocketMemory: Hashable, Sendable {
    /// Bytes that wait to be received, with the kernel's own overhead, and how many may.
    public var receiveQueue: UInt32
    /// Bytes that may wait to be received.
    public var receiveLimit: UInt32
    /// Bytes that wait to be sent, and how many may.
    public var sendQueue: UInt32
    /// Bytes that may wait to be sent.
    public var sendLimit: UInt32
    /// Messages that found no room in the receive queue since the socket was made; the number wraps.
    public var drops: UInt32
}

extension UDPSocket {
    /// The oldest of the errors that wait, without blocking; nil when there is none.
    public func nextError() -> SocketError? {
        while true {
            var error = clinux_socket_error()
            guard unsafe clinux_receive_error(descriptor, &error) == 1 else { return nil }
            // Others are about time stamps and the like, which nobody asked for.
            guard let origin = SocketError.Origin(rawValue: error.origin) else { continue }
            // SAFETY: both have room for the larger of the two address structures.
            let destination = unsafe withUnsafeBytes(of: &error.destination) { unsafe SocketAddress.read(from: $0.baseAddress!) }
            let reporter = unsafe withUnsafeBytes(of: &error.reporter) { bytes -> IPAddress? in
                let isThere = unsafe bytes.loadUnaligned(as: sa_family_t.self) != 0 && origin != .local
                return isThere ? unsafe SocketAddress.read(from: bytes.baseAddress!).address : nil
            }
            return SocketError(
                errno: error.number, origin: origin, type: error.type, code: error.code,
                mtu: error.number == EMSGSIZE ? error.info : nil, destination: destination, reporter: reporter)
        }
    }

    /// How full the queues are; nil where the kernel doesn't say (before 4.12).
    public var memory: SocketMemory? {
        var memory = clinux_socket_memory()
        guard unsafe clinux_socket_memory(descriptor, &memory) == 0 else { return nil }
        return SocketMemory(
            receiveQueue: memory.received, receiveLimit: memory.receive_limit, sendQueue: memory.queued, sendLimit: memory.send_limit,
            drops: memory.drops)
    }
}
