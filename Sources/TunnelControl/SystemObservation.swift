internal import LinuxSystem
internal import MachineState
internal import NetworkTypes
internal import TunnelConfiguration

/// Reads from the system what a tunnel has of it, and the facts that its desired state depends on.
struct SystemObservation {
    /// The interface, whatever its name is now.
    let link: UInt32
    /// The name that the tunnel was brought up under.
    let tunnel: String
    let tools: ExternalTools
    /// Where the interface is; nil: here.
    var inside: InsideNamespace?

    /// What is there.
    /// - Parameters:
    ///   - owned: what is looked for beyond the interface: rules at their places, barriers, a firewall's table, name servers.
    ///   - firewallMark: the tunnel's.
    func state(owned: SystemState, firewallMark: UInt32) throws(SetupError) -> SystemState {
        var state = SystemState()
        var name = tunnel
        do throws(SystemError) {
            var netlink = try inside.netlink()
            // Before a tunnel is up, and after its process was killed, there is no interface; one may also have gone elsewhere.
            let info = try netlink.link(index: link)
            if let info {
                (state.mtu, state.isUp, name) = (info.mtu, info.isUp, info.name)
                state.addresses = try netlink.addresses(ofLink: link).map(\.address).filter { address in
                    // The kernel gives every link one of its own; a file may have another.
                    !address.address.isLinkLocal || owned.addresses.contains(address)
                }
            }
            for family in AddressFamily.allCases {
                let routes = info == nil ? [] : try netlink.routes(family: family, link: link)
                for route in routes where route.origin != RouteSpecification.kernelOrigin {
                    guard !route.isUnreachable else { continue }
                    state.routes.insert(
                        TunnelRoute(
                            route.destination, table: route.table, kind: route.metric == TunnelRoute.passingMetric ? .passing : .tunnel))
                }
                let rules = try netlink.rules(family: family).compactMap(PolicyRule.init)
                state.rules.formUnion(owned.rules.filter { rules.contains($0) })
            }
            for route in owned.routes where route.kind == .unreachable {
                let present = try netlink.routes(family: route.destination.address.family, table: route.table)
                if present.contains(where: { $0.isUnreachable && $0.destination == route.destination && $0.metric == route.metric }) {
                    state.routes.insert(route)
                }
            }
        } catch {
            throw SetupError("look at what \(tunnel) has of the system", error)
        }
        state.firewallMark = firewallMark
        state.firewall = owned.firewall.flatMap { tools.observed($0, tunnel: tunnel) }
        state.nameServers = owned.nameServers.flatMap { NameServerSetup(tools: tools, tunnel: tunnel).observed($0, interface: name) }
        state.acceptsMarkedSources = inside == nil && Self.acceptsMarkedSources
        return state
    }

    /// The facts that the desired state of `file` depends on.
    func facts(_ file: ConfigurationFile, endpoints: [Endpoint], owned: SystemState, firewallMark: UInt32) throws(SetupError) -> SystemFacts
    {
        do throws(SystemError) {
            if inside != nil { return try factsInside(endpoints, firewallMark: firewallMark) }
            var netlink = try NetlinkSocket()
            var facts = SystemFacts(interface: try netlink.link(index: link)?.name ?? tunnel)
            facts.outerMTU = Self.outerMTU(endpoints, mark: firewallMark, except: link, &netlink)
            facts.freeTable = try freeTable(owned, &netlink)
            for family in AddressFamily.allCases {
                facts.firstPriority[family] = try netlink.rulePriorities(family: family).first { $0 > 0 }
            }
            if case .named(let name)? = file.interface.table?.value { facts.namedTable = RoutingTables.number(of: name) }
            facts.firewallTool = ExternalTools.firewallTool
            facts.nameServerMethod = NameServerSetup(tools: tools, tunnel: tunnel).method
            return facts
        } catch {
            throw SetupError("look at the system", error)
        }
    }

    /// The facts of an interface that is alone where it is; its datagrams leave from here.
    private func factsInside(_ endpoints: [Endpoint], firewallMark: UInt32) throws(SystemError) -> SystemFacts {
        var inner = try inside.netlink()
        var outer = try NetlinkSocket()
        var facts = SystemFacts(interface: try inner.link(index: link)?.name ?? tunnel)
        facts.outerMTU = Self.outerMTU(endpoints, mark: firewallMark, except: 0, &outer)
        facts.isAlone = true
        return facts
    }

