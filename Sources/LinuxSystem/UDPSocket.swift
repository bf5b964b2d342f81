internal import CLinuxShims
internal import Glibc
public import NetworkTypes
import Synchronization

extension AddressFamily {
    /// AF_INET or AF_INET6.
    var rawValue: Int32 { self == .v4 ? AF_INET : AF_INET6 }
}

/// One bound, non-blocking UDP socket that moves many datagrams a system call.
///
/// Sends and receives may come from several threads at once: the kernel serialises them, and the batches they use
/// (``DatagramReceiveBatch``, ``DatagramSendQueue``) belong to their callers. The socket reports local addresses (for sticky
/// sources) and traffic classes (for ECN), lets the kernel fragment what is too big for the path, merges received
/// datagrams (UDP_GRO), and keeps what became of datagrams that were sent (``nextError()``). Source: udp(7), ip(7), ipv6(7).
public final class UDPSocket: Sendable {
    /// What the kernel is asked to buffer each way; what WireGuard implementations ask for.
    public static let bufferSize: Int32 = 7 << 20

    /// The descriptor, for polling. It belongs to this object.
    public let descriptor: Int32
    /// Datagrams of the other one don't pass: a socket of IPv6 is for IPv6 only.
    public let family: AddressFamily
    /// The local UDP port.
    public let port: UInt16
    /// Whether a super-datagram has ever been taken.
    private let hasSegmented = Atomic<Bool>(false)
    private let openSockets: OpenSocketCount?
    private let hasToldOfRefusal = Atomic<Bool>(false)
    /// Nanoseconds of the clock before which no super-datagram is tried on any way.
    private let segmentationPause = Atomic<UInt64>(0)
    /// How long super-datagrams are not tried after the ways out were found to lack what they need.
    static let segmentationRetry = Interval.seconds(600)

