internal import ArgumentParser
internal import LinuxSystem
internal import Logging
internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelControl
internal import TunnelEngine
internal import WireGuardCrypto

/// The process that runs a tunnel, in the foreground or behind a `wg-lite up` that waits for it.
struct TunnelProcess {
    var interface: String
    var source: ConfigurationSource?
    var file: ConfigurationFile?
    var output: TunnelOutput
    var engine: EngineOptionGroup
    var options: TunnelSupervisor.Options

    /// What stands before the log file's name, in the words of a tunnel that is ready.
    static let logLabel = "log: "
    /// How long the last lines may take to be written.
    fileprivate static let patience = Interval.milliseconds(500)

    /// Brings the tunnel up, says so, and stays until it ends.
    /// - Parameter word: what the starting process waits for; nil in the foreground.
    mutating func run(_ word: consuming BackgroundStart.Word?) throws {
        let destination = output.destination
        var options = options
        options.take(engine, output)
        switch word {
        case .some(let word): options.starter = word.pipe
        case .none: break
        }
        let stage = Stage()
        var begun: TunnelSupervisor?
        let supervisor: TunnelSupervisor
        let summary: String
        do {
            supervisor = try makeSupervisor(options, output.report(stage))
            begun = supervisor
            summary = try supervisor.bringUp()
        } catch {
            let outcome =
                begun?.hasChangedAnything ?? false
                ? "\(interface) was not brought up; everything done so far was undone." : "Nothing was changed."
            let message = "\(error)\n\(outcome)"
            switch consume word {
            case .some(let word):
                word.failed(message)
                throw ExitCode.failure
            case .none: throw output.fail(message, error.isConfiguration ? .configuration : .failure)
            }
        }
        switch consume word {
        case .some(let word):
            let file = supervisor.logFile
            let isFileNeeded = destination.switchToSystemLog(or: file)
            stage.enter()
            word.ready(summary + (file.flatMap { isFileNeeded ? "\n\(Self.logLabel)\($0.path)" : nil } ?? ""))
            Process.releaseStartupCode()
        case .none:
            if !output.isQuiet { output.tell(.notice, summary) }
            stage.enter()
        }
        supervisor.run()
        destination.drain(within: Self.patience)
    }

    /// Hands the file over: with the keys in it, it may have no holder that outlives setting up.
    private mutating func makeSupervisor(
        _ options: TunnelSupervisor.Options, _ report: SetupReport
    ) throws(SetupError) -> TunnelSupervisor {
        defer { file = nil }
        return try TunnelSupervisor(interface: interface, source: source, file: file, options: options, report: report)
    }
}

extension TunnelSupervisor.Options {
    /// Takes over how the machine is used, and where is told what happens.
    mutating func take(_ engine: EngineOptionGroup, _ output: TunnelOutput) {
        let (destination, logger) = (output.destination, output.logger)
        aead = BackendChoice.Preference(rawValue: engine.aead.rawValue) ?? .automatic
        cryptoThreads = engine.cryptoThreads ?? EngineOptions.suitableCryptoThreads(processors: Processors.available)
        engineLog = logger.engineSink
        engineEvents = { logger.info("\($0.text())") }
        willRelease = { destination.close(within: TunnelProcess.patience) }
    }
}
