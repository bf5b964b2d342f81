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
    ///   - inside: where it is; nil: here.
    /// - Returns: nil where the kernel can't be asked.
    init?(interface: String, _ inside: InsideNamespace? = nil) {
        guard var netlink = try? NetlinkSocket(), let links = try? netlink.links() else { return nil }
        self.netlink = netlink
        self.links = links
        isElsewhere = inside != nil
        var there = isElsewhere ? try? inside.netlink() : nil
        own = isElsewhere ? (try? there?.link(named: interface)) ?? nil : links.first { $0.name == interface }
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
            observation.nameServers = observation.settings.nameServers.map {
                NameServerObservation($0, route: route(to: Endpoint(address: $0, port: 53), mark: 0))
            }
        }
        observation.localNetworks = localNetworks()
        observation.ownAddresses = Set(((try? netlink.addresses()) ?? []).map(\.address.address))
        observation.filters.forwardsIPv4 = setting("net/ipv4/ip_forward").map { $0 != 0 }
        let all = setting("net/ipv4/conf/all/rp_filter") ?? 0
        for link in links where link.isUp && !link.isLoopback {
            observation.filters.reversePathFilters[link.name] = max(all, setting("net/ipv4/conf/\(link.name)/rp_filter") ?? 0)
        }
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
