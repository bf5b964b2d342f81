internal import LinuxSystem
internal import MachineState
internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelCore
internal import TunnelEngine

extension TunnelSetup {
    /// Makes the running tunnel what the file says now, without disturbing sessions that stay: all of it or, after a failure, nothing.
    /// - Parameter dryRun: only say what would change.
    /// - Returns: what changed, a line each.
    func reload(dryRun: Bool, _ cancellation: Cancellation, _ report: SetupReport) throws(SetupError) -> String {
        guard let source, let old = current.file else {
            throw SetupError("reload \(interface)", "it was made without a file", remedy: "`wg setconf` configures it")
        }
        let new = try source.load()
        guard !new.hasErrors else {
            let text = new.diagnostics.filter { $0.severity == .error }.map(\.description).joined(separator: "\n")
            throw SetupError("reload \(interface)", "the file has errors; nothing was changed", remedy: text)
        }
        var resolved = current.resolved
        for missing in new.unresolvedEndpoints where resolved[missing.name] == nil {
            do throws(SetupError) {
                resolved.merge(try resolve([missing], of: new, cancellation, report, isPatient: !dryRun)) { $1 }
            } catch {
                guard dryRun else { throw error }
                report.warning("\(missing.name) can't be looked up now, so its peer has no endpoint here: \(error.cause)")
            }
        }
        return try inTurn(cancellation) { () throws(SetupError) in
            try reload(from: old, to: new, resolved: resolved, dryRun: dryRun, cancellation, report)
        }
    }

    private func reload(
        from old: ConfigurationFile, to new: ConfigurationFile, resolved: [EndpointName: Endpoint], dryRun: Bool,
        _ cancellation: Cancellation, _ report: SetupReport
    ) throws(SetupError) -> String {
        let peers = EngineChange(from: old, to: new, state: device.engine.snapshot(), resolved: resolved)
        let plan = try systemPlan(from: old, to: new, resolved: resolved, cancellation)
        func text(_ steps: [String]) -> String {
            (peers.lines + steps + HookChange.lines(old, new)).map { "  \($0)" }.joined(separator: "\n")
        }
        let lines = text(plan.steps.compactMap(\.summary))
        guard !lines.isEmpty else {
            // Where a person and the tunnel have come to the same, the file says it.
            if !dryRun { takeOver(new) }
            return "\(interface) is what \(new.name) says already: nothing to change"
        }
        guard !dryRun else { return "\(interface) would change:\n\(lines)" }

        if !peers.additions.isEmpty {
            report.command("wg syncconf \(interface) \(new.name)")
            try device.apply(peers.additions, step: "configure \(interface)")
        }
        do throws(SetupError) {
            try perform(plan, cancellation, report)
        } catch {
            try? device.apply(peers.inverse, step: "configure \(interface)")
            let outcome =
                cancellation.isAbandoned
                ? "the tunnel goes down" : error.isPartial ? "not everything is as it was before" : "everything is as it was before"
            throw SetupError("reload \(interface)", "cannot \(error.step): \(error.cause); \(outcome)", remedy: error.remedy)
        }
        if !peers.removals.isEmpty { try device.apply(peers.removals, step: "configure \(interface)") }
        takeOver(new)
        change { state in
            state.resolved = resolved
            state.drift = Drift()
        }
        // A step whose failure can be lived with was told, and isn't done.
        let owned = current.owned
        return "\(interface) has changed:\n" + text(plan.steps.compactMap { $0.summary(of: owned) })
    }

    /// From now on `file` is the one in force.
    private func takeOver(_ file: ConfigurationFile) {
        let saved = savedState
        change { state in
            state.file = file.withoutSecrets
            state.former = state.former?.takingOver(file, running: saved, ownMark: state.owned.firewallMark) ?? FormerState(saved)
        }
    }

    /// The plan for the system; an interface that hooks moved to another network namespace is theirs, and only peers can change.
    private func systemPlan(
        from old: ConfigurationFile, to new: ConfigurationFile, resolved: [EndpointName: Endpoint], _ cancellation: Cancellation
    ) throws(SetupError) -> Plan {
        let endpoints = new.tunnelUpdate(resolved: resolved).peers.compactMap(\.endpoint)
        var netlink = try? inside.netlink()
        guard (try? netlink?.link(index: link)) ?? nil == nil else { return try plan(new, endpoints: endpoints, cancellation) }
        guard old.interface.asksSameOfSystem(as: new.interface),
            new.interface.table?.value == .off || DesiredState.destinations(of: old) == DesiredState.destinations(of: new)
        else {
            throw SetupError(
                "reload \(interface)",
                "its interface was moved to another network namespace, where addresses, routes and name servers aren't ours",
                remedy: "change them there, or `wg-lite down` and `up` it")
        }
        let owned = current.owned
        return Plan(from: owned, owned: owned, to: owned)
    }
}

extension InterfaceConfiguration {
    /// Whether addresses, MTU, table, mark and name servers are the same.
    fileprivate func asksSameOfSystem(as other: InterfaceConfiguration) -> Bool {
        addresses.map(\.value) == other.addresses.map(\.value) && mtu?.value == other.mtu?.value && table?.value == other.table?.value
            && firewallMark?.value == other.firewallMark?.value && dnsServers.map(\.value) == other.dnsServers.map(\.value)
            && dnsSearchDomains.map(\.value) == other.dnsSearchDomains.map(\.value)
    }
}

extension Step {
    /// The line for people, and whether it could be done.
    /// - Parameter owned: what is the tunnel's afterwards.
    fileprivate func summary(of owned: SystemState) -> String? {
        guard case .setNameServers(_, let servers?) = self, owned.nameServers != servers else { return summary }
        return summary.map { "\($0): could not be set" }
    }
}

/// What a changed file says of hooks.
enum HookChange {
    static func lines(_ old: ConfigurationFile, _ new: ConfigurationFile) -> [String] {
        let (a, b) = (old.interface, new.interface)
        var lines: [String] = []
        if a.preUp.map(\.value) != b.preUp.map(\.value) || a.postUp.map(\.value) != b.postUp.map(\.value) {
            lines.append("~ PreUp, PostUp: not run for a reload")
        }
        if a.preDown.map(\.value) != b.preDown.map(\.value) || a.postDown.map(\.value) != b.postDown.map(\.value) {
            lines.append("~ PreDown, PostDown: for the next down")
        }
        if a.savesConfiguration != b.savesConfiguration { lines.append("~ SaveConfig \(b.savesConfiguration)") }
        return lines
    }
}
