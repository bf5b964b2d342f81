internal import LinuxSystem
internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelCore
internal import TunnelEngine
internal import WireGuardCrypto

extension TunnelSupervisor {
    /// Makes the running tunnel what the file says now, without disturbing sessions that stay.
    /// - Parameter dryRun: only say what would change.
    /// - Returns: what changed, a line each.
    func reload(dryRun: Bool, _ report: SetupReport) throws(SetupError) -> String {
        guard let source, let old = file else {
            throw SetupError("reload \(interface)", "it was made without a file", remedy: "`wg setconf` configures it")
        }
        let new = try source.load()
        guard !new.hasErrors else {
            let text = new.diagnostics.filter { $0.severity == .error }.map(\.description).joined(separator: "\n")
            throw SetupError("reload \(interface)", "the file has errors; nothing was changed", remedy: text)
        }
        guard old.interface.table?.value ?? .automatic == new.interface.table?.value ?? .automatic else {
            throw SetupError("reload \(interface)", "another Table needs the tunnel to start anew", remedy: "`wg-lite down` and `up` it")
        }
        let isDifferent = { (endpoint: UnresolvedEndpoint) in !old.unresolvedEndpoints.contains { $0.name == endpoint.name } }
        if !dryRun {
            let names = try EndpointResolution.fromEnvironment().resolve(
                new.unresolvedEndpoints.filter(isDifferent), file: new.name, report
            ) {
                length in DescriptorPoll.wait([.init(signals.rawValue)], for: length) != [true]
            }
            resolved.merge(names) { $1 }
        }
        let plan = ReloadPlan(from: old, to: new, state: device.engine.snapshot(), routes: routes, resolved: resolved)
        guard !plan.isEmpty else {
            file = new
            return "\(interface) is what \(source.shownPath) says already: nothing to change"
        }
        let lines = plan.lines.map { "  \($0)" }.joined(separator: "\n")
        guard !dryRun else { return "\(interface) would change:\n\(lines)" }
        notification.reloading()
        defer { notification.ready("\(interface) is up") }
        try apply(plan, new, report)
        file = new
        return "\(interface) has changed:\n\(lines)"
    }

    private func apply(_ plan: ReloadPlan, _ new: ConfigurationFile, _ report: SetupReport) throws(SetupError) {
        if !plan.update.isEmpty {
            report.command("wg syncconf \(interface) \(new.name)")
            try device.apply(plan.update, step: "configure \(interface)")
        }
        for address in plan.removedAddresses { try LinkSetup.removeAddress(address, from: interface, report) }
        // With the first address of a network, the kernel removes the others of it; so what stays is looked at as well.
        let present = try LinkSetup.addresses(of: interface)
        for address in new.interface.addresses.map(\.value) where !present.contains(address) {
            try LinkSetup.addAddress(address, to: interface, report)
        }
        if let mtu = plan.mtu {
            try LinkSetup.bringUp(interface, mtu: mtu, report)
            device.engine.setMTU(Int(mtu))
        }
        for route in plan.removedRoutes { try removeRoute(route, report) }
        let table = try RouteSetup.table(of: new.interface.table?.value ?? .automatic)
        try addRoutes(to: plan.addedRoutes, table: table, new, report)
        if plan.changesDNS {
            try rollback.perform(report) { if case .dns = $0 { true } else { false } }
            try setDNS(new.interface, report)
        }
    }

    private func removeRoute(_ route: RouteSpecification, _ report: SetupReport) throws(SetupError) {
        try RouteSetup.remove(route, interface: interface, report)
        routes.removeAll { $0 == route }
        guard route.destination.isDefaultRoute else { return }
        let family = route.destination.address.family
        try rollback.perform(report) { if case .rule(let rule) = $0 { rule.family == family } else { false } }
        if !routes.contains(where: \.destination.isDefaultRoute) {
            try rollback.perform(report) { if case .firewall = $0 { true } else { false } }
        }
    }
}

/// What a changed file changes.
struct ReloadPlan {
    var update = TunnelUpdate()
    var addedAddresses: [IPInterfaceAddress] = []
    var removedAddresses: [IPInterfaceAddress] = []
    var addedRoutes: [IPPrefix] = []
    var removedRoutes: [RouteSpecification] = []
    var changesDNS = false
    /// Only where the file says one.
    var mtu: UInt32?
    /// The plan for people, a line a change.
    private(set) var lines: [String] = []

    var isEmpty: Bool { lines.isEmpty }

