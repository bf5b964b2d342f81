public import NetworkTypes
public import TunnelConfiguration

/// What a configuration asks of the system: a pure function of the file, a few facts, and what the tunnel has already.
public enum DesiredState {
    /// Bytes that the tunnel adds to a packet: IPv6 and UDP headers, message header and tag.
    public static let overhead: UInt32 = 40 + 8 + 16 + 16
    /// IPv6 needs links that take at least this.
    public static let leastIPv6MTU: UInt32 = 1280

    /// The state that `wg-quick up` would make of `file`.
    /// - Parameters:
    ///   - owned: what the tunnel has: its table and its rules' places are kept where they still serve.
    ///   - observed: what is there, for routes that hooks made: those need no second one.
    /// - Throws: what the machine can't do as written.
    public static func of(
        _ file: ConfigurationFile, facts: SystemFacts, owned: SystemState = SystemState(), observed: SystemState = SystemState()
    ) throws(UnmetDemand) -> SystemState {
        let settings = file.interface
        var state = SystemState()
        state.isUp = true
        state.mtu = settings.mtu?.value ?? (max(facts.outerMTU ?? 1500, 576 + overhead) - overhead)
        for address in settings.addresses.map(\.value) where !state.addresses.contains(address) { state.addresses.append(address) }
        if state.mtu < leastIPv6MTU, let address = state.addresses.first(where: { $0.address.family == .v6 }) {
            throw UnmetDemand.mtuTooSmall(state.mtu, address)
        }
        // A mark that isn't ours was set by a hook, and stays where the file says none.
        let hooksMark = observed.firewallMark == owned.firewallMark ? 0 : observed.firewallMark
        let written = settings.firewallMark?.value ?? 0
        state.firewallMark = written != 0 ? written : hooksMark
        try addRoutes(file, facts, owned, observed, to: &state)
        guard !facts.isAlone else { return state }
        let (servers, domains) = (settings.dnsServers.map(\.value), settings.dnsSearchDomains.map(\.value))
        if !servers.isEmpty || !domains.isEmpty {
            state.nameServers = NameServers(method: facts.nameServerMethod, servers: servers, searchDomains: domains)
        }
        return state
    }

    /// What has to be routed: every allowed IP that is in force, once, the longest prefixes first.
    public static func destinations(of file: ConfigurationFile) -> [IPPrefix] {
        file.allowedPrefixes.sorted { ($1.length, $0) < ($0.length, $1) }
    }

    private static func addRoutes(
        _ file: ConfigurationFile, _ facts: SystemFacts, _ owned: SystemState, _ observed: SystemState, to state: inout SystemState
    ) throws(UnmetDemand) {
        let table: UInt32?
        switch file.interface.table?.value ?? .automatic {
        case .off: return
        case .automatic: table = nil
        // What others route by tables of theirs they route elsewhere.
        case _ where facts.isAlone: table = nil
        case .number(let number): table = number
        case .named(let name):
            guard let number = facts.namedTable else { throw UnmetDemand.noSuchTable(name) }
            table = number
        }
        let destinations = destinations(of: file)
        if let table {
            // An address brings the route to its own network, and the kernel takes no second one beside it.
            let brought = table == TunnelRoute.mainTable ? Set(state.addresses.compactMap(\.connectedRoute)) : []
            let wanted = destinations.filter { $0.address.family == .v6 || !brought.contains($0) }
            state.routes.formUnion(wanted.map { TunnelRoute($0, table: table) })
            return
        }
        let covered = CoveredDestinations(addresses: state.addresses, owned: owned, observed: observed)
        if facts.isAlone {
            state.routes.formUnion(destinations.filter { $0.isDefaultRoute || !covered.contains($0) }.map { TunnelRoute($0) })
            return
        }
        for destination in destinations where !destination.isDefaultRoute && !covered.contains(destination) {
            state.routes.insert(TunnelRoute(destination))
        }
        let families = AddressFamily.allCases.filter { destinations.contains($0.defaultRoute) }
        if !families.isEmpty { addDefaultRoutes(families, facts, owned, to: &state) }
    }

