internal import LinuxSystem
internal import MachineState
internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelCore
internal import TunnelDiagnosis
internal import TunnelEngine
internal import WireGuardCrypto

extension TunnelSetup {
    /// Brings the tunnel up in wg-quick's order. A failure undoes everything done so far.
    /// - Returns: what a person would like to know of it.
    func bringUp(_ cancellation: Cancellation, _ report: SetupReport) throws(SetupError) -> String {
        guard let file = current.file else { return "\(interface) is ready" }
        let settings = file.interface
        var hooks = Hooks(interface: interface, directory: directory, cancellation: cancellation, report: report)
        hooks.record = record
        if inside == nil { try hooks.run(settings.preUp.map(\.value), of: "PreUp") }

        let resolved = try resolve(file.unresolvedEndpoints, of: file, cancellation, report)
        change { $0.resolved = resolved }
        report.command("wg setconf \(interface) \(file.name)")
        var update = file.tunnelUpdate(resolved: resolved)
        // A port that the kernel chose stays. The mark comes with the routes that need it.
        if settings.listenPort == nil { update.listenPort = nil }
        update.firewallMark = nil
        try device.apply(update, step: "configure \(interface)")
        // The engine has the keys now.
        change { $0.file = file.withoutSecrets }

        try inTurn(cancellation) { () throws(SetupError) in
            let plan = try plan(file, endpoints: update.peers.compactMap(\.endpoint), cancellation)
            if plan.owned.firewall == nil, !plan.owned.rules.isEmpty {
                report.warning(
                    "neither nft nor iptables is installed: packets to the tunnel's addresses from other networks aren't dropped")
            }
            try perform(plan, cancellation, report)
        }
        if inside == nil { try hooks.run(settings.postUp.map(\.value), of: "PostUp") }
        // What hooks made they make again the next time.
        let former = FormerState(savedState)
        change { $0.former = former }
        return summary(file)
    }

    private func summary(_ file: ConfigurationFile) -> String {
        let state = device.engine.snapshot()
        let owned = current.owned
        var parts = file.interface.addresses.map(\.value.description)
        parts.append("port \(state.listenPort)")
        parts.append("MTU \(owned.mtu)")
        if owned.routeCount > 0 { parts.append(counted(owned.routeCount, "route", "routes")) }
        let text = "\(interface) is up: \(parts.joined(separator: ", "))"
        let lines = Self.lines(of: state.peers, names: file.peerNames, interface: interface)
        return lines.reduce(into: text) { $0 += "\n\($1)" }
    }

    /// What is said of the peers when nobody waits for them.
    static func lines(of peers: [PeerSnapshot], names: [PublicKey: String], interface: String, most: Int = 4) -> [String] {
        let lines = peers.prefix(most).map { peer in
            let name = names[peer.publicKey].map { "\($0) " } ?? ""
            let endpoint = peer.endpoint.map { "\($0)" } ?? "(it connects to us)"
            let hint = "waiting for the first handshake (`wg-lite status \(interface)` explains)"
            return "  peer \(name)\(peer.publicKey.abbreviation)  \(endpoint)   \(peer.lastHandshake == nil ? hint : "in touch")"
        }
        return peers.count > most ? lines + ["  and \(counted(peers.count - most, "more peer", "more peers"))"] : lines
    }
}

extension SystemState {
    /// Routes that people count.
    var routeCount: Int { routes.count { $0.kind == .tunnel } }
}
