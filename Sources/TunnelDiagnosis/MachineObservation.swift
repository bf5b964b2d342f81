public import NetworkTypes
public import WireGuardCrypto

/// The tunnel's interface.
public struct LinkObservation: Hashable, Sendable {
    /// By its flag IFF_UP: whether somebody has set it up, not whether a peer answers.
    public var isUp: Bool
    /// Bytes of a packet.
    public var mtu: UInt32
    /// Packets that found the queue to the program full, since there is the interface.
    public var queueDrops: UInt64 = 0
    /// Packets that went through that queue.
    public var queuedPackets: UInt64 = 0
    /// Datagrams that found the sockets' buffers full.
    public var socketDrops: UInt64 = 0

    public init(isUp: Bool, mtu: UInt32) {
        self.isUp = isUp
        self.mtu = mtu
    }
}

/// A name server of the tunnel, and where queries to it go.
public struct NameServerObservation: Hashable, Sendable {
    public var address: IPAddress
    /// Nil where it wasn't looked up.
    public var route: RouteObservation?

    public init(_ address: IPAddress, route: RouteObservation?) {
        self.address = address
        self.route = route
    }
}

/// A network that another interface is on.
public struct LocalNetwork: Hashable, Sendable {
    public var prefix: IPPrefix
    public var interface: String

    public init(_ prefix: IPPrefix, interface: String) {
        self.prefix = prefix
        self.interface = interface
    }
}

/// Somebody whose handshakes we didn't take.
public struct Stranger: Hashable, Sendable {
    /// What was wrong with the handshake; MAC1 shows for whom it was made.
    public enum Reason: Hashable, Sendable {
        /// The initiation is made for another public key than ours.
        case wrongKeyOfOurs
        /// It is made for us, by a key that is no peer's.
        case unknownKey(PublicKey)
    }

    /// Where the last of them came from.
    public var sender: Endpoint
    public var reason: Reason
    /// Handshakes since the tunnel is up.
    public var count: UInt64
    /// Since the last of them.
    public var age: Interval

    public init(sender: Endpoint, reason: Reason, count: UInt64, age: Interval) {
        self.sender = sender
        self.reason = reason
        self.count = count
        self.age = age
    }
}

/// Packets that were not forwarded for one reason.
public struct DropObservation: Hashable, Sendable {
    /// Those that rules are made for; everything else is a figure in the status.
    public enum Reason: Hashable, Sendable {
        /// Packets of programs to an address that is in nobody's AllowedIPs.
        case noPeerForDestination
        /// Packets of a peer from an address that isn't in its AllowedIPs.
        case sourceNotAllowed
        /// The tunnel's own datagrams, which came out of its interface.
        case ownDatagram
        /// Packets of programs for a peer of which nobody has said, and which hasn't shown, where it is.
        case noEndpoint
        /// Datagrams that are no message of WireGuard's.
        case notWireGuard
        /// Messages of a session that we don't have, or not any more.
        case unknownSession
    }

    public var reason: Reason
    /// Packets or datagrams since the tunnel is up.
    public var count: UInt64
    /// Of the last one: inner addresses, and whose it was.
    public var source: IPAddress?
    /// Where the last one was to go, inside.
    public var destination: IPAddress?
    /// Whose the last one was, or for whom; nil where that isn't known.
    public var peer: PublicKey?
    /// Where the last one came from, if it was a datagram.
    public var sender: Endpoint?
    /// Since the last one; nil where that isn't known.
    public var age: Interval?

    public init(_ reason: Reason, count: UInt64) {
        self.reason = reason
        self.count = count
    }
}

/// What the kernel drops between the sockets or the tunnel and those whom packets are for.
public struct FilterObservation: Hashable, Sendable {
    /// Datagrams to our port that were seen on an interface while no socket got any, and from where.
    public var arrivedUnseen: ArrivedUnseen?
    /// net.ipv4.ip_forward; nil where it isn't known.
    public var forwardsIPv4: Bool?
    /// Packets for others that this machine dropped because it doesn't forward (Ip: InAddrErrors), since the tunnel is up.
    public var notForwarded: UInt64 = 0
    /// The same of IPv6: net.ipv6.conf.all.forwarding, and Ip6InAddrErrors.
    public var forwardsIPv6: Bool?
    /// Packets of IPv6 for others that this machine dropped because it doesn't forward, since the tunnel is up.
    public var notForwardedIPv6: UInt64 = 0
    /// Packets that came in and were neither delivered nor passed on, for no other reason that the kernel counts, since the tunnel is up.
    public var vanished: UInt64 = 0
    /// Whether the kernel's table of connections (conntrack) has no room for another.
    public var isConnectionTableFull = false
    /// rp_filter in effect, by interface: 1 is strict.
    public var reversePathFilters: [String: Int] = [:]
    /// Packets that reverse path filters dropped (IPReversePathFilter), since the tunnel is up.
    public var reversePathDrops: UInt64 = 0

    public init() {}
}

/// Datagrams that reached the machine and not the tunnel.
public struct ArrivedUnseen: Hashable, Sendable {
    /// Where they arrived.
    public var interface: String
    /// The peer's address that most of them came from.
    public var sender: IPAddress
    /// How many came from there while somebody looked.
    public var count: UInt64

    public init(interface: String, sender: IPAddress, count: UInt64) {
        self.interface = interface
        self.sender = sender
        self.count = count
    }
}
