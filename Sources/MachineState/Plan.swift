internal import NetworkTypes

/// The way from what is there to what is wanted, a pure function of both.
///
/// - Additions come before removals, so that what both have is there at every moment: the kernel drops an interface's routes, in all
///   tables, with its last address of a family.
/// - Where one thing replaces another that traffic depends on (a connected route, a mark), something passing stands in meanwhile.
/// - What is there and isn't ours stays: hooks and administrators have their reasons.
/// - A full tunnel's traffic is switched over last when it comes up, and first when it goes down; between, it is held back and never
///   leaves in clear.
public struct Plan: Hashable, Sendable {
    /// In order.
    public private(set) var steps: [Step] = []
    /// What is the tunnel's once they are done: what was wanted, but for what others had made already.
    public let owned: SystemState
    /// What was there when it was made: what a failure has to bring back. Of a packet filter that others took rules from it has all of them.
    public let observed: SystemState

    /// - Parameters:
    ///   - observed: what is there.
    ///   - owned: what of it is ours, so that it may go.
    ///   - desired: what is wanted.
    public init(from observed: SystemState, owned: SystemState, to desired: SystemState) {
        var result = desired
        let others = observed.addresses.filter { !owned.addresses.contains($0) }
        result.addresses.removeAll { others.contains($0) }
        result.routes.subtract(observed.routes.subtracting(owned.routes))
        if observed.firewallMark == desired.firewallMark, owned.firewallMark != desired.firewallMark { result.firewallMark = 0 }
        if observed.acceptsMarkedSources, !owned.acceptsMarkedSources { result.acceptsMarkedSources = false }
        self.owned = result
        var former = observed
        if observed.firewall?.tool == owned.firewall?.tool { former.firewall = owned.firewall }
        self.observed = former

        let addresses = AddressChange(observed: observed.addresses, owned: owned.addresses, desired: desired.addresses)
        let missingRoutes = desired.routes.subtracting(observed.routes).sorted()
        let newRules = desired.rules.subtracting(observed.rules).sorted()
        let oldRules = owned.rules.intersection(observed.rules).subtracting(desired.rules).sorted()
        let oldRoutes = owned.routes.intersection(observed.routes).subtracting(desired.routes).sorted()
        // With the last IPv4 address all IPv4 routes go: those that stay are made anew, and meanwhile nothing gets past them.
        let kept = addresses.losesIPv4 ? observed.routes.subtracting(oldRoutes).filter(\.goesWithIPv4).sorted() : []
        // Routes that an address that goes has brought with it can't be added before, and others not before the last address has gone.
        let isLate = { (route: TunnelRoute) in
            route.table == TunnelRoute.mainTable && addresses.networks.contains(route.destination)
                || addresses.losesIPv4 && route.goesWithIPv4
        }
        let late = kept + missingRoutes.filter(isLate)
        let barriers =
            addresses.losesIPv4 ? late.filter(\.goesWithIPv4).map { TunnelRoute($0.destination, table: $0.table, kind: .unreachable) } : []
        let newBarriers = barriers.filter { !observed.routes.contains($0) && !missingRoutes.contains($0) }
        let marks = observed.firewallMark != desired.firewallMark ? (from: observed.firewallMark, to: desired.firewallMark) : nil
        let exemptions =
            marks == nil ? [] : Self.exemptions(desired.rules.union(oldRules), marks: [observed.firewallMark, desired.firewallMark])
        let firewall = FirewallChange(observed: observed.firewall, owned: owned.firewall, desired: desired.firewall)
        let nameServers = NameServerChange(observed: observed.nameServers, owned: owned.nameServers, desired: desired.nameServers)

        // Comes.
        steps += exemptions.map(Step.addRule)
        steps += addresses.additions
        let link = (from: Step.LinkState(mtu: observed.mtu, isUp: observed.isUp), to: Step.LinkState(mtu: desired.mtu, isUp: desired.isUp))
        if desired.isUp, link.from != link.to { steps.append(.setLink(from: link.from, to: link.to)) }
        steps += nameServers.addition
        // The way out comes before the rules that send everything into it, in a table that nothing asks yet.
        steps += missingRoutes.filter { !isLate($0) }.map(Step.addRoute)
        if let marks, marks.to != 0 { steps.append(.setMark(from: marks.from, to: marks.to)) }
        if desired.acceptsMarkedSources, !observed.acceptsMarkedSources { steps.append(.acceptMarkedSources(true)) }
        steps += firewall.addition
        steps += newRules.map(Step.addRule)
        // Goes.
        steps += (addresses.passing + newBarriers).map(Step.addRoute)
        steps += oldRules.map(Step.removeRule)
        steps += firewall.removal
        if let marks, marks.to == 0 { steps.append(.setMark(from: marks.from, to: marks.to)) }
        if owned.acceptsMarkedSources, observed.acceptsMarkedSources, !desired.acceptsMarkedSources {
            steps.append(.acceptMarkedSources(false))
        }
        steps += (oldRoutes + kept).map(Step.removeRoute)
        steps += addresses.removals
        steps += late.map(Step.addRoute)
        steps += (addresses.passing + newBarriers).map(Step.removeRoute)
        steps += nameServers.removal
        steps += exemptions.map(Step.removeRule)
        if !desired.isUp, observed.isUp { steps.append(.setLink(from: link.from, to: Step.LinkState(mtu: link.from.mtu, isUp: false))) }
    }

