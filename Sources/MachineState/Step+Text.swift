internal import NetworkTypes

extension Step {
    /// The command that a person would type for it; nil for what is done by no command.
    /// - Parameters:
    ///   - interface: its name now.
    ///   - tunnel: the name that the tunnel was brought up under.
    public func command(interface: String, tunnel: String) -> String? {
        switch self {
        case .addAddress(let address): "ip \(option(address.address.family)) address add \(address) dev \(interface)"
        case .removeAddress(let address): "ip \(option(address.address.family)) address delete \(address) dev \(interface)"
        case .keepSecondaryAddresses: "sysctl -q net.ipv4.conf.\(interface.replacing(".", with: "/")).promote_secondaries=1"
        case .setLink(let from, let to):
            "ip link set"
                + (from.mtu == to.mtu ? "" : " mtu \(to.mtu)") + (from.isUp == to.isUp ? "" : to.isUp ? " up" : " down")
                + " dev \(interface)"
        case .addRoute(let route): "ip \(option(route.destination.address.family)) route add \(words(route, interface))"
        case .removeRoute(let route): "ip \(option(route.destination.address.family)) route delete \(words(route, interface))"
        case .addRule(let rule): "ip \(option(rule.family)) rule add \(words(rule))"
        case .removeRule(let rule): "ip \(option(rule.family)) rule delete \(words(rule))"
        case .setMark(_, let mark): "wg set \(tunnel) fwmark \(mark == 0 ? "off" : "\(mark)")"
        case .setFirewall(let from, let to): firewallCommand(from, to, tunnel)
        case .setNameServers(let from, let to): to?.command(interface: interface) ?? from?.removal(interface: interface)
        case .acceptMarkedSources(let accepts): "sysctl -q net.ipv4.conf.all.src_valid_mark=\(accepts ? 1 : 0)"
        }
    }

    /// A line for people: what comes and what goes; nil for what only passes.
    public var summary: String? {
        switch self {
        case .addAddress(let address): "+ address \(address)"
        case .removeAddress(let address): "- address \(address)"
        case .setLink(let from, let to): from.mtu == to.mtu ? (to.isUp ? "~ up" : "~ down") : "~ MTU \(to.mtu)"
        case .addRoute(let route) where route.kind == .tunnel: "+ route \(route.destination)"
        case .removeRoute(let route) where route.kind == .tunnel: "- route \(route.destination)"
        case .addRule(let rule): rule.isPassing ? nil : "+ rule \(words(rule))"
        case .removeRule(let rule): rule.isPassing ? nil : "- rule \(words(rule))"
        case .setMark(_, let mark): "~ firewall mark \(mark == 0 ? "off" : "\(mark)")"
        case .setFirewall(nil, _?): "+ firewall rules"
        case .setFirewall(_?, nil): "- firewall rules"
        case .setFirewall: "~ firewall rules"
        case .setNameServers(_, nil): "- DNS"
        case .setNameServers(_, let servers?):
            "~ DNS \((servers.servers.map(\.description) + servers.searchDomains).joined(separator: ", "))"
        case .keepSecondaryAddresses, .acceptMarkedSources, .addRoute, .removeRoute: nil
        }
    }

    /// What failed, as "cannot …".
    public var action: String {
        switch self {
        case .addAddress(let address): "add the address \(address)"
        case .removeAddress(let address): "remove the address \(address)"
        case .keepSecondaryAddresses: "keep the interface's other addresses"
        case .setLink(_, let to): to.isUp ? "bring up the interface with an MTU of \(to.mtu)" : "set down the interface"
        case .addRoute(let route): "add the route to \(route.destination)"
        case .removeRoute(let route): "remove the route to \(route.destination)"
        case .addRule(let rule): "add the rule \(words(rule))"
        case .removeRule(let rule): "remove the rule \(words(rule))"
        case .setMark: "mark the tunnel's datagrams"
        case .setFirewall(_, let rules): rules == nil ? "remove the firewall rules" : "set the firewall rules"
        case .setNameServers(_, let servers): servers == nil ? "take back the name servers" : "set the name servers"
        case .acceptMarkedSources: "set net.ipv4.conf.all.src_valid_mark"
        }
    }

    private func option(_ family: AddressFamily) -> String { family == .v4 ? "-4" : "-6" }

    private func words(_ route: TunnelRoute, _ interface: String) -> String {
        let place = (route.table == TunnelRoute.mainTable ? "" : " table \(route.table)") + (route.metric.map { " metric \($0)" } ?? "")
        return route.kind == .unreachable ? "unreachable \(route.destination)\(place)" : "\(route.destination) dev \(interface)\(place)"
    }

    private func words(_ rule: PolicyRule) -> String {
        let place = "priority \(rule.priority)"
        return switch rule.kind {
        case .unmarked(let mark): "not fwmark \(mark) table \(mark) \(place)"
        case .mainWithoutDefault: "table main suppress_prefixlength 0 \(place)"
        case .exempt(let mark): "fwmark \(mark) table main \(place)"
        }
    }

    private func firewallCommand(_ from: FirewallRules?, _ to: FirewallRules?, _ tunnel: String) -> String? {
        switch (to ?? from)?.tool {
        case .nft: "nft -f - <<< \"\(to?.nftText(tunnel: tunnel) ?? FirewallRules.nftRemoval(tunnel: tunnel))\""
        case .iptables:
            to.flatMap { FirewallRules.iptablesText(replacing: "", with: $0, tunnel: tunnel, .v4) }.map {
                "iptables-restore -n <<< \"\($0)\""
            }
                ?? "iptables-save | grep -v '\(FirewallRules.comment(tunnel: tunnel))' | iptables-restore"
        case nil: nil
        }
    }
}

extension PolicyRule {
    var isPassing: Bool { if case .exempt = kind { true } else { false } }
}

extension String {
    /// The text with every `character` replaced.
    func replacing(_ character: Character, with replacement: String) -> String {
        split(separator: character, omittingEmptySubsequences: false).joined(separator: replacement)
    }
}
