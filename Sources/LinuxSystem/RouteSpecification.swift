internal import CLinuxShims
internal import Glibc
public import NetworkTypes

/// A route: through an interface or a gateway, or to nowhere.
public struct RouteSpecification: Hashable, Sendable {
    /// How far the destination is.
    public enum Scope: UInt8, Hashable, Sendable {
        /// Anywhere, through a gateway or not.
        case universe = 0
        /// Inside of this site; for IPv6, and hardly used.
        case site = 200
        /// On this link, without a gateway.
        case link = 253
        /// This machine itself.
        case host = 254
    }

    /// The main routing table.
    public static let mainTable: UInt32 = 254

    /// Of length 0: a default route.
    public var destination: IPPrefix
    /// The interface's index.
    public var link: UInt32?
    /// Nil: the destination is on the link.
    public var gateway: IPAddress?
    /// Its number; ``mainTable`` unless said otherwise.
    public var table: UInt32
    /// The priority: the lower wins. nil lets the kernel choose: 0 for IPv4, 1024 for IPv6.
    public var metric: UInt32?
    /// Of IPv4 routes. nil means `link` without a gateway and `universe` with one, and any when removing.
    public var scope: Scope?
    /// The source address that it prefers.
    public var source: IPAddress?
    /// Bytes; nil: the link's.
    public var mtu: UInt32?
    /// Who asks for it is told that the destination can't be reached.
    public var isUnreachable: Bool
    /// RTPROT_…: who made it; 3 is boot, which `ip route` uses, 4 static.
    public var origin: UInt8

    public init(
        destination: IPPrefix, link: UInt32? = nil, gateway: IPAddress? = nil, table: UInt32 = mainTable, metric: UInt32? = nil,
        scope: Scope? = nil, source: IPAddress? = nil, mtu: UInt32? = nil, isUnreachable: Bool = false, origin: UInt8 = 3
    ) {
        self.destination = destination
        self.link = link
        self.gateway = gateway
        self.table = table
        self.metric = metric
        self.scope = scope
        self.source = source
        self.mtu = mtu
        self.isUnreachable = isUnreachable
        self.origin = origin
    }

    /// The kernel's own, as for an interface's addresses (RTPROT_KERNEL).
    public static let kernelOrigin: UInt8 = 2

    /// - Returns: nil where `message` isn't about a unicast or an unreachable route.
    init?(_ message: NetlinkMessage) {
        guard let part = message.fixedPart(as: rtmsg.self), [UInt8(RTN_UNICAST), UInt8(RTN_UNREACHABLE)].contains(part.rtm_type),
            let family = AddressFamily(number: part.rtm_family)
        else { return nil }
        let attributes = message.attributes(after: MemoryLayout<rtmsg>.size)
        let address = attributes[Int(RTA_DST.rawValue)]?.address ?? family.unspecified
        guard Int(part.rtm_dst_len) <= address.bitWidth else { return nil }
        destination = IPPrefix(address, length: part.rtm_dst_len)
        link = attributes[Int(RTA_OIF.rawValue)]?.uint32
        gateway = attributes[Int(RTA_GATEWAY.rawValue)]?.address
        table = attributes[Int(RTA_TABLE.rawValue)]?.uint32 ?? UInt32(part.rtm_table)
        metric = attributes[Int(RTA_PRIORITY.rawValue)]?.uint32
        scope = Scope(rawValue: part.rtm_scope)
        source = attributes[Int(RTA_PREFSRC.rawValue)]?.address
        mtu = attributes[Int(RTA_METRICS.rawValue)]?.nested[Int(RTAX_MTU)]?.uint32
        isUnreachable = part.rtm_type == UInt8(RTN_UNREACHABLE)
        origin = part.rtm_protocol
    }
}

/// What the kernel would do with a packet to an address.
public struct RouteLookup: Hashable, Sendable {
    /// The index of the interface that it leaves by.
    public var link: UInt32
    /// Nil: the destination is on the link.
    public var gateway: IPAddress?
    /// The source address it would get.
    public var source: IPAddress?
    /// Bytes of the path's first hop: the route's own MTU, else the link's.
    public var mtu: UInt32
    /// The number of the table that it was found in.
    public var table: UInt32
    /// Whether the destination is this machine itself.
    public var isOwn: Bool

    public init(link: UInt32, gateway: IPAddress?, source: IPAddress?, mtu: UInt32, table: UInt32, isOwn: Bool = false) {
        self.link = link
        self.gateway = gateway
        self.source = source
        self.mtu = mtu
        self.table = table
        self.isOwn = isOwn
    }
}

extension AddressFamily {
    init?(number: UInt8) {
        switch Int32(number) {
        case AF_INET: self = .v4
        case AF_INET6: self = .v6
        default: return nil
        }
    }
}
