internal import ArgumentParser
internal import TunnelConfiguration
internal import TunnelControl
internal import TunnelDiagnosis

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Show every problem of a file.",
        discussion: """
            Looks at the file, and at the routes and networks of this machine as they are now: an endpoint that would be routed into the tunnel, \
            a network that is also the local one, a name server that nobody's AllowedIPs hold.

            Exit status: 0 for a file that works, 1 for errors; with --strict, 1 for warnings as well; 2 if it couldn't be read.
            """)

    @Argument(help: "A file NAME.conf, or NAME for /etc/wireguard/NAME.conf.", completion: TunnelNames.configurations)
    var config: String

    @Flag(help: "Warnings count as errors.")
    var strict = false

    @Flag(name: .shortAndLong, help: "Only the exit status.")
    var quiet = false

    func run() throws {
        let source: ConfigurationSource
        let file: ConfigurationFile
        do throws(SetupError) {
            source = try ConfigurationSource(config)
            file = try source.load()
        } catch {
            Terminal.error("\(error)")
            throw ExitCode(2)
        }
        // A file with errors says nothing that could be judged; what reading reports by itself isn't said again.
        let findings =
            file.hasErrors
            ? [] : FileObservation.diagnosis(of: file, interface: source.interface).findings.filter { !$0.code.isReported(byReading: file) }
        if !quiet {
            for problem in file.diagnostics { print(problem) }
            if let more = file.omittedText { print(more) }
            for finding in findings { print(Self.text(finding, file: source.shownPath)) }
        }
        let errors = file.omittedErrors + file.diagnostics.count { $0.severity == .error } + findings.count { $0.severity == .error }
        let warnings =
            file.omittedWarnings + file.diagnostics.count { $0.severity == .warning } + findings.count { $0.severity == .warning }
        if !quiet, errors > 0 || warnings > 0 {
            print("\(source.shownPath): \(counted(errors, "error", "errors")), \(counted(warnings, "warning", "warnings"))")
        } else if !quiet {
            print("\(source.shownPath) is fine: \(counted(file.peers.count, "peer", "peers"))")
        }
        if errors > 0 || strict && warnings > 0 { throw ExitCode.failure }
    }

    private static func text(_ finding: Finding, file: String) -> String {
        var text = "\(file): \(finding.severity == .error ? "" : "\(finding.severity.name): ")\(finding.sentence)"
        for detail in [finding.evidence, finding.remedy] where !detail.isEmpty { text += "\n  \(detail)" }
        return text
    }
}

extension ConfigurationFile {
    /// That there are more problems than are shown; nil where there aren't.
    var omittedText: String? {
        guard omittedErrors + omittedWarnings > 0 else { return nil }
        return "\(name): and \(omittedErrors) more errors and \(omittedWarnings) more warnings, which are not shown"
    }
}

extension FindingCode {
    /// Whether reading the file has reported it, with line and column.
    fileprivate func isReported(byReading file: ConfigurationFile) -> Bool {
        switch self {
        case .noPrivateKey, .peerIsItself, .duplicateAllowedIPs: true
        case .smallMTU: file.diagnostics.contains { $0.message.hasPrefix("MTU:") }
        default: false
        }
    }
}
