internal import LinuxSystem
internal import MachineState
internal import NetworkTypes
internal import Synchronization
internal import TunnelConfiguration
internal import TunnelCore
internal import TunnelEngine
internal import WireGuardCrypto

/// What a tunnel has set up, and the operations that change it: bring up, reload, put back, take down. One of them at a time.
///
/// Each decides by ``MachineState/Plan`` and acts by ``PlanExecution``; what takes its time (hooks, names, other programs) can be given up.
final class TunnelSetup: Sendable {
    /// What is set up, and from what.
    struct State: Sendable {
        /// The file in force; nil for a device that others configure.
        var file: ConfigurationFile?
        /// Endpoints' names and what they were.
        var resolved: [EndpointName: Endpoint] = [:]
        /// The addresses of names that were looked up again because their peers are silent.
        var found: [EndpointName: (addresses: [IPAddress], time: Instant)] = [:]
        /// What of the system is ours.
        var owned = SystemState()
        /// What of it belongs into a file, as it came up or was reloaded; nil before.
        var former: FormerState?
        /// The tunnel's name servers as they were seen last.
        var seenNameServers: NameServers?
        /// What has vanished and was put back, or wasn't any more.
        var drift = Drift()
    }

    let interface: String
    let source: ConfigurationSource?
    let options: TunnelSupervisor.Options
    let record: TunnelRecord
    let device: TunnelDevice
    /// The interface's index, whatever it is called.
    let link: UInt32
    /// Where hooks run while the tunnel comes up: where it was called.
    let directory: String
    let resolver: HostResolver
    /// Where the interface is; nil: here.
    let inside: InsideNamespace?
    private let state: Mutex<State>

    init(
        interface: String, source: ConfigurationSource?, file: ConfigurationFile?, options: TunnelSupervisor.Options, record: TunnelRecord,
        device: TunnelDevice, owned: SystemState, inside: InsideNamespace? = nil
    ) throws(SetupError) {
        self.interface = interface
        self.source = source
        self.options = options
        self.record = record
        self.device = device
        self.inside = inside
        directory = Process.workingDirectory
        do throws(SystemError) {
            resolver = try HostResolver()
            var netlink = try inside.netlink()
            link = try netlink.link(named: interface)?.index ?? 0
        } catch {
            throw SetupError("look up the interface \(interface)", error)
        }
        var state = State()
        state.file = file
        state.owned = owned
        // The device was made with it.
        state.owned.firewallMark = file?.interface.firewallMark?.value ?? 0
        self.state = Mutex(state)
    }

    /// What is set up now.
    var current: State { state.withLock { $0 } }

    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    func observation(_ cancellation: Cancellation?) -> SystemObservation {
        SystemObservation(link: link, tunnel: interface, tools: ExternalTools(cancellation: cancellation), inside: inside)
    }

    func execution(_ cancellation: Cancellation?, _ report: SetupReport) -> PlanExecution {
        let requiresDNS = options.requiresDNS
        return PlanExecution(observation: observation(cancellation), record: record, device: device, report: report) { step in
            switch step {
            // A strict reverse path filter may then drop answers; most have none.
            case .acceptMarkedSources, .keepSecondaryAddresses: true
            case .setNameServers(_, _?): !requiresDNS
            default: false
            }
        }
    }

    /// Carries out a plan for what is set up.
    func perform(_ plan: Plan, _ cancellation: Cancellation, _ report: SetupReport) throws(SetupError) {
        var owned = current.owned
        defer { change { $0.owned = owned } }
        try execution(cancellation, report).perform(plan, owned: &owned)
        change { $0.seenNameServers = owned.nameServers }
    }

    /// Looks and acts while no other tunnel does.
    func inTurn<Result, Failure: Error>(
        _ cancellation: Cancellation?, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // In namespaces of its own it is in nobody's way.
        guard inside == nil else { return try body() }
        return try record.inTurn(cancellation, body)
    }

    /// What of the tunnel belongs into a file.
    var savedState: SavedState {
        var netlink = try? inside.netlink()
        // Moved to another network namespace, its addresses are those of the file.
        let isHere = ((try? netlink?.link(index: link)) ?? nil) != nil
        let observed = isHere ? try? observation(nil).state(owned: current.owned, firewallMark: 0).addresses : nil
        return SavedState(device.engine.snapshot(), addresses: observed)
    }