    /// The first table from 51820 up without a route in it, but for our own.
    private func freeTable(_ owned: SystemState, _ netlink: inout NetlinkSocket) throws(SystemError) -> UInt32 {
        var table = SystemFacts.firstTable
        while true {
            var isFree = true
            for family in AddressFamily.allCases {
                for route in try netlink.routes(family: family, table: table) {
                    let isOurs = route.link == link || owned.routes.contains { $0.table == table && $0.destination == route.destination }
                    if !isOurs { isFree = false }
                }
            }
            if isFree { return table }
            table += 1
        }
    }

    /// Bytes that the narrowest way takes, as wg-quick finds it: of the routes towards the endpoints, without endpoints the default route's.
    static func outerMTU(_ endpoints: [Endpoint], mark: UInt32, except link: UInt32, _ netlink: inout NetlinkSocket) -> UInt32? {
        var outer: UInt32?
        for endpoint in endpoints {
            guard let route = (try? netlink.route(to: endpoint.address, mark: mark)) ?? nil, route.link != link else { continue }
            outer = min(outer ?? .max, route.mtu)
        }
        if let outer { return outer }
        for family in AddressFamily.allCases {
            guard let routes = try? netlink.routes(family: family, table: RouteSpecification.mainTable),
                let route = routes.first(where: { $0.destination.isDefaultRoute && $0.link != link && !$0.isUnreachable })
            else { continue }
            if let mtu = route.mtu { return mtu }
            if let index = route.link, let info = (try? netlink.link(index: index)) ?? nil { return info.mtu }
        }
        return nil
    }

    static let markedSourcesPath = "/proc/sys/net/ipv4/conf/all/src_valid_mark"

    static var acceptsMarkedSources: Bool {
        ((try? FileSystem.read(markedSourcesPath, limit: 64))?.first).map { $0 != UInt8(ascii: "0") } ?? false
    }

    /// Whether somebody else's rules look at marks as well.
    static func othersUseMarks(but owned: SystemState) -> Bool {
        guard var netlink = try? NetlinkSocket(), let rules = try? netlink.rules(family: .v4) else { return true }
        return rules.contains { rule in rule.mark != nil && !owned.rules.contains { PolicyRule(rule) == $0 } }
    }
}

extension TunnelRoute {
    /// What tells a route that only stands in from others.
    static let passingMetric = TunnelRoute(AddressFamily.v4.defaultRoute, kind: .passing).metric

    /// The kernel's form of it.
    func specification(link: UInt32) -> RouteSpecification {
        RouteSpecification(
            destination: destination, link: kind == .unreachable ? nil : link, table: table, metric: metric,
            isUnreachable: kind == .unreachable)
    }
}

extension PolicyRule {
    /// - Returns: nil for a rule of another form than ours.
    init?(_ rule: RuleSpecification) {
        guard let priority = rule.priority, rule.mask ?? .max == .max else { return nil }
        switch (rule.isInverted, rule.mark, rule.table, rule.suppressPrefixLength) {
        case (true, let mark?, let table, nil) where mark == table: self.init(rule.family, .unmarked(mark), priority: priority)
        case (false, nil, RouteSpecification.mainTable, 0): self.init(rule.family, .mainWithoutDefault, priority: priority)
        case (false, let mark?, RouteSpecification.mainTable, nil): self.init(rule.family, .exempt(mark), priority: priority)
        default: return nil
        }
    }

    /// The kernel's form of it.
    var specification: RuleSpecification {
        switch kind {
        case .unmarked(let mark): RuleSpecification(family: family, priority: priority, mark: mark, isInverted: true, table: mark)
        case .mainWithoutDefault: RuleSpecification(family: family, priority: priority, suppressPrefixLength: 0)
        case .exempt(let mark): RuleSpecification(family: family, priority: priority, mark: mark)
        }
    }
}

/// Names of routing tables. Source: /etc/iproute2/rt_tables.
enum RoutingTables {
    private static let wellKnown: [String: UInt32] = ["main": 254, "default": 253, "local": 255]

    /// The number of a table's name; nil when there is none.
    static func number(of name: String) -> UInt32? {
        if let number = wellKnown[name] { return number }
        for path in ["/etc/iproute2/rt_tables", "/usr/share/iproute2/rt_tables"] {
            guard let bytes = try? FileSystem.read(path, limit: 1 << 20) else { continue }
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
                let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
                if words.count == 2, words[1] == name, let number = UInt32(words[0]) { return number }
            }
        }
        return nil
    }
}
