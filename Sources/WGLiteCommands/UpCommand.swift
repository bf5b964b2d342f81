internal import ArgumentParser
internal import LinuxSystem
internal import Logging
internal import TunnelConfiguration
internal import TunnelControl
internal import TunnelEngine
internal import WireGuardCrypto

struct UpCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Bring up a tunnel.", usage: "wg-lite up [<options>] <config>",
        discussion: """
            Reads a wg-quick file, makes the interface that the file is named after, configures it and returns when the tunnel is ready. \
            A failure in any step undoes all earlier ones. A handshake is then begun with each peer that has an endpoint (with the first 16), and \
            after two seconds at most it says how the tunnel is; not with --no-wait, --quiet or --foreground.

            PreUp, PostUp, PreDown and PostDown run by bash, as wg-quick's do, and have no input: what asks at the terminal (`read`, a \
            passphrase) gets none, since the tunnel's process is in the background.

            Exit status: 0 for a tunnel that is up, whatever the verdict (`status` has one for that), 1 for one that isn't, 78 for a file that \
            can't be used.
            """)

    @OptionGroup var start: StartOptions

    @Flag(name: .shortAndLong, help: "Stay attached and log to standard error.")
    var foreground = false

    @Flag(help: "Return as soon as everything is set up; no handshake is begun unless there is something to send.")
    var noWait = false

    @Flag(help: "Only say what would be done, as commands; nothing is changed.")
    var dryRun = false

    @Flag(help: "Fail when the name servers can't be set.")
    var requireDNS = false

    func run() throws {
        let word = try BackgroundStart.takeWord(keeping: [])
        let isChild = word != nil
        guard !dryRun, isChild || foreground else { return try runInBackground() }
        // Before there is a key, or a thread that would have more.
        Privileges.reduce()
        let name = (try? ConfigurationSource.interface(start.config)) ?? start.config
        let output = try TunnelOutput(tunnel: name, isChild ? .background : .foreground, start.log, start.output)
        var process: TunnelProcess
        do {
            process = try prepare(output, isChild: isChild)
        } catch let failure as CommandFailure {
            if let word {
                word.failed(failure.description)
                throw failure.status
            }
            throw output.fail(failure.description, failure.status)
        }
        try process.run(word)
    }

    /// What is to be run. Apart, so that nothing but the process to be has the file with its keys.
    private func prepare(_ output: TunnelOutput, isChild: Bool) throws -> TunnelProcess {
        let (source, file) = try start.read()
        // The process that started this one has told them.
        if !isChild { try start.check(file, outcome: Self.nothingWasMade(source), output.tell) }
        var options = start.supervisor
        options.requiresDNS = requireDNS
        return TunnelProcess(
            interface: source.interface, source: source, file: file, output: output, engine: start.engine, options: options)
    }

    private func runInBackground() throws {
        // The file's keys are in this process too, until its child has said that it is ready.
        Privileges.refuseDumps()
        let (source, file) = try start.read()
        try start.check(file, outcome: Self.nothingWasMade(source))
        let output = start.output
        if dryRun { return print(TerminalText.escapedLines(try DryRun.up(source, file, output.report))) }
        let (isReady, message) = try BackgroundStart.run(arguments: Array(Process.arguments.dropFirst()))
        guard isReady else { throw CommandFailure(message) }
        guard !output.quiet else { return }
        let palette = Palette(isOn: Terminal.isColoured(1))
        var lines = message.split(separator: "\n").map(String.init)
        if !noWait, let diagnosis = FirstVerdict.wait(for: source.interface) {
            let log = lines.last { $0.hasPrefix(TunnelProcess.logLabel) }
            lines =
                [
                    FirstVerdict.text(
                        diagnosis, summary: lines.first ?? message, names: TunnelQuery.peerNames(of: source.interface), palette: palette)
                ] + [log].compactMap { $0 }
        }
        Terminal.report(lines.joined(separator: "\n"))
    }

    private static func nothingWasMade(_ source: ConfigurationSource) -> String {
        "\(source.interface) was not created; nothing was changed."
    }
}
