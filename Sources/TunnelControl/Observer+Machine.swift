internal import LinuxSystem
internal import NetworkTypes
internal import TunnelDiagnosis

/// The machine around a tunnel: its links, routes, filters and settings.
struct Machine: ~Copyable {
    private var netlink: NetlinkSocket
    private let links: [LinkInfo]
    private let own: LinkInfo?
    /// The tunnel's interface is in a namespace of its own, where indices mean others.
    private let isElsewhere: Bool

    /// - Parameters:
    ///   - interface: the tunnel's; it need not be there.
    ///   - index: by what it is known, whatever it is called by now; nil: by its name.
    ///   - inside: where it is; nil: here.
    /// - Returns: nil where the kernel can't be asked.
    init?(interface: String, index: UInt32? = nil, _ inside: InsideNamespace? = nil) {
        guard var netlink = try? NetlinkSocket(), let links = try? netlink.links() else { return nil }
        self.netlink = netlink
        self.links = links
        isElsewhere = inside != nil
        var there = isElsewhere ? try? inside.netlink() : nil
        own =
            isElsewhere
            ? (try? there?.link(named: interface)) ?? nil
            : links.first { link in index.map { $0 == link.index } ?? (link.name == interface) }
    }

    /// The tunnel's interface; nil if there is none.
    var link: LinkObservation? {
        guard let own else { return nil }
        var link = LinkObservation(isUp: own.isUp, mtu: own.mtu)
        if !isElsewhere, let counters = InterfaceCounters(of: own.name, in: Observer.text("/proc/thread-self/net/dev")) {
            link.queuedPackets = counters.sentPackets
            link.queueDrops = counters.sendDrops
        }
        return link
    }

    /// Adds routes, local networks and the kernel's filters.
    /// - Parameter mark: what the tunnel's own datagrams carry.
    mutating func complete(_ observation: inout Observation, mark: UInt32) {
        observation.mark = mark
        var routes: [Endpoint: RouteObservation?] = [:]
        for index in observation.peers.indices {
            guard let endpoint = observation.peers[index].endpoint else { continue }
            if routes[endpoint] == nil {
                guard routes.count < Observer.endpointLimit else { break }
                routes[endpoint] = route(to: endpoint, mark: mark)
            }
            observation.peers[index].route = routes[endpoint] ?? nil
        }
        // Of a file that is not up yet.
        for peer in observation.settings.peers.prefix(Observer.endpointLimit) where observation.peers.isEmpty {
            guard let endpoint = peer.endpoint else { continue }
            observation.outerRoutes[peer.publicKey] = route(to: endpoint, mark: mark)
        }
        if own != nil, !isElsewhere {
            observation.internetIPv6 = route(to: Endpoint(address: Observation.internet(.v6), port: 53), mark: 0)
            if !observation.settings.addsRoutes { observation.tunnelRoutes = tunnelRoutes(observation.settings) }
            observation.nameServers = observation.settings.nameServers.map {
                NameServerObservation($0, route: route(to: Endpoint(address: $0, port: 53), mark: 0))
            }
        }
        observation.localNetworks = localNetworks()
        observation.ownAddresses = Set(((try? netlink.addresses()) ?? []).map(\.address.address))
        observation.otherTunnels = Set(links.filter { $0.isTunnel && (isElsewhere || $0.index != own?.index) }.map(\.name))
        observation.filters.forwardsIPv6 = setting("net/ipv6/conf/all/forwarding").map { $0 != 0 }
        if let most = setting("net/netfilter/nf_conntrack_max"), let count = setting("net/netfilter/nf_conntrack_count") {
            observation.filters.isConnectionTableFull = most > 0 && count >= most
        }
        observation.filters.forwardsIPv4 = setting("net/ipv4/ip_forward").map { $0 != 0 }
        let all = setting("net/ipv4/conf/all/rp_filter") ?? 0
        for link in links where link.isUp && !link.isLoopback {
            observation.filters.reversePathFilters[link.name] = max(all, setting("net/ipv4/conf/\(link.name)/rp_filter") ?? 0)
        }
    }

    /// Destinations that lead into the tunnel, in whatever table, and those that the kernel finds there in another way.
    private mutating func tunnelRoutes(_ settings: TunnelSettings) -> [IPPrefix]? {
        guard let own else { return nil }
        var found: [IPPrefix] = []
        for family in AddressFamily.allCases {
            guard let routes = try? netlink.routes(family: family, link: own.index) else { return nil }
            found += routes.map(\.destination)
        }
        for prefix in settings.peers.flatMap(\.allowedIPs).prefix(Observer.endpointLimit) {
            if case .via(_, true, _, _, _)? = route(to: Endpoint(address: prefix.address, port: 53), mark: 0) { found.append(prefix) }
        }
        return found
    }

    /// Where datagrams to an endpoint go now; nil where that can't be said.
    mutating func route(to endpoint: Endpoint, mark: UInt32) -> RouteObservation? {
        // The zone says which link it is; no route is asked.
        if case .v6 = endpoint.address, endpoint.address.isLinkLocal { return nil }
        do throws(SystemError) {
            guard let found = try netlink.route(to: endpoint.address, mark: mark) else { return RouteObservation.none }
            let name = links.first { $0.index == found.link }?.name ?? "\(found.link)"
            return .via(
                interface: name, isTunnel: !isElsewhere && found.link == own?.index, source: found.source, gateway: found.gateway,
                mtu: found.mtu)
        } catch {
            return nil
        }
    }

    private mutating func localNetworks() -> [LocalNetwork] {
        guard let addresses = try? netlink.addresses() else { return [] }
        var networks: [LocalNetwork] = []
        for address in addresses where (isElsewhere || address.link != own?.index) && !address.address.address.isLinkLocal {
            guard let link = links.first(where: { $0.index == address.link }), link.isUp, !link.isLoopback,
                Int(address.address.prefixLength) < address.address.address.bitWidth
            else { continue }
            let network = LocalNetwork(address.address.network, interface: link.name)
            if !networks.contains(network) { networks.append(network) }
        }
        return networks
    }

    private func setting(_ path: String) -> Int? {
        Int(Observer.text("/proc/sys/\(path)").prefix { $0.isNumber })
    }
}

extension LinkInfo {
    /// Whether it is up and carries packets inside of others. Point-to-point links to the Internet (`ppp`) don't count.
    fileprivate var isTunnel: Bool {
        guard isUp, let kind else { return false }
        return kind == "tun"
            ? tun?.isTun ?? true : ["wireguard", "ipip", "sit", "gre", "ip6tnl", "ip6gre", "vti", "vti6", "xfrm", "ovpn"].contains(kind)
    }
}
