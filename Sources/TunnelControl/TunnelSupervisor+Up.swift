internal import LinuxSystem
internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelCore
internal import TunnelEngine
internal import WireGuardCrypto

extension TunnelSupervisor {
    /// A handshake that is older means that its session has ended: the reject time plus one attempt.
    private static let staleAfter = Interval.seconds(180 + 5)

    /// Whether anything has been made yet that a failure would undo.
    public var hasChangedAnything: Bool { hasBegun }

    /// Brings the tunnel up in wg-quick's order. A failure undoes everything done so far.
    /// - Returns: what a person would like to know of it.
    public func bringUp() throws(SetupError) -> String {
        do throws(SetupError) {
            try claim()
            try makeDevice()
            hasBegun = true
            if !directory.isStandard {
                report.notice(
                    "the control socket is \(directory.socket(of: interface)), where `wg` does not look: /run can't be written")
            }
            guard let file else { return "\(interface) is ready" }
            try configure(file)
            return summary(file)
        } catch {
            tearDown(report)
            throw error
        }
    }

    private func makeDevice() throws(SetupError) {
        report.command("ip tuntap add mode tun \(interface)")
        device = try TunnelDevice(
            interface: interface, mtu: Int(file?.interface.mtu?.value ?? 1420), listenPort: file?.interface.listenPort?.value ?? 0,
            firewallMark: file?.interface.firewallMark?.value ?? 0, directory: directory, log: report, options: options)
        let aead = device.engine.aead
        if !aead.isAsPreferred { report.warning("packets are sealed by \(aead.backend.library): \(aead.reason.explanation)") }
    }

    private func configure(_ file: ConfigurationFile) throws(SetupError) {
        let settings = file.interface
        try Hooks.run(settings.preUp.map(\.value), of: "PreUp", interface: interface, report)
        try checkForSignals()

        resolved = try EndpointResolution.fromEnvironment().resolve(file.unresolvedEndpoints, file: file.name, report) { length in
            DescriptorPoll.wait([.init(signals.rawValue)], for: length) != [true]
        }
        report.command("wg setconf \(interface) \(file.name)")
        var update = file.tunnelUpdate(resolved: resolved)
        // A port that the kernel chose stays; a mark that a hook set as well.
        if settings.listenPort == nil { update.listenPort = nil }
        if settings.firewallMark == nil { update.firewallMark = nil }
        try device.apply(update, step: "configure \(interface)")

        for address in settings.addresses { try LinkSetup.addAddress(address.value, to: interface, report) }
        let mtu = settings.mtu?.value ?? LinkSetup.automaticMTU(endpoints: update.peers.compactMap(\.endpoint))
        try LinkSetup.bringUp(interface, mtu: mtu, report)
        device.follow(LinkWatch.State(mtu: mtu, isUp: true), report)

        try setDNS(settings, report)
        try checkForSignals()
        try addRoutes(file)
        try Hooks.run(settings.postUp.map(\.value), of: "PostUp", interface: interface, report)
        try checkForSignals()
    }

    /// Somebody who interrupts us wants nothing to be left.
    private func checkForSignals() throws(SetupError) {
        guard signals.next() == nil else { throw SetupError("bring up \(interface)", "interrupted") }
    }

    func setDNS(_ settings: InterfaceConfiguration, _ report: SetupReport) throws(SetupError) {
        guard !settings.dnsServers.isEmpty || !settings.dnsSearchDomains.isEmpty else { return }
        let method = DNSSetup.method()
        do throws(SetupError) {
            try DNSSetup.set(
                servers: settings.dnsServers.map(\.value), searchDomains: settings.dnsSearchDomains.map(\.value), method,
                interface: interface, directory, &rollback, report)
        } catch {
            guard !options.requiresDNS else { throw error }
            report.warning("\(error)\n  names are looked up as before; with --require-dns this is an error")
        }
    }

    private func addRoutes(_ file: ConfigurationFile) throws(SetupError) {
        let choice = file.interface.table?.value ?? .automatic
        guard choice != .off else { return }
        let table = try RouteSetup.table(of: choice)
        try addRoutes(to: RouteSetup.destinations(of: file), table: table, file, report)
    }

