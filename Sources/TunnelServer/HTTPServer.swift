internal import LinuxSystem
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NetworkTypes
internal import Synchronization
internal import TunnelConfiguration
public import TunnelControl
public import WGLiteCommands

/// The server's sockets and threads: one for connections, two that ask tunnels.
public final class HTTPServer {
    /// Connections at once; more are closed at once. Prometheus has one, a browser a few.
    private static let mostConnections: Int32 = 32

    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let pool = NIOThreadPool(numberOfThreads: 2)
    private var channels: [any Channel] = []
    private var localPaths: [String] = []

    public init() {
        pool.start()
    }

    /// Listens at all addresses, or at none.
    /// - Throws: `SetupError` when one can't be had.
    public func listen(_ options: ServeOptions) throws(SetupError) {
        let answers = TunnelAnswers(tunnels: options.tunnels)
        for address in options.listen {
            do throws(SetupError) {
                try listen(address, answers)
            } catch {
                close()
                throw error
            }
        }
    }

    private func listen(_ address: ListenAddress, _ answers: TunnelAnswers) throws(SetupError) {
        let isLocal = if case .local = address { true } else { false }
        let hosts = HostPolicy(admitsAll: isLocal || !address.isPrivate)
        let (pool, connections) = (pool, ConnectionCount())
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                let isWelcome = connections.enter() <= Self.mostConnections
                channel.closeFuture.whenComplete { _ in connections.leave() }
                guard isWelcome else { return channel.close() }
                return channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: true, withErrorHandling: true)
                    try pipeline.addHandler(IdleStateHandler(allTimeout: .seconds(30)))
                    try pipeline.addHandler(RequestHandler(hosts, pool) { answers.answer($0) })
                }
            }
        let step = "listen at \(address)"
        do {
            switch address {
            case .internet(let endpoint):
                channels.append(try bootstrap.bind(host: "\(endpoint.address)", port: Int(endpoint.port)).wait())
            case .local(let path):
                try Self.clear(path, step)
                channels.append(try bootstrap.bind(unixDomainSocketPath: path).wait())
                localPaths.append(path)
            }
        } catch let error as SetupError {
            throw error
        } catch let error as IOError {
            let system = SystemError(errno: error.errnoCode, operation: "listen", subject: "\(address)")
            throw SetupError(
                step, TerminalText.escaped(system.message),
                remedy: system.errno == ErrorNumber.addressInUse ? "another program listens there: choose another with --listen" : nil)
        } catch {
            throw SetupError(step, "\(error)")
        }
    }

    /// Takes away what a server that was killed left at a local socket's path, and nothing else.
    private static func clear(_ path: String, _ step: String) throws(SetupError) {
        guard let status = FileSystem.status(path, followsLinks: false) else { return }
        guard status.isSocket, status.owner == Process.effectiveUser else {
            throw SetupError(step, "there is something else at that path", remedy: "remove it, or choose another path")
        }
        do throws(SystemError) {
            _ = try UnixSocket.connect(to: path)
        } catch {
            FileSystem.remove(path)
            return
        }
        throw SetupError(step, "another process listens there", remedy: "is `wg-lite serve` running already?")
    }

    /// Ends all connections and gives the sockets up.
    public func close() {
        for channel in channels { try? channel.close().wait() }
        for path in localPaths { FileSystem.remove(path) }
        channels = []
        localPaths = []
    }
}

/// How many connections there are.
private final class ConnectionCount: Sendable {
    private let count = Atomic<Int32>(0)

    func enter() -> Int32 { count.add(1, ordering: .relaxed).newValue }
    func leave() { count.subtract(1, ordering: .relaxed) }
}
