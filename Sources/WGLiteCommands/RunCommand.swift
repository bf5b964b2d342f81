internal import ArgumentParser
internal import LinuxSystem
internal import Logging
internal import TunnelConfiguration
internal import TunnelControl
internal import TunnelEngine
internal import WireGuardCrypto

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a command inside of a tunnel, without root.",
        usage: "wg-lite run [<options>] <config> [-- <command> ...]",
        discussion: """
            Reads a wg-quick file and brings the tunnel up in namespaces of its own, in which COMMAND runs with your identity, directory, terminal \
            and environment (and WG_LITE_INTERFACE, the tunnel's name). Nothing else on the machine sees the tunnel, and COMMAND sees no other \
            network: what is in nobody's AllowedIPs has no route there. Without COMMAND your shell is started.

            Names are looked up by the file's DNS servers and by nobody else; without DNS in the file they aren't, but for those in /etc/hosts. \
            systemd-resolved, nscd, avahi and the machine's D-Bus can't be asked inside. Services that listen inside are reached from outside with --publish.

            The tunnel ends with COMMAND, and what COMMAND leaves running has no network then; with --wait-all it lives as long as anything \
            inside does. Several can run at a time; the second of office.conf is called office-2. `status`, `show`, `reload` and `down` know \
            them by these names. `down` hangs COMMAND up (SIGHUP). Two that use one private key at the same time disturb each other: the server \
            answers the one that spoke last.

            It needs /dev/net/tun and user namespaces, both open to everybody on most distributions, and says what is missing. Hooks are refused \
            (--skip-hooks passes over them), Table is passed over but for off, SaveConfig too. Files of other users appear as nobody's inside, \
            and set-user-ID programs (sudo) don't work there.

            Exit status: COMMAND's; if a signal ended it, the same signal ends this. 127 if there is no such command, 126 if it can't be \
            executed, 1 if the tunnel can't be brought up, 78 for a file that can't be used.
            """)

    @OptionGroup var start: StartOptions

    @Argument(parsing: .postTerminator, help: "What to run, after --; your shell without.")
    var command: [String] = []

    /// What is run, as it was given: its words need not be text, and the parser, which only knows of them for the help, doesn't see them.
    var words: [[UInt8]] = []

    @Flag(help: "Stay as long as anything inside lives, not only COMMAND.")
    var waitAll = false

    @Option(
        help: ArgumentHelp(
            "Make a port inside reachable outside: 8080:80 at 127.0.0.1, ADDRESS:8080:80 elsewhere, 5353:53/udp for datagrams; repeatable.",
            valueName: "port"),
        transform: { text in
            guard let port = PublishedPort(text) else {
                throw ValidationError("\"\(text)\" is no port to publish: write 8080:80, ADDRESS:8080:80, or 5353:53/udp")
            }
            return port
        })
    var publish: [PublishedPort] = []

    @Flag(help: "Pass over the file's hooks (PreUp, PostUp, PreDown, PostDown).")
    var skipHooks = false

    private enum CodingKeys: CodingKey {
        case start, command, waitAll, publish, skipHooks
    }

    func run() throws {
        Privileges.refuseDumps()
        let job = try CommandInside()
        if waitAll { Process.becomeSubreaper() }
        let (source, file) = try start.read()
        try start.check(file, outcome: "Nothing was run.")
        let notices = try Isolation.notices(on: file, skipsHooks: skipHooks, mayMark: UDPSocket.mayMark)
        var options = start.supervisor
        options.isolation = Isolation(command: job, ports: publish)
        let stage = Stage()
        let (supervisor, summary) = try bringUp(source, file, options, stage)
        guard let inside = supervisor.inside else { throw CommandFailure("\(supervisor.interface) has no namespace of its own") }
        let output = start.output
        if !output.quiet { for notice in notices { Terminal.error(notice) } }
        if let warning = inside.warning { Terminal.error("warning: \(warning)", .warning) }
        let shell = Process.environment("SHELL").flatMap { $0.isEmpty ? nil : $0 } ?? "/bin/sh"
        if output.verbose || words.isEmpty && !output.quiet { Terminal.error(summary) }
        if words.isEmpty, !output.quiet {
            Terminal.error("this shell runs inside of the tunnel \(supervisor.interface); `exit` ends both")
        }
        stage.enter()
        var failure: CommandInside.StartFailure?
        do throws(CommandInside.StartFailure) {
            try job.start(
                words.isEmpty ? [Array(shell.utf8)] : words, adding: ["\(Isolation.variable)=\(supervisor.interface)"], in: inside,
                waitsForAll: waitAll)
        } catch {
            failure = error
        }
        supervisor.run()
        if job.hasLostInside {
            Terminal.error("the process that holds the namespace of \(supervisor.interface) was killed: the tunnel ended", .error)
        }
        job.hangUp()
        let outcome = job.waitUntilEnded()
        inside.leave()
        if let failure { throw CommandFailure(failure.message, status: ExitCode(failure.status)) }
        switch outcome {
        case .exited(let status): throw ExitCode(status)
        case .signalled(let signal), .interrupted(let signal): Process.end(by: signal)
        case .notStarted: throw ExitCode.failure
        }
    }

    /// Brings the tunnel up under the first name that is free.
    private func bringUp(
        _ source: ConfigurationSource, _ file: ConfigurationFile, _ options: TunnelSupervisor.Options, _ stage: Stage
    ) throws -> (TunnelSupervisor, String) {
        var refusal: SetupError?
        for name in Isolation.names(source.interface) {
            let told = try TunnelOutput(tunnel: name, .foreground, start.log, start.output)
            var options = options
            options.take(start.engine, told)
            let supervisor = try TunnelSupervisor(
                interface: name, source: source, file: file, options: options, report: told.report(stage))
            do throws(SetupError) {
                let summary = try supervisor.bringUp()
                // The terminal is the command's now.
                if !start.output.verbose { _ = told.destination.switchToSystemLog(or: supervisor.logFile) }
                return (supervisor, summary)
            } catch {
                guard error.isTaken else {
                    if case .interrupted(let signal)? = options.isolation?.command.outcome { Process.end(by: signal) }
                    throw CommandFailure("\(error)\nNothing was run.", status: error.isConfiguration ? .configuration : .failure)
                }
                refusal = error
            }
        }
        throw CommandFailure(refusal.map { "\($0)" } ?? "no name is free", status: .failure)
    }
}

/// The process inside of a tunnel's own namespaces; `run` starts it.
struct InsideCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: InsideProcess.command, abstract: "Serve the namespaces of a tunnel that `run` brings up.", shouldDisplay: false)

    @Argument(help: "The inherited end of the channel to the process that runs the tunnel.")
    var channel: Int32

    func run() throws {
        guard channel > 2 else { throw CommandFailure("it is for `wg-lite run` to start") }
        InsideProcess.run(channel: channel)
    }
}