    /// The plan for `file`.
    /// - Parameter endpoints: where its peers are.
    func plan(
        _ file: ConfigurationFile, endpoints: [Endpoint], _ cancellation: Cancellation
    ) throws(SetupError) -> Plan {
        let observation = observation(cancellation)
        let mark = device.engine.snapshot().firewallMark
        var owned = current.owned
        let observed = try observation.state(owned: owned, firewallMark: mark)
        let facts = try observation.facts(file, endpoints: endpoints, owned: owned, firewallMark: mark)
        do throws(UnmetDemand) {
            let desired = try DesiredState.of(file, facts: facts, owned: owned, observed: observed)
            if observed.acceptsMarkedSources, inside == nil, SystemObservation.othersUseMarks(but: owned) {
                // What the first of several tunnels switched on the last one switches off, and no other.
                owned.acceptsMarkedSources =
                    desired.acceptsMarkedSources && (owned.acceptsMarkedSources || record.othersAcceptMarkedSources)
            }
            return Plan(from: observed, owned: owned, to: desired)
        } catch {
            throw SetupError("set up \(interface)", error)
        }
    }

    /// Looks up names that have no address yet.
    /// - Parameter isPatient: whether a failure that may pass is tried again.
    func resolve(
        _ endpoints: [UnresolvedEndpoint], of file: ConfigurationFile, _ cancellation: Cancellation, _ report: SetupReport,
        isPatient: Bool = true
    ) throws(SetupError) -> [EndpointName: Endpoint] {
        try (isPatient ? EndpointResolution.fromEnvironment() : EndpointResolution(retries: 0)).resolve(
            endpoints, file: file.name, report,
            lookUp: { [resolver] name in
                (try? resolver.resolve(.init(host: name.host, service: name.service), cancelledBy: cancellation.descriptor)) ?? nil
            },
            pause: { length in DescriptorPoll.wait([.init(cancellation.descriptor)], for: length) != [true] })
    }

    /// Looks names up again whose peers have been silent.
    func refreshEndpoints(_ cancellation: Cancellation, _ report: SetupReport) {
        guard let file = current.file else { return }
        let now = Clock.unixNanoseconds
        let peers = Dictionary(device.engine.snapshot().peers.map { ($0.publicKey, $0) }, uniquingKeysWith: { $1 })
        let facts = device.engine.facts()
        let silent = Set(facts.peers.filter { $0.isUnanswered(at: facts.time.now) }.map(\.publicKey))
        for endpoint in file.unresolvedEndpoints {
            guard let peer = peers[endpoint.publicKey] else { continue }
            if let handshake = peer.lastHandshake, handshake + Self.staleAfter.nanoseconds > now, !silent.contains(endpoint.publicKey) {
                continue
            }
            let question = HostResolver.Question(host: endpoint.name.host, service: endpoint.name.service)
            guard let outcome = (try? resolver.resolve(question, cancelledBy: cancellation.descriptor)) ?? nil else { return }
            if case .found(let found) = outcome {
                change { $0.found[endpoint.name] = (Array(found.map(\.address).prefix(16)), Clock.now) }
            }
            guard case .found(let found) = outcome, let first = found.first, !found.contains(where: { $0 == peer.endpoint }) else {
                continue
            }
            report.notice("peer \(endpoint.publicKey.abbreviation) is silent; \(endpoint.name) is \(first) now")
            var change = PeerUpdate(publicKey: endpoint.publicKey)
            change.updatesOnly = true
            change.endpoint = first
            var update = TunnelUpdate()
            update.peers = [change]
            try? device.engine.apply(update)
            self.change { $0.resolved[endpoint.name] = first }
        }
    }

    /// A handshake that is older means that its session has ended: the reject time plus one attempt.
    private static let staleAfter = Interval.seconds(180 + 5)
}

extension SetupError {
    init(_ step: String, _ demand: UnmetDemand) {
        switch demand {
        case .noSuchTable(let name):
            self.init(
                "use the routing table \(name)", "there is none of that name in /etc/iproute2/rt_tables", remedy: "write its number")
        case .mtuTooSmall(let mtu, let address):
            self.init(
                step, "an MTU of \(mtu) leaves no room for IPv6, which needs 1280, and \(address) is an IPv6 address",
                remedy: "write MTU = 1280 or more, or leave the IPv6 address out")
        }
    }
}

extension PeerFacts {
    /// Whether what was sent to the peer has been without an answer for longer than its keepalive takes.
    fileprivate func isUnanswered(at now: Instant) -> Bool {
        traffic.unansweredSince.map { now.since($0) >= .seconds(11) } ?? false || handshakes.unanswered >= 2
    }
}
