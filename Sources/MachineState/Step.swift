public import NetworkTypes

/// One change of the system.
public enum Step: Hashable, Sendable {
    /// To the interface.
    case addAddress(IPInterfaceAddress)
    case removeAddress(IPInterfaceAddress)
    /// With the first address of a network, others of it stay: the kernel otherwise takes them with it.
    case keepSecondaryAddresses
    /// MTU and whether it is up, from one to the other.
    case setLink(from: LinkState, to: LinkState)
    case addRoute(TunnelRoute)
    case removeRoute(TunnelRoute)
    case addRule(PolicyRule)
    case removeRule(PolicyRule)
    /// The mark of the tunnel's datagrams, from one to the other.
    case setMark(from: UInt32, to: UInt32)
    /// The packet filter, at once from one to the other; nil: none.
    case setFirewall(from: FirewallRules?, to: FirewallRules?)
    /// The tunnel's name servers and search domains, from one to the other; nil: none.
    case setNameServers(from: NameServers?, to: NameServers?)
    /// Whether reverse path filters look at marks: net.ipv4.conf.all.src_valid_mark.
    case acceptMarkedSources(Bool)

    /// MTU and administrative state.
    public struct LinkState: Hashable, Sendable {
        /// Bytes of the longest packet.
        public var mtu: UInt32
        /// By its flag IFF_UP.
        public var isUp: Bool

        public init(mtu: UInt32, isUp: Bool) {
            self.mtu = mtu
            self.isUp = isUp
        }
    }

    /// What takes it back; nil where nothing has to be.
    public var inverse: Step? {
        switch self {
        case .addAddress(let address): .removeAddress(address)
        case .removeAddress(let address): .addAddress(address)
        case .keepSecondaryAddresses: nil
        case .setLink(let from, let to): .setLink(from: to, to: from)
        case .addRoute(let route): .removeRoute(route)
        case .removeRoute(let route): .addRoute(route)
        case .addRule(let rule): .removeRule(rule)
        case .removeRule(let rule): .addRule(rule)
        case .setMark(let from, let to): .setMark(from: to, to: from)
        case .setFirewall(let from, let to): .setFirewall(from: to, to: from)
        case .setNameServers(let from, let to): .setNameServers(from: to, to: from)
        case .acceptMarkedSources(let accepts): .acceptMarkedSources(!accepts)
        }
    }

    /// Whether it is done at once or not at all. Some programs need two turns.
    public var isAtomic: Bool {
        switch self {
        case .setFirewall(let from, let to): (to ?? from)?.tool != .iptables
        case .setNameServers(let from, let to): (to ?? from)?.method != .resolvectl
        default: true
        }
    }

    public var isFirewall: Bool { if case .setFirewall = self { true } else { false } }
    public var isNameServers: Bool { if case .setNameServers = self { true } else { false } }
}

extension SystemState {
    /// What is there after `step`.
    public mutating func apply(_ step: Step) {
        switch step {
        case .addAddress(let address): addresses.append(address)
        case .removeAddress(let address): addresses.removeAll { $0 == address }
        case .keepSecondaryAddresses: break
        case .setLink(_, let to): (mtu, isUp) = (to.mtu, to.isUp)
        case .addRoute(let route): routes.insert(route)
        case .removeRoute(let route): routes.remove(route)
        case .addRule(let rule): rules.insert(rule)
        case .removeRule(let rule): rules.remove(rule)
        case .setMark(_, let mark): firewallMark = mark
        case .setFirewall(_, let rules): firewall = rules
        case .setNameServers(_, let servers): nameServers = servers
        case .acceptMarkedSources(let accepts): acceptsMarkedSources = accepts
        }
    }
}