    /// Adds routes, the longest prefixes first.
    func addRoutes(
        to destinations: [IPPrefix], table: UInt32?, _ file: ConfigurationFile, _ report: SetupReport
    ) throws(SetupError) {
        // Routes that are added here cover no later ones: those are shorter, or others of the same length.
        let covered = table == nil ? try CoveredDestinations(of: interface) : nil
        for destination in destinations { try addRoute(destination, table: table, covered: covered, file, report) }
    }

    /// Adds the route to one destination; a default route in the automatic table with all that it needs.
    private func addRoute(
        _ destination: IPPrefix, table: UInt32?, covered: CoveredDestinations?, _ file: ConfigurationFile, _ report: SetupReport
    ) throws(SetupError) {
        guard destination.isDefaultRoute, table == nil else {
            if let route = try RouteSetup.add(destination, table: table, interface: interface, covered: covered, report) {
                routes.append(route)
            }
            return
        }
        var mark = device.engine.snapshot().firewallMark
        if mark == 0 {
            mark = try PolicyRouting.freeTable()
            report.command("wg set \(interface) fwmark \(mark)")
            var update = TunnelUpdate()
            update.firewallMark = mark
            try device.apply(update, step: "mark the tunnel's datagrams")
        }
        if let route = try PolicyRouting.add(destination, table: mark, interface: interface, &rollback, report) { routes.append(route) }
        try Firewall.add(
            destination.address.family, interface: interface, mark: mark, addresses: file.interface.addresses.map(\.value), &rollback,
            report)
    }

    private func summary(_ file: ConfigurationFile) -> String {
        let state = device.engine.snapshot()
        var parts = file.interface.addresses.map(\.value.description)
        parts.append("port \(state.listenPort)")
        if let mtu = (try? LinkSetup.mtu(of: interface)) { parts.append("MTU \(mtu)") }
        if !routes.isEmpty { parts.append(routes.count == 1 ? "1 route" : "\(routes.count) routes") }
        var text = "\(interface) is up: \(parts.joined(separator: ", "))"
        for peer in state.peers.prefix(4) {
            let endpoint = peer.endpoint.map { "\($0)" } ?? "(it connects to us)"
            let hint = "waiting for the first handshake (`wg-lite status \(interface)` explains)"
            text += "\n  peer \(peer.publicKey.abbreviation)  \(endpoint)   \(peer.lastHandshake == nil ? hint : "connected")"
        }
        if state.peers.count > 4 { text += "\n  and \(state.peers.count - 4) more peers" }
        return text
    }

    /// Looks names up again whose peers have been silent, beside everything else: a resolver may take its time.
    func refreshStaleEndpoints() {
        guard let file else { return }
        let now = Clock.unixNanoseconds
        let state = Dictionary(device.engine.snapshot().peers.map { ($0.publicKey, $0) }, uniquingKeysWith: { $1 })
        let stale = file.unresolvedEndpoints.filter { endpoint in
            guard let peer = state[endpoint.publicKey] else { return false }
            guard let handshake = peer.lastHandshake else { return true }
            return now > handshake && now - handshake > Self.staleAfter.nanoseconds
        }
        guard !stale.isEmpty else { return }
        let (engine, report) = (device.engine, report)
        // Nobody waits for this thread: it ends with its lookups, and an engine that has stopped takes no update.
        _ = try? SystemThread(name: "wg-resolver") {
            for endpoint in stale {
                guard case .found(let found) = HostLookup.resolve(host: endpoint.name.host, service: endpoint.name.service),
                    let first = found.first, !found.contains(where: { $0 == state[endpoint.publicKey]?.endpoint })
                else { continue }
                report.notice("peer \(endpoint.publicKey.abbreviation) is silent; \(endpoint.name) is \(first) now")
                var change = PeerUpdate(publicKey: endpoint.publicKey)
                change.updatesOnly = true
                change.endpoint = first
                var update = TunnelUpdate()
                update.peers = [change]
                try? engine.apply(update)
            }
        }
    }
}
