internal import ArgumentParser
internal import TunnelConfiguration
internal import TunnelControl

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Show every problem of a file.",
        discussion: "Exit status: 0 for a file that works, 1 for errors; with --strict, 1 for warnings as well.")

    @Argument(help: "A file NAME.conf, or NAME for /etc/wireguard/NAME.conf.", completion: .file(extensions: ["conf"]))
    var config: String

    @Flag(help: "Warnings count as errors.")
    var strict = false

    @Flag(name: .shortAndLong, help: "Only the exit status.")
    var quiet = false

    func run() throws {
        let source = try ConfigurationSource(config)
        let file = try source.load()
        if !quiet { for problem in file.diagnostics { print(problem) } }
        let errors = file.diagnostics.count { $0.severity == .error }
        let warnings = file.diagnostics.count - errors
        if !quiet, errors > 0 || warnings > 0 {
            print(
                "\(source.shownPath): \(errors) \(errors == 1 ? "error" : "errors"), \(warnings) \(warnings == 1 ? "warning" : "warnings")")
        } else if !quiet {
            print("\(source.shownPath) is fine: \(file.peers.count) \(file.peers.count == 1 ? "peer" : "peers")")
        }
        if errors > 0 || strict && warnings > 0 { throw ExitCode.failure }
    }
}
