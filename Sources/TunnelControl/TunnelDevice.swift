internal import LinuxSystem
internal import MachineState
internal import NetworkTypes
internal import PathRecording
internal import TunAdapter
internal import TunnelConfiguration
internal import TunnelCore
internal import TunnelEngine
internal import WireGuardCrypto

/// The interface with the engine that moves its packets, and the UAPI socket that answers for them.
final class TunnelDevice: Sendable {
    let interface: String
    let engine: Engine
    let server: UAPIServer
    /// Keeps a transient interface alive until the session does; nil for one that was handed over.
    private let adapter: Adapter?

    /// The MTU of an interface that nobody has set one for: 1500 less what the tunnel adds over IPv6.
    static let defaultMTU: UInt32 = 1500 - DesiredState.overhead
    /// Bytes of each of the session's two rings.
    static let ringCapacity = 0x40_0000

    /// Makes the interface and starts everything; packets flow once it is up and has keys.
    init(
        interface: String, mtu: Int, listenPort: UInt16, firewallMark: UInt32, directory: RuntimeDirectory, log: SetupReport,
        options supervisorOptions: TunnelSupervisor.Options, inside: InsideNamespace? = nil
    ) throws(SetupError) {
        self.interface = interface
        var inherited = supervisorOptions.inherited
        if let inside { inherited.tun = inside.tun }
        adapter = inherited.tun == nil ? try Self.makeAdapter(interface) : nil
        let session = try Self.startSession(interface, adapter, inherited.tun)
        var options = EngineOptions()
        options.mtu = mtu
        options.listenPort = listenPort
        options.firewallMark = firewallMark
        options.log = supervisorOptions.engineLog
        options.events = supervisorOptions.engineEvents
        options.aead = supervisorOptions.aead
        options.cryptoThreads = supervisorOptions.cryptoThreads
        options.peerName = { $0.abbreviation }
        let link = LinkWatch(interface, inside)
        // The index means another interface, or none, where our datagrams leave.
        options.interfaceIndex = inside == nil ? link.index : nil
        options.isLinkUp = link.state.isUp
        let engine: Engine
        do throws(EngineError) {
            engine = try Engine(session: session, options: options)
        } catch {
            session.end()
            throw Self.socketError(error, interface)
        }
        self.engine = engine
        do throws(SetupError) {
            if let listener = inherited.uapi {
                server = try UAPIServer(listener: listener, tunnel: Self.tunnel(engine), report: log)
            } else {
                server = try UAPIServer(path: directory.socket(of: interface), tunnel: Self.tunnel(engine), report: log)
            }
        } catch {
            engine.stop()
            throw error
        }
        do throws(EngineError) {
            try engine.start()
        } catch {
            engine.stop()
            server.stop()
            throw SetupError("start the tunnel", "\(error)")
        }
        do throws(SetupError) {
            try server.start()
        } catch {
            engine.stop()
            server.stop()
            throw error
        }
    }

    private static func socketError(_ error: EngineError, _ interface: String) -> SetupError {
        let port: UInt16
        switch error {
        case .system: return SetupError("open the tunnel's sockets", "\(error)")
        case .portRefused(let port): return ServiceSandbox.refusal(ofPort: port, unit: ServiceSandbox.unit)
        case .portInUse(let taken): port = taken
        }
        let step = "listen on UDP port \(port)"
        let remedy = "choose another ListenPort, or leave it out"
        for other in RuntimeDirectory.runningInterfaces() where other.name != interface {
            guard let state = try? TunnelQuery.state(of: other.name), state.snapshot.listenPort == port else { continue }
            return SetupError(step, "the tunnel \(other.name) has it already", remedy: "\(remedy); or `wg-lite down \(other.name)`")
        }
        return SetupError(
            step, "port \(port) is in use by another program", remedy: "\(remedy); `ss -ulnp sport = :\(port)` says whose it is")
    }

    static func makeAdapter(_ interface: String) throws(SetupError) -> Adapter {
        do throws(AdapterError) {
            let adapter = try Adapter.create(name: interface, pool: "", options: AdapterOptions(lifetime: .transient, isListed: false))
            // The kernel makes it with 1500; nobody may come by to set it, as nobody does for the kernel's own WireGuard.
            try adapter.setMTU(defaultMTU)
            return adapter
        } catch {
            let step = "create the interface \(interface)"
            let surroundings = Surroundings.current
            if let missing = surroundings.missingDevice { throw SetupError(step, missing.cause, remedy: missing.remedy) }
            if error.code == .accessDenied {
                throw SetupError(step, "\(error.message): \(surroundings.missingPrivilege)", remedy: surroundings.privilegeRemedy)
            }
            throw SetupError(step, error.message, remedy: error.remedy.isEmpty ? nil : error.remedy)
        }
    }

    private static func startSession(_ interface: String, _ adapter: Adapter?, _ inherited: Int32?) throws(SetupError) -> Session {
        let options = Engine.sessionOptions(capacity: ringCapacity)
        do throws(AdapterError) {
            if let adapter { return try adapter.startSession(options) }
            return try Session.start(attached: TunDescriptor(owning: FileDescriptor(owning: inherited ?? -1)), options)
        } catch {
            throw SetupError("use the interface \(interface)", error.message, remedy: error.remedy.isEmpty ? nil : error.remedy)
        }
    }

