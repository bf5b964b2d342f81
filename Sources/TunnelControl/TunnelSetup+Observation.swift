internal import LinuxSystem
internal import MachineState
internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelDiagnosis

extension TunnelSetup {
    /// Adds what has become of what the tunnel set up. Nobody is waited for: what a program keeps is as it was seen last.
    func complete(_ observation: inout Observation) {
        let state = current
        observation.resolver = resolver(state)
        observation.missingAddresses = missingAddresses(state)
        observation.everywhere = everywhere(state)
        observation.exemptMark = state.owned.rules.lazy.compactMap { if case .unmarked(let mark) = $0.kind { mark } else { nil } }.first
        for index in observation.settings.peers.indices where !state.found.isEmpty {
            guard let name = observation.settings.peers[index].endpointName,
                let found = state.found.first(where: { "\($0.key)" == name })?.value, Clock.now.since(found.time) < ProbeNotes.life
            else { continue }
            observation.settings.peers[index].nameAddresses = found.addresses
        }
        if let since = state.drift.since {
            observation.removal = RemovalObservation(
                commands: state.drift.lines, age: Clock.now.since(since), isLeft: state.drift.isLeft, failure: state.drift.failure)
        }
    }

    private func everywhere(_ state: State) -> [AddressFamily: RouteObservation] {
        let families = Set(state.owned.rules.map(\.family))
        guard state.former != nil, inside == nil, !families.isEmpty, var machine = Machine(interface: interface, index: link) else {
            return [:]
        }
        var routes: [AddressFamily: RouteObservation] = [:]
        for family in families { routes[family] = machine.route(to: Endpoint(address: Observation.internet(family), port: 53), mark: 0) }
        return routes
    }

    private func missingAddresses(_ state: State) -> [IPInterfaceAddress] {
        // Where the tunnel saves its configuration, to change the interface is to change the tunnel.
        guard state.former != nil, let file = state.file?.interface, !file.savesConfiguration, var netlink = try? inside.netlink(),
            ((try? netlink.link(index: link)) ?? nil)?.isUp ?? false, let present = try? netlink.addresses(ofLink: link)
        else { return [] }
        return file.addresses.map(\.value).filter { address in !present.contains { $0.address == address } }
    }

    private func resolver(_ state: State) -> ResolverObservation? {
        guard let owned = state.owned.nameServers else {
            // Not before it is up.
            guard state.former != nil, inside == nil, let asked = state.file?.interface, !asked.dnsServers.isEmpty else { return nil }
            return ResolverObservation(servers: [], keeper: "", reason: .unset)
        }
        guard owned.method == .file else {
            if owned.method == .resolvectl, !NameServerSetup.hasService {
                return ResolverObservation(servers: [], keeper: "systemd-resolved", reason: .stopped)
            }
            let isThere = state.seenNameServers?.isSame(as: owned) ?? false
            return ResolverObservation(
                servers: isThere ? owned.servers : [], keeper: owned.method == .resolvectl ? "systemd-resolved" : "resolvconf",
                reason: !isThere ? .replaced : owned.servers.isEmpty ? .former : .own)
        }
        let path = "/etc/resolv.conf"
        guard let content = try? SystemFile(path).read() else { return nil }
        let file = ResolverFile(content)
        let (servers, tunnel) = file.inForce
        let isThere = NameServers(method: .file, text: file.text(of: interface) ?? "").isSame(as: owned)
        return ResolverObservation(
            servers: servers.servers, keeper: path,
            reason: !isThere
                ? .replaced : tunnel.map { $0 == interface ? .own : .later($0) } ?? .former)
    }
}
