public import ArgumentParser
internal import LinuxSystem
internal import TunnelConfiguration
internal import TunnelControl

/// `wg-lite`: its commands, and how the words of a command line find them.
public struct WGLiteCommand: ParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "wg-lite",
        abstract: "A WireGuard tunnel in userspace.",
        version: version,
        groupedSubcommands: [
            CommandGroup(
                name: "Tunnels:", subcommands: [UpCommand.self, RunCommand.self, DownCommand.self, StatusCommand.self, ReloadCommand.self]),
            CommandGroup(
                name: "Looking closer:",
                subcommands: [
                    TopCommand.self, PathCommand.self, TraceCommand.self, CaptureCommand.self, ShowCommand.self, CheckCommand.self,
                    DoctorCommand.self,
                ]),
            CommandGroup(name: "Keys:", subcommands: [GenkeyCommand.self, PubkeyCommand.self, GenpskCommand.self]),
            CommandGroup(
                name: "For other programs:", subcommands: [ServeCommand.self, DeviceCommand.self, ManualCommand.self, InsideCommand.self]),
        ])

    /// The version of program, library and packages: scripts read it here.
    public static let version = "1.0.0"
    /// The day of that version, for the manual pages: the changelog's.
    static let released = "2026-11-25"

    public init() {}

    /// Runs the command that the process was started with, and ends it.
    public static func runProcess() -> Never {
        run(Array(Process.arguments.dropFirst()), Array(Process.argumentBytes.dropFirst()))
    }

    /// Runs the command that `arguments` (without the program's name) stand for, and ends the process.
    /// - Parameter bytes: the same words as they were given.
    public static func run(_ arguments: [String], _ bytes: [[UInt8]]) -> Never {
        FileDescriptor.fillStandardDescriptors()
        switch meaning(of: arguments) {
        case .overview:
            print(overview)
            exit()
        case .nearMiss(let written, let meant):
            Terminal.error(
                """
                there is no command "\(written)": did you mean `wg-lite \(meant)`?
                  (to make a device of that name: wg-lite device \(written))
                """)
            exit(withError: ExitCode(64))
        case .noName(let written):
            Terminal.error(
                """
                "\(written)" is no command, and can't name an interface: 1 to 15 letters, digits and _=+.-
                  (`wg-lite help` names the commands)
                """)
            exit(withError: ExitCode(64))
        case .command(let words):
            do {
                var command = try parse(words, bytes)
                try command.run()
                exit()
            } catch let failure as CommandFailure {
                fail(failure.description, failure.status)
            } catch let failure as SetupError {
                fail(failure.description, failure.isConfiguration ? .configuration : .failure)
            } catch {
                exit(withError: error)
            }
        }
    }

    /// Reads a command line. Of `run` the words behind `--` are another program's: they aren't parsed, and need not be text.
    static func parse(_ words: [String], _ bytes: [[UInt8]]) throws -> any ParsableCommand {
        guard words.first == "run", let end = words.firstIndex(of: "--"), bytes.count == words.count else { return try parseAsRoot(words) }
        var command = try parseAsRoot(Array(words[..<end]))
        if var run = command as? RunCommand {
            run.words = Array(bytes[(end + 1)...])
            command = run
        }
        return command
    }

    private static func fail(_ text: String, _ status: ExitCode) -> Never {
        Terminal.error(text, .error)
        exit(withError: status)
    }

    /// What the words of a command line ask for.
    enum Meaning: Hashable {
        case overview
        /// A word that is almost a command's name.
        case nearMiss(String, String)
        /// A word that is neither a command nor what an interface can be called.
        case noName(String)
        /// Words for the parser.
        case command([String])
    }

    static var commandNames: [String] {
        configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
    }

    /// A first word that is no command is the interface to make, as wireguard-go takes it, unless it is almost a command.
    static func meaning(of arguments: [String]) -> Meaning {
        guard let first = arguments.first else { return .overview }
        if arguments == ["-h"] || arguments == ["--help"] || arguments == ["help"] { return .overview }
        if arguments.count == 2, first == "-f" || first == "--foreground" { return .command(["device"] + arguments) }
        guard !first.hasPrefix("-"), !commandNames.contains(first) else { return .command(arguments) }
        // Interfaces have digits in their names, commands never do.
        if !first.contains(where: \.isNumber), let meant = NearMiss.nearest(to: first, among: commandNames) {
            return .nearMiss(first, meant)
        }
        guard arguments.dropFirst().allSatisfy({ $0.hasPrefix("-") }) else { return .command(arguments) }
        return ConfigurationSource.isInterfaceName(first) ? .command(["device"] + arguments) : .noName(first)
    }

    static let overview = """
        wg-lite: a WireGuard tunnel in userspace

          sudo wg-lite up office.conf    bring up the tunnel of a file
          wg-lite status                 which tunnels are up, and how they are
          sudo wg-lite down office       take it down again
          wg-lite run office.conf -- COMMAND   run a command inside, without root

          wg-lite check office.conf      every problem of a file, and what to write
          wg-lite doctor [office]        try the whole way: at which step does it end?
          wg-lite top office             watch its peers, and its packets stage by stage
          wg-lite path office            draw the path of its packets, with figures
          sudo wg-lite trace 10.8.0.5    follow packets through every stage
          sudo wg-lite capture -w FILE   write them, inside and outside, for Wireshark
          wg-lite reload office          take over a changed file; sessions go on
          wg-lite show [office]          the state as `wg show` has it, or --json
          wg-lite genkey|pubkey|genpsk   make keys: wg-lite genkey >k; wg-lite pubkey <k
          wg-lite wg0                    an unconfigured device, for `wg`, `wg-quick`

        Files are wg-quick's; `up office` takes /etc/wireguard/office.conf.
        `wg-lite COMMAND --help` says more. -v shows each step as the `ip` command
        that would do the same, -q says nothing.                        wg-lite \(version)
        """
}