    init(
        from old: ConfigurationFile, to new: ConfigurationFile, state: TunnelSnapshot, routes: [RouteSpecification],
        resolved: [EndpointName: Endpoint]
    ) {
        let oldEndpoints = Dictionary(old.peers.map { ($0.publicKey?.value, $0.endpoint?.value) }, uniquingKeysWith: { $1 })
        let moved = new.peers.filter { oldEndpoints[$0.publicKey?.value] != .some($0.endpoint?.value) }
        var wanted = new.tunnelUpdate(resolved: resolved)
        // What the file doesn't say any more is left to the kernel and to default routes.
        if new.interface.listenPort == nil { wanted.listenPort = nil }
        if new.interface.firewallMark == nil { wanted.firewallMark = nil }
        update = wanted.remainder(for: state, changedEndpoints: Set(moved.compactMap { $0.publicKey?.value }))
        describePeers(state)

        let (oldAddresses, newAddresses) = (old.interface.addresses.map(\.value), new.interface.addresses.map(\.value))
        addedAddresses = newAddresses.filter { !oldAddresses.contains($0) }
        removedAddresses = oldAddresses.filter { !newAddresses.contains($0) }
        lines += addedAddresses.map { "+ address \($0)" } + removedAddresses.map { "- address \($0)" }

        if let mtu = new.interface.mtu?.value, mtu != old.interface.mtu?.value {
            self.mtu = mtu
            lines.append("~ MTU \(mtu)")
        }
        if new.interface.table?.value != .off {
            let (oldDestinations, newDestinations) = (RouteSetup.destinations(of: old), RouteSetup.destinations(of: new))
            let (known, wanted) = (Set(oldDestinations), Set(newDestinations))
            addedRoutes = newDestinations.filter { !known.contains($0) }
            removedRoutes = routes.filter { !wanted.contains($0.destination) }
            lines += addedRoutes.map { "+ route \($0)" } + removedRoutes.map { "- route \($0.destination)" }
        }
        changesDNS =
            old.interface.dnsServers.map(\.value) != new.interface.dnsServers.map(\.value)
            || old.interface.dnsSearchDomains.map(\.value) != new.interface.dnsSearchDomains.map(\.value)
        if changesDNS {
            let names = new.interface.dnsServers.map(\.value.description) + new.interface.dnsSearchDomains.map(\.value)
            lines.append("~ DNS \(names.isEmpty ? "(none)" : names.joined(separator: ", "))")
        }
        describeHooks(old, new)
    }

    private mutating func describePeers(_ state: TunnelSnapshot) {
        if update.privateKey != nil { lines.append("~ private key: all sessions start anew") }
        if let port = update.listenPort { lines.append("~ port \(port)") }
        if let mark = update.firewallMark { lines.append("~ firewall mark \(mark)") }
        let known = Set(state.peers.map(\.publicKey))
        for peer in update.peers {
            let label = "peer \(peer.publicKey.abbreviation)"
            if peer.removes {
                lines.append("- \(label)")
            } else if !known.contains(peer.publicKey) {
                lines.append("+ \(label)")
            } else {
                var changes: [String] = []
                if peer.presharedKey != nil { changes.append("preshared key") }
                if let endpoint = peer.endpoint { changes.append("endpoint \(endpoint)") }
                if let interval = peer.persistentKeepalive { changes.append("keepalive \(interval == 0 ? "off" : "\(interval) s")") }
                if !peer.allowedIPs.isEmpty || peer.replacesAllowedIPs {
                    changes.append("allowed IPs \(peer.allowedIPs.map(\.prefix.description).joined(separator: ", "))")
                }
                lines.append("~ \(label): \(changes.joined(separator: ", "))")
            }
        }
    }

    private mutating func describeHooks(_ old: ConfigurationFile, _ new: ConfigurationFile) {
        let (a, b) = (old.interface, new.interface)
        if a.preUp.map(\.value) != b.preUp.map(\.value) || a.postUp.map(\.value) != b.postUp.map(\.value) {
            lines.append("~ PreUp, PostUp: not run for a reload")
        }
        if a.preDown.map(\.value) != b.preDown.map(\.value) || a.postDown.map(\.value) != b.postDown.map(\.value) {
            lines.append("~ PreDown, PostDown: for the next down")
        }
        if a.savesConfiguration != b.savesConfiguration { lines.append("~ SaveConfig \(b.savesConfiguration)") }
    }
}
