internal import LinuxSystem
internal import MachineState

/// Hears of changes of one interface (`wg-quick` and people set it up and down, and its MTU, after the tunnel has been made) and of what
/// may have been taken from around it.
struct LinkWatch: ~Copyable {
    /// What the tunnel has to know of its interface.
    struct State: Hashable {
        var mtu: UInt32
        var isUp: Bool
    }

    private let monitor: NetlinkMonitor?
    private let firewall: FirewallMonitor?
    private let inside: InsideNamespace?
    /// Where the tunnel's rules of the packet filter are.
    private let tables: Set<String>
    /// Whether routes or rules of the tunnel's changed, of its packet filter something went, or the interface changed, which takes routes with it.
    private(set) var mayHaveLost = false
    /// The interface, by what it keeps when it is renamed.
    let index: UInt32?
    /// As far as is known; without netlink an interface that is up.
    private(set) var state: State

    /// Without netlink, nothing is heard.
    /// - Parameter inside: where the interface is; nil: here.
    init(_ interface: String, _ inside: InsideNamespace? = nil) {
        self.inside = inside
        tables = FirewallRules.tables(tunnel: interface)
        // In a namespace of its own a tunnel has no packet filter.
        firewall = inside == nil ? try? FirewallMonitor() : nil
        // First the ears, then the look: nothing falls between them.
        monitor = try? inside.monitor([.links, .routes, .rules])
        var netlink = try? inside.netlink()
        let link = try? netlink?.link(named: interface)
        index = link?.index
        state = State(mtu: link?.mtu ?? 1420, isUp: link?.isUp ?? true)
    }

    /// Readable while there is news; negative where there never is.
    var descriptor: Int32 {
        switch monitor {
        case .some(let monitor): monitor.descriptor
        case .none: -1
        }
    }

    /// The same for the packet filter.
    var firewallDescriptor: Int32 {
        switch firewall {
        case .some(let firewall): firewall.descriptor
        case .none: -1
        }
    }

    /// Takes the news there is; true if ``state`` has changed.
    /// - Parameter owned: what the tunnel has of the system.
    mutating func update(_ owned: SystemState) -> Bool {
        let events: [NetlinkEvent]
        switch monitor {
        case .some(let monitor): events = (try? monitor.events()) ?? []
        case .none: events = []
        }
        let before = state
        mayHaveLost = hasLostRules
        for event in events {
            switch event {
            case .linkChanged(let link) where link.index == index: state = State(mtu: link.mtu, isUp: link.isUp)
            // It may only have moved to another namespace, where nobody tells us whether it is up: its packets do.
            case .linkRemoved(let link) where link.index == index: state.isUp = true
            case .missed:
                look()
                mayHaveLost = true
            case .routeChanged(let route): mayHaveLost = mayHaveLost || owned.isTouched(by: route, link: index)
            case .ruleRemoved(let rule): mayHaveLost = mayHaveLost || PolicyRule(rule) != nil
            default: break
            }
        }
        if state != before { mayHaveLost = true }
        return state != before
    }

    private var hasLostRules: Bool {
        switch firewall {
        case .some(let firewall):
            // What can't be heard has to be looked at.
            (try? firewall.removals()).map { $0.hasMissed || !$0.tables.isDisjoint(with: tables) } ?? true
        case .none: false
        }
    }

    private mutating func look() {
        guard let index, var netlink = try? inside.netlink(), let link = try? netlink.link(index: index) else { return }
        state = State(mtu: link.mtu, isUp: link.isUp)
    }
}

extension SystemState {
    /// Whether a change of a route may have taken one from the tunnel: it leads through its interface, or stands where one of its routes
    /// stood. On a router that learns thousands of others each second those are nobody's business here.
    func isTouched(by route: RouteSpecification, link: UInt32?) -> Bool {
        if let link, route.link == link { return true }
        return [TunnelRoute.Kind.tunnel, .unreachable].contains { kind in
            routes.contains(TunnelRoute(route.destination, table: route.table, kind: kind))
        }
    }
}
