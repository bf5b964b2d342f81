internal import ArgumentParser
internal import LinuxSystem
internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelControl
internal import TunnelDiagnosis
internal import TunnelView

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Try the whole way of a tunnel and say at which step it ends.",
        discussion: """
            A line a step: the TUN device, privileges, the kernel, the file, names and name servers, the route to each peer, a handshake now, \
            echoes through the tunnel in growing sizes, other tunnels. What is wrong comes again at the end, worst first. It changes nothing; \
            handshakes and echoes are sent. As root it sees all of it.

            Exit status: 0 if nothing is wrong, 1 if something is, 2 if there is nothing to look at.
            """)

    @Argument(
        help: "A running interface, or a file NAME.conf; without, the only tunnel that is up.", completion: TunnelNames.any)
    var tunnel: String?

    @Option(help: ArgumentHelp("How long it may take.", valueName: "seconds"))
    var timeout: UInt32 = 10

    @Flag(help: "The same as JSON, in a stable form.")
    var json = false

    func run() throws {
        let running = RuntimeDirectory.runningInterfaces().map(\.name)
        guard let name = tunnel ?? (running.count == 1 ? running[0] : nil) else {
            guard running.isEmpty else {
                Terminal.error("which one? These are up: \(running.joined(separator: ", "))")
                throw ExitCode(2)
            }
            return try examine(interface: nil, file: nil)
        }
        let interface: String
        var file: ConfigurationFile?
        do throws(SetupError) {
            interface = try ConfigurationSource.interface(name)
            // A running tunnel may have no file; one that isn't up must have one.
            let source = try ConfigurationSource(name)
            if running.contains(interface) { file = try? source.load() } else { file = try source.load() }
        } catch {
            Terminal.error("\(error)")
            throw ExitCode(2)
        }
        try examine(interface: running.contains(interface) ? interface : nil, file: file)
    }

    private func examine(interface: String?, file: ConfigurationFile?) throws {
        let palette = Palette(isOn: !json && Terminal.isColoured(1))
        var checks: [ExaminationCheck] = []
        let examination = Examination(interface: interface, file: file, limit: .seconds(UInt64(timeout))) { check in
            checks.append(check)
            if !json { Terminal.output(DoctorText.line(check, palette) + "\n") }
        }
        let diagnosis = examination.run()
        if json {
            print(DoctorText.document(checks, diagnosis).indented)
        } else {
            Terminal.output(DoctorText.summary(checks, diagnosis, palette) + "\n")
        }
        let isBad = checks.contains { $0.outcome == .bad } || diagnosis.map { $0.verdict.exitStatus != 0 } ?? false
        if isBad { throw ExitCode(1) }
    }
}

/// What `doctor` writes.
enum DoctorText {
    static func line(_ check: ExaminationCheck, _ palette: Palette) -> String {
        let word =
            switch check.outcome {
            case .good: palette.green("ok     ")
            case .skipped: "-      "
            case .warning: palette.yellow("warning")
            case .bad: palette.red("WRONG  ")
            }
        let name = check.name + String(repeating: " ", count: max(1, 12 - check.name.count))
        return "\(word) \(name) \(check.evidence)\(check.remedy.isEmpty ? "" : "\n                     \(check.remedy)")"
    }

    /// What it comes to, worst first.
    static func summary(_ checks: [ExaminationCheck], _ diagnosis: Diagnosis?, _ palette: Palette) -> String {
        if let diagnosis, diagnosis.findings.isEmpty, diagnosis.peers.isEmpty { return "\nnothing is wrong; the tunnel is not up" }
        if let diagnosis { return "\n" + StatusText(palette: palette, now: 0).head(diagnosis).joined(separator: "\n") }
        let bad = checks.filter { $0.outcome == .bad }
        guard let first = bad.first else { return "\nnothing is wrong with this machine; no tunnel is up to look at" }
        return "\n\(palette.red("no tunnel can work here: \(first.evidence)"))"
    }

    static func document(_ checks: [ExaminationCheck], _ diagnosis: Diagnosis?) -> JSON {
        .object([
            (
                "checks",
                .array(
                    checks.map { check in
                        .object([
                            ("name", .string(check.name)), ("outcome", .string(check.outcome.rawValue)),
                            ("evidence", .string(check.evidence)), ("remedy", .string(check.remedy)),
                        ])
                    })
            ),
            ("verdict", diagnosis.map { DiagnosisJSON.verdict($0.verdict) } ?? .null),
            ("findings", .array((diagnosis?.findings ?? []).map(DiagnosisJSON.finding))),
        ])
    }
}
