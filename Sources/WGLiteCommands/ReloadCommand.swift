internal import ArgumentParser
internal import TunnelConfiguration
internal import TunnelControl

struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", abstract: "Take over a changed file; sessions go on.",
        discussion: "Compares the file with what runs, and changes peers, addresses, routes, MTU and name servers where they differ.")

    @Argument(help: "The interface, or its file.", completion: TunnelNames.running)
    var interface: String

    @Flag(help: "Only say what would change.")
    var dryRun = false

    @OptionGroup var output: OutputOptions

    func run() throws {
        let name = try ConfigurationSource.interface(interface)
        let summary = try TunnelShutdown.reload(name, dryRun: dryRun, verbose: output.verbose) {
            Terminal.error($0.trimmingLineEnd.escapedLines)
        }
        if dryRun { print(summary.escapedLines) } else if !output.quiet { Terminal.report(summary.escapedLines) }
    }
}

extension String {
    /// Of another process: only its line ends count.
    var escapedLines: String { TerminalText.escapedLines(self) }
    var trimmingLineEnd: String { hasSuffix("\n") ? String(dropLast()) : self }
}