    /// Opens and binds a socket on all local addresses of `family`.
    /// - Parameters:
    ///   - port: the local port; 0 lets the kernel choose.
    ///   - mark: SO_MARK, for policy routing; 0 for none.
    ///   - openSockets: counts this one until it is closed.
    /// - Throws: the errno of the call that failed; EADDRINUSE when the port is taken, EAFNOSUPPORT without that family.
    public init(family: AddressFamily, port: UInt16, mark: UInt32, countedBy openSockets: OpenSocketCount? = nil) throws(SystemError) {
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(family.rawValue, type, 0)
        guard descriptor >= 0 else { throw SystemError(operation: "socket", subject: "UDP") }
        do {
            try Self.configure(descriptor, family)
            if mark != 0 { try Self.set(descriptor, SOL_SOCKET, SO_MARK, Int32(bitPattern: mark), "SO_MARK") }
            self.port = try Self.bind(descriptor, family, port)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        self.family = family
        self.openSockets = openSockets
        openSockets?.opened()
        // Kernels before 4.18 don't know it, and would not learn it.
        if !Self.knowsSegmentation(descriptor) { segmentationPause.store(.max, ordering: .relaxed) }
    }

    deinit {
        close(descriptor)
        openSockets?.closed()
    }

    /// Changes the mark on what is sent from now on.
    public func setMark(_ mark: UInt32) throws(SystemError) {
        try Self.set(descriptor, SOL_SOCKET, SO_MARK, Int32(bitPattern: mark), "SO_MARK")
    }

    /// Whether this process may mark what it sends: CAP_NET_ADMIN, or CAP_NET_RAW from Linux 5.17 on.
    public static var mayMark: Bool {
        (try? UDPSocket(family: .v4, port: 0, mark: 1)) != nil || (try? UDPSocket(family: .v6, port: 0, mark: 1)) != nil
    }

    // MARK: Segmentation

    @inline(__always)
    func mayTrySegmentation(at now: Instant) -> Bool {
        now.nanoseconds >= segmentationPause.load(ordering: .relaxed)
    }

    @inline(__always)
    func didSegment() {
        if !hasSegmented.load(ordering: .relaxed) { hasSegmented.store(true, ordering: .relaxed) }
    }

    /// A super-datagram was refused. Where none was ever taken and the error is about the way out (EIO), none is tried for a while; all
    /// else is about the way to one destination.
    /// - Returns: whether somebody should be told: once, where none was ever taken.
    func refusedSegmentation(_ error: Int32, at now: Instant) -> Bool {
        guard !hasSegmented.load(ordering: .relaxed), error != EMSGSIZE else { return false }
        if error == EIO { segmentationPause.store((now + Self.segmentationRetry).nanoseconds, ordering: .relaxed) }
        return !hasToldOfRefusal.exchange(true, ordering: .relaxed)
    }

    /// How it stands with super-datagrams on a socket.
    public enum Segmentation: Sendable, Hashable {
        /// The kernel has taken one.
        case used
        /// None was needed yet.
        case untried
        /// The way out lacks what they need; they are tried again in a while.
        case refused
        /// The kernel doesn't know them.
        case unknown
    }

    /// How it stands with super-datagrams.
    public func segmentation(at now: Instant) -> Segmentation {
        if segmentationPause.load(ordering: .relaxed) == .max { return .unknown }
        guard mayTrySegmentation(at: now) else { return .refused }
        return hasSegmented.load(ordering: .relaxed) ? .used : .untried
    }

    /// Whether received datagrams of one sender are merged (UDP_GRO).
    public var mergesReceived: Bool {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        // SAFETY: the option is an int, and both live across the call.
        return unsafe getsockopt(descriptor, Int32(IPPROTO_UDP), Int32(CLINUX_UDP_GRO), &value, &size) == 0 && value != 0
    }

    private static func knowsSegmentation(_ descriptor: Int32) -> Bool {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(descriptor, Int32(IPPROTO_UDP), Int32(CLINUX_UDP_SEGMENT), &value, &size) == 0
    }

    private static func configure(_ descriptor: Int32, _ family: AddressFamily) throws(SystemError) {
        switch family {
        case .v4:
            try set(descriptor, Int32(IPPROTO_IP), IP_PKTINFO, 1, "IP_PKTINFO")
            try set(descriptor, Int32(IPPROTO_IP), IP_RECVTOS, 1, "IP_RECVTOS")
            try set(descriptor, Int32(IPPROTO_IP), IP_RECVERR, 1, "IP_RECVERR")
            // Without this a UDP socket sets DF, and a path smaller than ours becomes a black hole.
            try set(descriptor, Int32(IPPROTO_IP), IP_MTU_DISCOVER, Int32(IP_PMTUDISC_DONT), "IP_MTU_DISCOVER")
        case .v6:
            try set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1, "IPV6_V6ONLY")
            try set(descriptor, Int32(IPPROTO_IPV6), IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO")
            try set(descriptor, Int32(IPPROTO_IPV6), IPV6_RECVTCLASS, 1, "IPV6_RECVTCLASS")
            try set(descriptor, Int32(IPPROTO_IPV6), IPV6_RECVERR, 1, "IPV6_RECVERR")
            try set(descriptor, Int32(IPPROTO_IPV6), IPV6_MTU_DISCOVER, Int32(IPV6_PMTUDISC_DONT), "IPV6_MTU_DISCOVER")
        }
        // Kernels before 5.0 lack it, and then every datagram arrives alone.
        try? set(descriptor, Int32(IPPROTO_UDP), Int32(CLINUX_UDP_GRO), 1, "UDP_GRO")
        for (forced, plain) in [(SO_RCVBUFFORCE, SO_RCVBUF), (SO_SNDBUFFORCE, SO_SNDBUF)] {
            do {
                try set(descriptor, SOL_SOCKET, forced, bufferSize, "SO_RCVBUFFORCE")
            } catch {
                // Not privileged over the host: as much as net.core.rmem_max and wmem_max allow.
                try? set(descriptor, SOL_SOCKET, plain, bufferSize, "SO_RCVBUF")
            }
        }
    }

    private static func bind(_ descriptor: Int32, _ family: AddressFamily, _ port: UInt16) throws(SystemError) -> UInt16 {
        let any: IPAddress = family == .v4 ? .v4(IPv4Address(rawValue: 0)) : .v6(IPv6Address(high: 0, low: 0))
        var storage = sockaddr_in6()
        // SAFETY: sockaddr_in6 is the larger of the two addresses and lives across both calls.
        let bound: UInt16? = unsafe withUnsafeMutableBytes(of: &storage) { memory in
            let base = memory.baseAddress!
            var length = unsafe SocketAddress.write(Endpoint(address: any, port: port), to: base)
            let address = unsafe base.assumingMemoryBound(to: sockaddr.self)
            guard unsafe Glibc.bind(descriptor, address, length) == 0 else { return nil }
            guard unsafe getsockname(descriptor, address, &length) == 0 else { return nil }
            return unsafe SocketAddress.read(from: base).port
        }
        guard let bound else { throw SystemError(operation: "bind", subject: "UDP port \(port)") }
        return bound
    }

    private static func set(
        _ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32, _ name: StaticString
    ) throws(SystemError) {
        var value = value
        // SAFETY: the option is an int and `value` lives across the call.
        guard unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw SystemError(operation: "setsockopt", subject: "\(name)")
        }
    }
}
