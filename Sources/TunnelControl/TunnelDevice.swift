internal import LinuxSystem
internal import NetworkTypes
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
    /// Keeps a transient interface alive until the session does.
    private let adapter: Adapter

    /// Whose the interfaces are.
    static let pool = "wg-lite"
    /// Bytes of each of the session's two rings.
    static let ringCapacity = 0x40_0000

    /// Makes the interface and starts everything; packets flow once it is up and has keys.
    init(
        interface: String, mtu: Int, listenPort: UInt16, firewallMark: UInt32, directory: RuntimeDirectory, log: SetupReport,
        options supervisorOptions: TunnelSupervisor.Options
    ) throws(SetupError) {
        self.interface = interface
        do throws(AdapterError) {
            adapter = try Adapter.create(name: interface, pool: Self.pool, options: AdapterOptions(lifetime: .transient))
        } catch {
            var remedy = error.remedy.isEmpty ? nil : error.remedy
            if error.code == .accessDenied {
                remedy = "needs CAP_NET_ADMIN: run with sudo, or try it in a sandbox of its own: unshare -Urn wg-lite …"
            }
            throw SetupError("create the interface \(interface)", error.message, remedy: remedy)
        }
        let session: Session
        do throws(AdapterError) {
            session = try adapter.startSession(Engine.sessionOptions(capacity: Self.ringCapacity))
        } catch {
            throw SetupError("use the interface \(interface)", error.message, remedy: error.remedy.isEmpty ? nil : error.remedy)
        }
        var options = EngineOptions()
        options.mtu = mtu
        options.listenPort = listenPort
        options.firewallMark = firewallMark
        options.log = supervisorOptions.engineLog
        options.aead = supervisorOptions.aead
        options.cryptoThreads = supervisorOptions.cryptoThreads
        let engine: Engine
        do throws(EngineError) {
            engine = try Engine(session: session, options: options)
        } catch {
            session.end()
            throw SetupError("open the tunnel's sockets", "\(error)")
        }
        self.engine = engine
        do throws(SetupError) {
            server = try UAPIServer(path: directory.socket(of: interface), tunnel: Self.tunnel(engine), report: log)
        } catch {
            session.end()
            throw error
        }
        do throws(EngineError) {
            try engine.start()
        } catch {
            engine.stop()
            server.stop()
            throw SetupError("start the tunnel", "\(error)")
        }
        try server.start()
    }

    private static func tunnel(_ engine: Engine) -> UAPIServer.Tunnel {
        UAPIServer.Tunnel(
            snapshot: {
                let drops = engine.drops
                var counters = DropReason.allCases.map { (name: "drop_\($0.name)", value: drops[$0]) }
                counters.append((name: "aead_accelerated", value: engine.aead.backend == .accelerated ? 1 : 0))
                counters.append((name: "aead_reason", value: engine.aead.reason.rawValue))
                return (engine.snapshot(), counters)
            },
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

    /// Applies a change.
    func apply(_ update: TunnelUpdate, step: String) throws(SetupError) {
        do throws(EngineError) {
            try engine.apply(update)
        } catch {
            throw SetupError(step, "\(error)")
        }
    }

    /// Stops everything; the interface goes with its last descriptor.
    func stop() {
        server.stop()
        engine.stop()
    }
}
