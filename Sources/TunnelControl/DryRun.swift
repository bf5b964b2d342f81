internal import LinuxSystem
internal import MachineState
internal import NetworkTypes
public import TunnelConfiguration
internal import TunnelCore

/// What `up` and `down` would do, as the commands that a person would type. Nothing is changed.
public enum DryRun {
    /// How a tunnel would be brought up now.
    /// - Parameter report: takes what is worth knowing meanwhile.
    public static func up(_ source: ConfigurationSource, _ file: ConfigurationFile, _ report: SetupReport) throws(SetupError) -> String {
        let interface = source.interface
        for directory in RuntimeDirectory.present {
            directory.waitForEnd(of: interface)
            guard RuntimeDirectory.isAnswering(directory.socket(of: interface)) else { continue }
            guard !TunnelQuery.isEnding(interface) else {
                throw SetupError("bring up \(interface)", "it is being taken down", remedy: "try again in a moment")
            }
            throw SetupError(
                "bring up \(interface)", "it is up already",
                remedy: "`wg-lite reload --dry-run \(interface)` says what a changed file changes")
        }
        var netlink = try? NetlinkSocket()
        if ((try? netlink?.link(named: interface)) ?? nil) != nil {
            throw SetupError(
                "bring up \(interface)", "there is an interface of that name already", remedy: "`ip link delete \(interface)` removes it")
        }
        var resolved: [EndpointName: Endpoint] = [:]
        for endpoint in file.unresolvedEndpoints where resolved[endpoint.name] == nil {
            if case .found(let found) = HostLookup.resolve(host: endpoint.name.host, service: endpoint.name.service) {
                resolved[endpoint.name] = found.first
            } else {
                report.warning("\(endpoint.name) can't be looked up now: `up` would wait for it")
            }
        }
        // What a process that was killed left behind is ours.
        var owned = SystemState()
        for directory in RuntimeDirectory.present {
            if let left = try TunnelRecord(interface: interface, directory: directory).read() { owned = left.here }
        }
        // As the device will be made.
        let mark = file.interface.firewallMark?.value ?? 0
        owned.firewallMark = mark
        let observation = SystemObservation(link: 0, tunnel: interface, tools: ExternalTools(cancellation: nil))
        var observed = try observation.state(owned: owned, firewallMark: mark)
        observed.mtu = TunnelDevice.defaultMTU
        let facts = try observation.facts(
            file, endpoints: file.tunnelUpdate(resolved: resolved).peers.compactMap(\.endpoint), owned: owned,
            firewallMark: mark)
        let plan: Plan
        do throws(UnmetDemand) {
            plan = Plan(from: observed, owned: owned, to: try DesiredState.of(file, facts: facts, owned: owned, observed: observed))
        } catch {
            throw SetupError("set up \(interface)", error)
        }
        let hooks = { (commands: [Located<HookCommand>]) in commands.map { Hooks.shown($0.value, interface: interface) } }
        return text(
            "\(interface) would be brought up",
            ["ip tuntap add mode tun \(interface)"] + hooks(file.interface.preUp) + ["wg setconf \(interface) \(file.name)"]
                + plan.steps.compactMap { $0.command(interface: interface, tunnel: interface) } + hooks(file.interface.postUp))
    }

    /// - Parameter commands: in order; some have several lines.
    static func text(_ head: String, _ commands: [String]) -> String {
        let lines = commands.flatMap { $0.split(separator: "\n") }.map { "  \($0)\n" }.joined()
        return "\(head); nothing was changed:\n\(lines)".dropLast().description
    }
}

extension TunnelSetup {
    /// How the tunnel would be taken down now.
    func takeDownPreview(_ cancellation: Cancellation) -> String {
        let state = current
        let present = source.flatMap { try? $0.load() }
        let file = present ?? state.file
        let hooks = { [interface] (commands: [Located<HookCommand>]?) in
            (commands ?? []).map { Hooks.shown($0.value, interface: interface) }
        }
        var commands = hooks(file?.interface.preDown)
        if let source, let present, present.interface.savesConfiguration, textToSave(present) != nil {
            commands.append("wg showconf \(interface) > \(source.shownPath)")
        }
        var netlink = try? inside.netlink()
        let name = ((try? netlink?.link(index: link)) ?? nil)?.name ?? interface
        commands += execution(cancellation, .silent).planToTakeBack(state.owned).steps.compactMap {
            $0.command(interface: name, tunnel: interface)
        }
        commands += ["ip link delete dev \(name)"] + hooks(file?.interface.postDown)
        return DryRun.text("\(interface) would be taken down", commands)
    }
}
