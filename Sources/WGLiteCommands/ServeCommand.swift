public import ArgumentParser
internal import LinuxSystem
internal import TunnelConfiguration
internal import TunnelControl

/// What `wg-lite serve` is asked for; `wg-lite-serve`, which does it, takes the same.
public struct ServeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where to listen; also unix:PATH. May be given several times.", valueName: "address:port"))
    public var listen: [ListenAddress] = [.standard]

    @Flag(name: .customLong("public"), help: "Listen also where other machines can reach it: they see who talks with whom, and how much.")
    public var isPublic = false

    @Argument(help: "Interfaces; all that are up without.", completion: TunnelNames.running)
    public var tunnels: [String] = []

    public init() {}

    public func validate() throws {
        for address in listen where !address.isPrivate && !isPublic {
            throw ValidationError(
                "\(address) can be reached from other machines, and whoever reaches it sees who talks with whom: add --public if that is meant."
            )
        }
        for tunnel in tunnels where !ConfigurationSource.isInterfaceName(tunnel) {
            throw ValidationError("\"\(tunnel)\" is no interface's name.")
        }
    }

    /// The words that ask for the same.
    var words: [String] {
        listen.flatMap { ["--listen", "\($0)"] } + (isPublic ? ["--public"] : []) + tunnels
    }
}

/// Serves what is to be seen of the tunnels over HTTP: by a program of its own, so that the tunnel's has no HTTP in it.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve metrics and the page of the path over HTTP.",
        discussion: """
            /metrics is for Prometheus: the names and labels of wireguard_exporter and of prometheus_wireguard_exporter, and wg_lite_… for what \
            only wg-lite knows: verdict, findings, stages of the path, drops, queues. /status.json is what `status --json` says, / the page of \
            `path --html`, live. It only reads, shows no secrets, and runs as a process of its own (wg-lite-serve) until it is ended; the \
            tunnels go on without it. It has to be the user whose tunnels they are.

            It listens on loopback, or at a local socket, which its owner and group may use. Where others can reach it, --public has to say so.
            """)

    @OptionGroup var options: ServeOptions

    /// Where the program is, from the directory of this one.
    private static let places = ["wg-lite-serve", "../libexec/wg-lite/wg-lite-serve"]

    func run() throws {
        let own = Process.executable
        let directory = own.lastIndex(of: "/").map { String(own[..<$0]) } ?? "."
        let candidates = Self.places.map { "\(directory)/\($0)" }
        guard let program = candidates.first(where: { FileSystem.status($0)?.isRegularFile ?? false }) else {
            throw CommandFailure(
                "cannot serve: the program wg-lite-serve is missing; it belongs beside wg-lite, or into ../libexec/wg-lite\n"
                    + "  from a clone: swift build -c release --product wg-lite-serve")
        }
        let error = Process.become(program, options.words)
        throw CommandFailure("cannot start \(program): \(error)")
    }
}
