internal import ArgumentParser
internal import TunnelControl

struct DownCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Take down a tunnel.",
        discussion: "Waits until everything is gone. What a tunnel that was killed left behind is removed as well.")

    @Argument(help: "The interface, or its file.", completion: TunnelNames.running)
    var interface: String

    @Flag(help: "Only say what would be done, as commands.")
    var dryRun = false

    @OptionGroup var output: OutputOptions

    func run() throws {
        let name = try ConfigurationSource.interface(interface)
        let source = try? ConfigurationSource(interface)
        let summary = try TunnelShutdown.down(name, source, dryRun: dryRun, verbose: output.verbose, report: output.report) {
            Terminal.error($0.trimmingLineEnd.escapedLines)
        }
        if dryRun { print(summary.escapedLines) } else if !output.quiet { Terminal.report(summary.escapedLines) }
    }
}