    /// Default routes through the tunnel: a table of their own, which everything uses but the tunnel's own datagrams.
    ///
    /// - Datagrams of the tunnel carry a mark; what doesn't carry it is looked up in the table of the same number.
    /// - Routes in the main table that are longer than a default route come first, so that the local network stays reachable.
    /// - Behind the route through the interface stands one to nowhere: should the interface go without us, nothing leaves in clear.
    /// - Replies to marked datagrams carry the mark again (connection tracking), so that reverse path filters see the right route.
    /// Source: wg-quick(8).
    private static func addDefaultRoutes(
        _ families: [AddressFamily], _ facts: SystemFacts, _ owned: SystemState, to state: inout SystemState
    ) {
        if state.firewallMark == 0 {
            // A table that we found free once serves on.
            let ours = owned.rules.lazy.compactMap { if case .unmarked(let mark) = $0.kind { mark } else { nil } }.min()
            state.firewallMark = ours.flatMap { $0 >= SystemFacts.firstTable ? $0 : nil } ?? facts.freeTable
        }
        let mark = state.firewallMark
        for family in families {
            for kind in [TunnelRoute.Kind.tunnel, .unreachable] {
                state.routes.insert(TunnelRoute(family.defaultRoute, table: mark, kind: kind))
            }
            let kinds: [PolicyRule.Kind] = [.unmarked(mark), .mainWithoutDefault]
            let kept = owned.rules.filter { $0.family == family && kinds.contains($0.kind) }
            if kept.count == kinds.count {
                state.rules.formUnion(kept)
            } else {
                // As the kernel would place them: each before all others but the first. Where there is no room they share the place of the
                // first, and are asked in the order in which they come.
                let first = facts.firstPriority[family] ?? SystemFacts.mainRulePriority
                for (place, kind) in kinds.enumerated() {
                    state.rules.insert(PolicyRule(family, kind, priority: first - min(first, UInt32(place) + 1)))
                }
            }
        }
        state.acceptsMarkedSources = families.contains(.v4)
        if let tool = facts.firewallTool {
            let own = state.addresses.map(\.address).filter { families.contains($0.family) }
            state.firewall = FirewallRules(tool: tool, interface: facts.interface, mark: mark, addresses: own)
        }
    }
}

/// Something that a configuration asks for and the machine can't do.
public enum UnmetDemand: Error, Hashable, Sendable {
    /// The configuration names a routing table that the system has no number for.
    case noSuchTable(String)
    /// IPv6 doesn't work over a link that is so narrow, and the tunnel has an IPv6 address.
    case mtuTooSmall(UInt32, IPInterfaceAddress)
}

/// The destinations that an interface has routes to in the main table without ours: those of its addresses, and those that hooks made.
struct CoveredDestinations {
    private var prefixes: Set<IPPrefix> = []

    /// - Parameter addresses: those that the interface is going to have, besides others' that are there.
    init(addresses: [IPInterfaceAddress], owned: SystemState, observed: SystemState) {
        let others = observed.addresses.filter { !owned.addresses.contains($0) }
        prefixes = Set((addresses + others).compactMap(\.connectedRoute))
        for route in observed.routes.subtracting(owned.routes) where route.table == TunnelRoute.mainTable && route.kind == .tunnel {
            prefixes.insert(route.destination)
        }
    }

    /// Whether one of them contains all of `destination`.
    func contains(_ destination: IPPrefix) -> Bool {
        guard destination.length > 0 else { return prefixes.contains(destination) }
        return (1...destination.length).contains { prefixes.contains(IPPrefix(destination.address, length: $0)) }
    }
}

extension IPInterfaceAddress {
    /// The route that the kernel makes for an address in the main table; nil for a single IPv4 address.
    var connectedRoute: IPPrefix? {
        address.family == .v4 && prefixLength == 32 ? nil : network
    }
}
