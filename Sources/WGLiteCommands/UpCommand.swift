internal import ArgumentParser
internal import LinuxSystem
internal import Logging
internal import TunnelConfiguration
internal import TunnelControl
internal import TunnelEngine
internal import WireGuardCrypto

struct UpCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Bring up a tunnel.",
        discussion: """
            Reads a wg-quick file, makes the interface that the file is named after, configures it and returns when the tunnel is ready. \
            A failure in any step undoes all earlier ones. A handshake is then begun with each peer that has an endpoint (with the first 16), and \
            after two seconds at most it says how the tunnel is; not with --no-wait, --quiet or --foreground.

            Exit status: 0 for a tunnel that is up, whatever the verdict (`status` has one for that), 1 for one that isn't, 78 for a file that \
            can't be used.
            """)

    @Argument(help: "A file NAME.conf, or NAME for /etc/wireguard/NAME.conf.", completion: TunnelNames.configurations)
    var config: String

    @Flag(name: .shortAndLong, help: "Stay attached and log to standard error.")
    var foreground = false

    @Flag(help: "Return as soon as everything is set up; no handshake is begun unless there is something to send.")
    var noWait = false

    @Flag(help: "Only say what would be done, as commands; nothing is changed.")
    var dryRun = false

    @Flag(help: "Fail when the name servers can't be set.")
    var requireDNS = false

    @Option(help: ArgumentHelp("How often names of silent peers are looked up again; 0 for never.", valueName: "seconds"))
    var resolveInterval: UInt32 = 120

    @OptionGroup var output: OutputOptions
    @OptionGroup var log: LogOptions
    @OptionGroup var engine: EngineOptionGroup

    func run() throws {
        let word = try BackgroundStart.takeWord()
        let isChild = word != nil
        let (source, file) = try Self.read(config)
        if !isChild { try Self.show(file, quiet: output.quiet, outcome: "\(source.interface) was not created; nothing was changed.") }
        if dryRun { return print(TerminalText.escapedLines(try DryRun.up(source, file, output.report))) }
        if isChild || foreground {
            var options = TunnelSupervisor.Options()
            options.requiresDNS = requireDNS
            options.resolutionInterval = resolveInterval
            try TunnelProcess(
                interface: source.interface, source: source, file: file, output: output, log: log, engine: engine, options: options
            ).run(word)
            return
        }
        let (isReady, message) = try BackgroundStart.run(arguments: Array(CommandLine.arguments.dropFirst()))
        guard isReady else { throw CommandFailure(message) }
        guard !output.quiet else { return }
        let palette = Palette(isOn: Terminal.isColoured(1))
        if !noWait, let diagnosis = FirstVerdict.wait(for: source.interface) {
            let summary = message.split(separator: "\n").first.map(String.init) ?? message
            print(FirstVerdict.text(diagnosis, summary: summary, palette: palette))
        } else {
            print(message)
        }
    }

    /// Reads the file that `config` names.
    /// - Throws: with the status of a wrong configuration, whatever the reason.
    static func read(_ config: String) throws -> (ConfigurationSource, ConfigurationFile) {
        do throws(SetupError) {
            let source = try ConfigurationSource(config)
            return (source, try source.load())
        } catch {
            throw CommandFailure("\(error)", status: .configuration)
        }
    }

    /// Shows a file's problems.
    /// - Throws: when one of them is an error, with the outcome as the last line.
    static func show(_ file: ConfigurationFile, quiet: Bool, outcome: String) throws {
        for problem in file.diagnostics where problem.severity == .error || !quiet {
            Terminal.error("\(problem)", problem.severity == .error ? .error : .warning)
        }
        if file.hasErrors { throw CommandFailure(outcome, status: .configuration) }
    }
}

/// The process that runs a tunnel, in the foreground or behind a `wg-lite up` that waits for it.
struct TunnelProcess {
    var interface: String
    var source: ConfigurationSource?
    var file: ConfigurationFile?
    var output: OutputOptions
    var log: LogOptions
    var engine: EngineOptionGroup
    var options: TunnelSupervisor.Options

    /// Brings the tunnel up, says so, and stays until it ends.
    /// - Parameter word: what the starting process waits for; nil in the foreground.
    func run(_ word: consuming BackgroundStart.Word?) throws {
        let destination = LogDestination(name: interface)
        let format = log.logFormat ?? (Process.isJournal(2) ? .journald : .text)
        let handler = TunnelLogHandler(
            logLevel: Logger.Level(rawValue: log.logLevel.rawValue) ?? .notice, label: interface, format: format, destination: destination)
        let logger = Logger(label: interface) { _ in handler }
        var options = options
        options.aead = BackendChoice.Preference(rawValue: engine.aead.rawValue) ?? .automatic
        options.cryptoThreads = engine.cryptoThreads ?? EngineOptions.suitableCryptoThreads(processors: Processors.available)
        options.engineLog = logger.engineSink
        options.engineEvents = { logger.info("\($0.text)") }
        let stage = Stage()
        let (report, verbose) = (output.report, output.verbose)
        var begun: TunnelSupervisor?
        let supervisor: TunnelSupervisor
        let summary: String
        do {
            supervisor = try TunnelSupervisor(
                interface: interface, source: source, file: file, options: options,
                report: SetupReport { kind, text in
                    // Until the tunnel is up somebody watches; from then on it is the log's.
                    guard stage.isUp else { return report.tell(kind, text) }
                    switch kind {
                    case .command: if verbose { logger.info("\(text)") }
                    case .notice: logger.notice("\(text)")
                    case .warning: logger.warning("\(text)")
                    }
                })
            begun = supervisor
            summary = try supervisor.bringUp()
        } catch {
            let outcome =
                begun?.hasChangedAnything ?? false
                ? "\(interface) was not brought up; everything done so far was undone." : "Nothing was changed."
            let message = "\(error)\n\(outcome)"
            switch consume word {
            case .some(let word):
                word.failed(message)
                throw ExitCode.failure
            case .none: throw CommandFailure(message, status: error.isConfiguration ? .configuration : .failure)
            }
        }
        switch consume word {
        case .some(let word):
            destination.switchToSystemLog()
            stage.enter()
            word.ready(summary)
            Process.releaseStartupCode()
        case .none:
            stage.enter()
            if !output.quiet { Terminal.error(summary) }
        }
        supervisor.run()
    }
}