    public var isEmpty: Bool { steps.isEmpty }

    /// While datagrams carry one mark and rules speak of another, the tunnel's own would enter the tunnel: all marks are exempt until the
    /// exchange is done. Where the rules have the very first place there is none before it, and these stand behind them, for nothing.
    private static func exemptions(_ rules: Set<PolicyRule>, marks: Set<UInt32>) -> [PolicyRule] {
        AddressFamily.allCases.flatMap { family -> [PolicyRule] in
            let own = rules.filter { $0.family == family }
            let named = own.compactMap { if case .unmarked(let mark) = $0.kind { mark } else { nil } }
            let all = marks.union(named).subtracting([0]).sorted()
            guard !named.isEmpty, all.count > 1, let first = own.map(\.priority).min() else { return [] }
            return all.map { PolicyRule(family, .exempt($0), priority: first - min(first, 1)) }
        }
    }
}

extension TunnelRoute {
    /// Whether the kernel drops it with the interface's last IPv4 address.
    fileprivate var goesWithIPv4: Bool { kind == .tunnel && destination.address.family == .v4 }
}

/// How an interface's addresses become others.
struct AddressChange {
    private(set) var additions: [Step] = []
    private(set) var removals: [Step] = []
    /// Those whose routes go with the addresses that bring them, if only for a moment.
    let networks: [IPPrefix]
    /// Whether no IPv4 address remains where there was one.
    let losesIPv4: Bool
    /// What stands in for them, and for those of addresses that can come only when another has gone.
    let passing: [TunnelRoute]

    init(observed: [IPInterfaceAddress], owned: [IPInterfaceAddress], desired: [IPInterfaceAddress]) {
        let new = desired.filter { !observed.contains($0) }
        let old = owned.filter { observed.contains($0) && !desired.contains($0) }
        // The kernel has an IPv6 address only once, whatever the length of its prefix.
        let exchanged = new.filter { address in address.address.family == .v6 && observed.contains { $0.address == address.address } }
        let remaining = observed.filter { !old.contains($0) } + new
        if old.contains(where: { $0.address.family == .v4 }) { additions.append(.keepSecondaryAddresses) }
        additions += new.filter { !exchanged.contains($0) }.map(Step.addAddress)

        // A network's route goes for a moment when the address that brought it does.
        losesIPv4 = old.contains { $0.address.family == .v4 } && !remaining.contains { $0.address.family == .v4 }
        networks = Set(old.compactMap(\.connectedRoute)).sorted()
        // Without an address of IPv4 a passing route would go as well.
        let all = Set(networks + exchanged.compactMap(\.connectedRoute)).sorted()
        let lasting = losesIPv4 ? all.filter { $0.address.family == .v6 } : all
        passing = lasting.map { TunnelRoute($0, kind: .passing) }
        for address in old {
            removals.append(.removeAddress(address))
            removals += exchanged.filter { $0.address == address.address }.map(Step.addAddress)
        }
        // Somebody else's address stands in the way of one of ours.
        additions += exchanged.filter { new in !old.contains { $0.address == new.address } }.map(Step.addAddress)
    }
}

/// How the packet filter becomes another: in one step where the same program keeps both.
private struct FirewallChange {
    private(set) var addition: [Step] = []
    private(set) var removal: [Step] = []

    init(observed: FirewallRules?, owned: FirewallRules?, desired: FirewallRules?) {
        let present = owned.flatMap { owned in observed.map { $0.tool == owned.tool } ?? false ? observed : nil }
        guard present != desired else { return }
        guard let desired else {
            removal = [.setFirewall(from: owned, to: nil)]
            return
        }
        // What is there may be only a part: the inverse sets all of it.
        let former = present?.tool == desired.tool ? owned : nil
        addition = [.setFirewall(from: former, to: desired)]
        if let present, former == nil { removal = [.setFirewall(from: present, to: nil)] }
    }
}

/// How the name servers become others.
private struct NameServerChange {
    private(set) var addition: [Step] = []
    private(set) var removal: [Step] = []

    init(observed: NameServers?, owned: NameServers?, desired: NameServers?) {
        let present = owned == nil ? nil : observed
        guard present != desired else { return }
        guard let desired else {
            removal = [.setNameServers(from: present, to: nil)]
            return
        }
        let former = present?.method == desired.method ? present : nil
        addition = [.setNameServers(from: former, to: desired)]
        if let present, former == nil { removal = [.setNameServers(from: present, to: nil)] }
    }
}
