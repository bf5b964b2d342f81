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
        let outcome = examination.run()
        if json {
            print(DoctorText.document(checks, outcome).indented)
        } else {
            Terminal.output(DoctorText.summary(checks, outcome, palette) + "\n")
        }
        let isBad = checks.contains { $0.outcome == .bad } || DoctorText.verdict(checks, outcome).map { $0.exitStatus != 0 } ?? false
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

    /// What the whole comes to; nil without a tunnel, and without a file that can be used.
    static func verdict(_ checks: [ExaminationCheck], _ outcome: Examination.Outcome) -> Verdict? {
        switch outcome {
        case .machine, .file(nil): return nil
        case .tunnel(let diagnosis): return diagnosis.verdict
        // A diagnosis of a file speaks of a tunnel that is up.
        case .file(let diagnosis?):
            if diagnosis.verdict.exitStatus != 0 { return diagnosis.verdict }
            if let bad = checks.first(where: { $0.outcome == .bad }) {
                return Verdict(.doesNotWork, line: "something is wrong: \(words(bad))")
            }
            if diagnosis.verdict.outcome == .worksWithFindings { return diagnosis.verdict }
            return Verdict(.waits, line: "nothing is wrong; the tunnel is not up")
        }
    }

    /// What it comes to, worst first.
    static func summary(_ checks: [ExaminationCheck], _ outcome: Examination.Outcome, _ palette: Palette) -> String {
        let text = StatusText(palette: palette, now: 0)
        var bad = checks.filter { $0.outcome == .bad }
        var lines: [String]
        switch outcome {
        case .machine:
            guard !bad.isEmpty else { return "\nnothing is wrong with this machine; no tunnel is up to look at" }
            lines = [palette.red("no tunnel can work here: \(words(bad[0]))")] + remedy(bad.removeFirst())
        case .file(nil):
            lines = bad.isEmpty ? [] : [palette.red("something is wrong: \(words(bad[0]))")] + remedy(bad.removeFirst())
        case .file(let diagnosis?), .tunnel(let diagnosis):
            let verdict = verdict(checks, outcome) ?? diagnosis.verdict
            if verdict == diagnosis.verdict {
                lines = text.head(diagnosis)
                // What was tried with peers is told by findings.
                if diagnosis.findings.contains(where: { $0.severity > .note }) { bad.removeAll { Self.triedWithPeers.contains($0.name) } }
            } else {
                lines = [text.verdict(verdict)] + (bad.isEmpty ? [] : remedy(bad.removeFirst())) + text.others(diagnosis.findings)
            }
        }
        for check in bad { lines += ["  also wrong: \(words(check))"] + remedy(check) }
        return "\n" + lines.joined(separator: "\n")
    }

    private static let triedWithPeers: Set = ["route", "handshake", "echo", "firewall"]

    private static func words(_ check: ExaminationCheck) -> String { "\(check.name): \(check.evidence)" }

    private static func remedy(_ check: ExaminationCheck) -> [String] { check.remedy.isEmpty ? [] : ["    \(check.remedy)"] }

    static func document(_ checks: [ExaminationCheck], _ outcome: Examination.Outcome) -> JSON {
        let findings =
            switch outcome {
            case .machine, .file(nil): [Finding]()
            case .file(let diagnosis?), .tunnel(let diagnosis): diagnosis.findings
            }
        return .object([
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
            ("verdict", verdict(checks, outcome).map(DiagnosisJSON.verdict) ?? .null),
            ("findings", .array(findings.map(DiagnosisJSON.finding))),
        ])
    }
}