    private static func tunnel(_ engine: Engine) -> UAPIServer.Tunnel {
        UAPIServer.Tunnel(
            snapshot: { engine.snapshot() },
            apply: { update in
                do throws(EngineError) {
                    try engine.apply(update)
                    return 0
                } catch {
                    if case .portInUse = error { return ErrorNumber.addressInUse }
                    return ErrorNumber.inputOutput
                }
            })
    }

    /// Our own figures, which are asked for over the control socket.
    static func counters(of engine: Engine) -> [(name: String, value: UInt64)] {
        let drops = engine.drops
        var counters = DropReason.allCases.map { (name: "drop_\($0.name)", value: drops[$0]) }
        counters.append((name: "aead_accelerated", value: engine.aead.backend == .accelerated ? 1 : 0))
        counters.append((name: "aead_reason", value: engine.aead.reason.rawValue))
        let figures = engine.directionFigures
        for direction in PathDirection.allCases {
            let way = direction == .outbound ? figures.outbound : figures.inbound
            for percent in LatencyHistogram.shownPercentiles {
                guard let interval = way.latency.percentile(Double(percent) / 100) else { continue }
                counters.append((name: "latency_\(direction.word)_\(percent)_ns", value: interval.nanoseconds))
            }
            for (stage, figures) in zip(direction.stageNames, way.stages) {
                counters.append((name: "time_\(direction.word)_\(stage)_ns", value: figures.time.nanoseconds))
            }
        }
        return counters
    }

    /// Applies a change.
    func apply(_ update: TunnelUpdate, step: String) throws(SetupError) {
        do throws(EngineError) {
            try engine.apply(update)
        } catch {
            throw SetupError(step, "\(error)")
        }
    }

    /// Takes over what has become of the interface.
    /// - Returns: why nothing can be sent or received, though it is up; nil where that can be.
    func follow(_ link: LinkWatch.State) -> EngineError? {
        engine.setMTU(Int(link.mtu))
        do throws(EngineError) {
            try engine.setLinkUp(link.isUp)
            return nil
        } catch {
            return error
        }
    }

    /// Stops everything and removes the interface; one that was handed over goes with its last descriptor.
    func stop() {
        server.stop()
        engine.stop()
        engine.forgetKeys()
        // What runs afterwards (PostDown) finds no interface. Should the kernel refuse, it goes with its last descriptor.
        try? adapter?.delete(force: true)
    }
}

/// Descriptors that another program opened for us, as wireguard-go takes them; ours from then on.
public struct InheritedDescriptors: Hashable, Sendable {
    /// WG_TUN_FD: an attached TUN queue.
    public var tun: Int32?
    /// WG_UAPI_FD: a listening control socket.
    public var uapi: Int32?

    public init() {}

    /// The numbers of those that were handed over.
    public var numbers: [Int32] { [tun, uapi].compactMap { $0 } }

    /// Reads both from the environment.
    /// - Throws: when a variable doesn't name what it should: any other descriptor is somebody's, and taking it over would harm him.
    public static func fromEnvironment() throws(SetupError) -> InheritedDescriptors {
        var inherited = InheritedDescriptors()
        inherited.tun = try number("WG_TUN_FD", "a TUN queue that is attached to an interface", TunDescriptor.isAttachedQueue)
        inherited.uapi = try number("WG_UAPI_FD", "a listening Unix socket", FileDescriptor.isListeningUnixSocket)
        return inherited
    }

    /// Attaches to an interface that somebody has made before (`ip tuntap add`) and that nobody is attached to, as wireguard-go does. It stays
    /// when its user ends. Any other is left to whoever makes interfaces, who says what is wrong with it.
    public mutating func adopt(_ interface: String) {
        guard tun == nil, var netlink = try? NetlinkSocket(), let link = (try? netlink.link(named: interface)) ?? nil,
            let kind = link.tun, kind.isTun, kind.isPersistent, !link.hasCarrier, kind.queueCount ?? 0 == 0
        else { return }
        let flags: TunDescriptor.Flags = [.tun, .noPacketInformation, .virtioNetHeader]
        guard let queue = try? TunDescriptor(),
            (try? queue.attach(name: interface, flags: kind.isMultiQueue ? flags.union(.multiQueue) : flags)) == interface
        else { return }
        // As for one that is made; what can't be set by who owns the interface only stays as it is.
        try? netlink.changeLink(link.index, LinkChange(mtu: TunnelDevice.defaultMTU))
        tun = queue.takeDescriptor().take()
    }

    private static func number(_ variable: String, _ what: String, _ isThat: (Int32) -> Bool) throws(SetupError) -> Int32? {
        guard let text = Process.environment(variable) else { return nil }
        guard let number = Int32(text), number > 2, isThat(number) else {
            throw SetupError("take over \(variable)=\(text)", "that is not the number, from 3 on, of \(what)", remedy: "unset it")
        }
        return number
    }
}
