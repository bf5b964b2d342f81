internal import LinuxSystem
internal import TunnelConfiguration

/// The commands of PreUp, PostUp, PreDown and PostDown, run as wg-quick runs them: by bash, where a command that fails fails the hook,
/// wherever it stands in a list or a pipe.
struct Hooks {
    let interface: String
    /// Where they begin: where `up` or `down` was called.
    let directory: String
    /// Ends a hook that hangs.
    let cancellation: Cancellation
    let report: SetupReport
    /// Where the one that runs is written down; nil: nowhere.
    var record: TunnelRecord?
    /// Takes what they print; nil for standard error, as it is.
    var show: (@Sendable ([UInt8]) -> Void)?

    init(interface: String, directory: String, cancellation: Cancellation, report: SetupReport) {
        self.interface = interface
        self.directory = directory
        self.cancellation = cancellation
        self.report = report
    }

    /// Runs the commands in order; `%i` in them is the interface. What one leaves running in the background isn't waited for.
    /// - Throws: the first that fails.
    func run(_ commands: [HookCommand], of phase: String) throws(SetupError) {
        for command in commands {
            let bytes = Self.expand(command.bytes, interface: interface)
            let shown = Self.shown(command, interface: interface)
            report.command(shown)
            let step = "run \(phase) `\(shown)`"
            let completion: ChildProcess.Completion
            do throws(SystemError) {
                completion = try perform(bytes)
            } catch {
                throw SetupError(step, error)
            }
            if completion.reason == .cancelled { throw SetupError(step, "interrupted") }
            switch completion.status {
            case .exited(0): continue
            case .exited(let code): throw SetupError(step, "it ended with status \(code)", remedy: ServiceSandbox.remedy)
            case .signalled(let signal): throw SetupError(step, "signal \(signal) ended it", remedy: ServiceSandbox.remedy)
            }
        }
    }

    private func perform(_ command: [UInt8]) throws(SystemError) -> ChildProcess.Completion {
        let bash = ChildProcess.find("bash")
        let options = bash == nil ? ["-e", "-c"] : ["-e", "-o", "pipefail", "-O", "extglob", "-c"]
        let arguments = options.map { Array($0.utf8) } + [command]
        defer { record?.forgetHook() }
        if let show {
            return try ChildProcess.run(
                bash ?? "/bin/sh", bytes: arguments, directory: directory, cancelledBy: cancellation.descriptor,
                started: { record?.note($0) }, show: show)
        }
        let child = try ChildProcess.start(
            bash ?? "/bin/sh", bytes: arguments, output: .descriptor(2), error: .descriptor(2), ownGroup: true, directory: directory)
        record?.note(child)
        return child.wait(for: nil, cancelledBy: cancellation.descriptor)
    }

    /// A command as people see it.
    static func shown(_ command: HookCommand, interface: String) -> String {
        TerminalText.escaped(String(decoding: expand(command.bytes, interface: interface), as: UTF8.self))
    }

    /// The command with the interface's name for every `%i`.
    static func expand(_ command: [UInt8], interface: String) -> [UInt8] {
        var result: [UInt8] = []
        var rest = command[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.first == UInt8(ascii: "i") {
                result += interface.utf8
                rest.removeFirst()
            } else {
                result.append(byte)
            }
        }
        return result
    }
}
