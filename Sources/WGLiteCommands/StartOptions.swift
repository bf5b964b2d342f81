internal import ArgumentParser
internal import Logging
internal import TunnelConfiguration
internal import TunnelControl

/// What every command that brings a tunnel up takes: its file, and how it is to run.
struct StartOptions: ParsableArguments {
    @Argument(help: "A file NAME.conf, or NAME for /etc/wireguard/NAME.conf.", completion: TunnelNames.configurations)
    var config: String

    @Option(help: ArgumentHelp("How often names of silent peers are looked up again; 0 for never.", valueName: "seconds"))
    var resolveInterval: UInt32 = 120

    @OptionGroup var output: OutputOptions
    @OptionGroup var log: LogOptions
    @OptionGroup var engine: EngineOptionGroup

    /// Reads the file that ``config`` names.
    /// - Throws: with the status of a wrong configuration, whatever the reason.
    func read() throws -> (ConfigurationSource, ConfigurationFile) {
        do throws(SetupError) {
            let source = try ConfigurationSource(config)
            return (source, try source.load())
        } catch {
            throw CommandFailure("\(error)", status: .configuration)
        }
    }

    /// Tells a file's problems.
    /// - Parameter tell: where to; nil for standard error.
    /// - Throws: when one of them is an error, with the outcome as the last line.
    func check(_ file: ConfigurationFile, outcome: String, _ tell: ((Logger.Level, String) -> Void)? = nil) throws {
        let tell = tell ?? { level, text in Terminal.error(text, level == .error ? .error : .warning) }
        for problem in file.diagnostics where problem.severity == .error || !output.quiet {
            tell(problem.severity == .error ? .error : .warning, "\(problem)")
        }
        if let more = file.omittedText, file.omittedErrors > 0 || !output.quiet { tell(.warning, more) }
        if file.hasErrors { throw CommandFailure(outcome, status: .configuration) }
    }

    /// What a supervisor is told of it.
    var supervisor: TunnelSupervisor.Options {
        var options = TunnelSupervisor.Options()
        options.resolutionInterval = resolveInterval
        return options
    }
}
