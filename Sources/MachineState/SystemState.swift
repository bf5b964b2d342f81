public import NetworkTypes

/// What a tunnel has of the machine around it: the interface's settings, and what was changed elsewhere for its sake.
///
/// The same type says what a configuration asks for (*desired*), what is there (*observed*), and what of it is ours to take away again
/// (*owned*). ``Plan`` makes one of the other.
public struct SystemState: Hashable, Sendable {
    /// Bytes of the longest packet; 0 where there is no interface.
    public var mtu: UInt32 = 0
    /// By its flag IFF_UP.
    public var isUp = false
    /// In the order in which they were given.
    public var addresses: [IPInterfaceAddress] = []
    /// Into the tunnel, and what holds its traffic back.
    public var routes: Set<TunnelRoute> = []
    /// For a tunnel with a default route.
    public var rules: Set<PolicyRule> = []
    /// For a tunnel with a default route; nil: none.
    public var firewall: FirewallRules?
    /// Nil: none of the tunnel's.
    public var nameServers: NameServers?
    /// The mark on the tunnel's datagrams; 0 for none.
    public var firewallMark: UInt32 = 0
    /// Whether reverse path filters look at marks (net.ipv4.conf.all.src_valid_mark).
    public var acceptsMarkedSources = false

    public init() {}

    /// The part that stays when the interface goes: what has to be recorded, and taken back.
    public var outliving: SystemState {
        var state = SystemState()
        state.routes = routes.filter { $0.kind == .unreachable }
        (state.rules, state.firewall, state.nameServers) = (rules, firewall, nameServers)
        state.acceptsMarkedSources = acceptsMarkedSources
        return state
    }

    /// Lets go of what isn't there.
    public mutating func keep(_ observed: SystemState) {
        addresses.removeAll { !observed.addresses.contains($0) }
        routes.formIntersection(observed.routes)
        rules.formIntersection(observed.rules)
        if observed.firewall == nil { firewall = nil }
        if observed.nameServers == nil { nameServers = nil }
        (mtu, isUp, firewallMark) = (observed.mtu, observed.isUp, observed.firewallMark)
        acceptsMarkedSources = acceptsMarkedSources && observed.acceptsMarkedSources
    }

    /// What either has: a process that is killed between two steps leaves at most so much.
    public func union(_ other: SystemState) -> SystemState {
        var state = other
        state.addresses += addresses.filter { !other.addresses.contains($0) }
        state.routes.formUnion(routes)
        state.rules.formUnion(rules)
        state.firewall = other.firewall ?? firewall
        state.nameServers = other.nameServers ?? nameServers
        state.acceptsMarkedSources = acceptsMarkedSources || other.acceptsMarkedSources
        return state
    }
}

/// A route of a tunnel's.
public struct TunnelRoute: Hashable, Sendable {
    /// Where it leads.
    public enum Kind: Hashable, Sendable {
        /// Through the interface.
        case tunnel
        /// Nowhere, unless a better route is there: what holds a full tunnel's traffic back when its interface is gone.
        case unreachable
        /// Through the interface, for the moment in which an address that brought the same route with it is exchanged.
        case passing
    }

    public var destination: IPPrefix
    public var table: UInt32
    public var kind: Kind

    /// The main routing table.
    public static let mainTable: UInt32 = 254

    public init(_ destination: IPPrefix, table: UInt32 = mainTable, kind: Kind = .tunnel) {
        self.destination = destination
        self.table = table
        self.kind = kind
    }

    /// The priority it has among routes to the same destination; nil: the kernel's choice, the best.
    public var metric: UInt32? {
        switch kind {
        case .tunnel: nil
        case .unreachable: .max
        case .passing: .max - 1
        }
    }
}

extension TunnelRoute: Comparable {
    /// By table, the longest prefixes first.
    public static func < (a: TunnelRoute, b: TunnelRoute) -> Bool {
        if a.table != b.table { return a.table < b.table }
        if a.destination.length != b.destination.length { return a.destination.length > b.destination.length }
        if a.destination != b.destination { return a.destination < b.destination }
        return (a.metric ?? 0) > (b.metric ?? 0)
    }
}

/// A policy routing rule of a tunnel with a default route. Source: wg-quick(8).
public struct PolicyRule: Hashable, Sendable {
    /// Whom it sends to which table.
    public enum Kind: Hashable, Sendable {
        /// What doesn't carry `mark` is looked up in the table of the same number.
        case unmarked(UInt32)
        /// The main table comes first, but for its default route.
        case mainWithoutDefault
        /// What carries `mark` is looked up in the main table: both marks, while one is exchanged for the other.
        case exempt(UInt32)
    }

    public var family: AddressFamily
    public var kind: Kind
    /// The place: the lower is asked first. Rules that look the same at another place are somebody else's.
    public var priority: UInt32

    public init(_ family: AddressFamily, _ kind: Kind, priority: UInt32) {
        self.family = family
        self.kind = kind
        self.priority = priority
    }
}

extension PolicyRule: Comparable {
    /// In the order in which they are asked; those of one place in the order in which they have to come.
    public static func < (a: PolicyRule, b: PolicyRule) -> Bool {
        if a.family != b.family { return a.family == .v4 }
        return a.priority != b.priority ? a.priority < b.priority : a.kind.rank < b.kind.rank
    }
}

extension PolicyRule.Kind {
    fileprivate var rank: (Int, UInt32) {
        switch self {
        case .exempt(let mark): (0, mark)
        case .mainWithoutDefault: (1, 0)
        case .unmarked(let mark): (2, mark)
        }
    }
}

/// The packet filter of a tunnel with a default route: packets to the tunnel's own addresses are dropped unless they come out of
/// the tunnel, and the tunnel's mark is kept with its connections. Source: wg-quick(8).
public struct FirewallRules: Hashable, Sendable {
    /// The program that keeps them.
    public enum Tool: String, Hashable, Sendable, CaseIterable {
        /// The one as one table that is exchanged at once, the other as rules with a comment.
        case nft, iptables
    }

    public var tool: Tool
    /// The interface's name now; the table's is that of the tunnel.
    public var interface: String
    /// On the tunnel's own datagrams.
    public var mark: UInt32
    /// The tunnel's own addresses.
    public var addresses: [IPAddress]

    public init(tool: Tool, interface: String, mark: UInt32, addresses: [IPAddress]) {
        self.tool = tool
        self.interface = interface
        self.mark = mark
        self.addresses = addresses
    }
}

/// The name servers of a tunnel.
public struct NameServers: Hashable, Sendable {
    /// What keeps the machine's name servers.
    public enum Method: String, Hashable, Sendable, CaseIterable {
        /// systemd-resolved.
        case resolvectl
        /// openresolv, or Debian's.
        case resolvconf
        /// /etc/resolv.conf itself.
        case file
    }

    public var method: Method
    /// In the order in which they are asked; empty: only domains are set.
    public var servers: [IPAddress]
    /// Searched for names without a dot. Alone, they leave the servers as they are.
    public var searchDomains: [String]

    public init(method: Method, servers: [IPAddress], searchDomains: [String]) {
        self.method = method
        self.servers = servers
        self.searchDomains = searchDomains
    }
}
