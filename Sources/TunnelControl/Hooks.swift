internal import LinuxSystem

/// The commands of PreUp, PostUp, PreDown and PostDown.
enum Hooks {
    /// Runs the commands in order; `%i` in them is the interface. They speak bash, as wg-quick's do, where there is one.
    /// - Parameters:
    ///   - output: where their output goes.
    /// - Throws: the first that fails.
    static func run(
        _ commands: [String], of phase: String, interface: String, output: ChildProcess.Stream = .descriptor(2), _ report: SetupReport
    ) throws(SetupError) {
        for command in commands {
            let expanded = expand(command, interface: interface)
            report.command(expanded)
            let step = "run \(phase) `\(expanded)`"
            let status: ChildProcess.ExitStatus
            do throws(SystemError) {
                let shell = ChildProcess.find("bash") ?? "/bin/sh"
                status = try ChildProcess.start(shell, ["-c", expanded], output: output, error: output).wait()
            } catch {
                throw SetupError(step, error)
            }
            switch status {
            case .exited(0): continue
            case .exited(let code): throw SetupError(step, "it ended with status \(code)", remedy: ServiceSandbox.remedy)
            case .signalled(let signal): throw SetupError(step, "signal \(signal) ended it", remedy: ServiceSandbox.remedy)
            }
        }
    }

    static func expand(_ command: String, interface: String) -> String {
        var result = ""
        var rest = command[...]
        while let percent = rest.firstIndex(of: "%") {
            let next = rest.index(after: percent)
            result += rest[..<percent]
            if next < rest.endIndex, rest[next] == "i" {
                result += interface
                rest = rest[rest.index(after: next)...]
            } else {
                result += "%"
                rest = rest[next...]
            }
        }
        return result + rest
    }
}
