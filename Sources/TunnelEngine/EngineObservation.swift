public import TunnelCore

/// What the engine's sockets have seen, for whoever wants to know why packets don't arrive. Times are nanoseconds of the Unix epoch.
public struct EngineObservation: Sendable {
    /// When it was made.
    public var unixNanoseconds: UInt64
    /// Whether the interface is up as far as the engine was told; while it isn't, there are no sockets and nothing is sent.
    public var isLinkUp: Bool
    /// The ways to the peers, in the order in which they were added.
    public var peers: [PathObservation]
    /// The socket for IPv4.
    public var v4: SocketObservation
    /// The socket for IPv6.
    public var v6: SocketObservation
}

/// One of the two UDP sockets.
public struct SocketObservation: Hashable, Sendable {
    /// Whether there is one: the system may lack the address family.
    public var isOpen = false
    /// Messages (of one datagram, or of up to 64 merged ones) that found no room in the receive queue since the engine was made.
    public var receiveDrops: UInt64 = 0
    /// Bytes in the receive queue, with the kernel's overhead.
    public var receiveQueue: UInt32 = 0
    /// How many there may be.
    public var receiveLimit: UInt32 = 0
    /// Bytes in the send queue.
    public var sendQueue: UInt32 = 0
    /// How many there may be.
    public var sendLimit: UInt32 = 0
    /// ICMP errors that were read, whomever they were about.
    public var icmpErrors: UInt64 = 0
    /// Why receiving failed last, as in errno(3), 0 where the kernel gives no reason; nil if it never has.
    public var lastReceiveError: Int32?
    /// When that was; nil if it never was.
    public var lastReceiveErrorUnixNanoseconds: UInt64?

    /// No socket.
    public init() {}
}
