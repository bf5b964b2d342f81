internal import ArgumentParser
internal import LinuxSystem
internal import Logging
internal import TunnelControl

/// What the process of a tunnel says: steps and warnings while it is set up, log lines from then on. Nothing of it waits for a reader.
struct TunnelOutput {
    /// Where the process runs.
    enum Place {
        /// Attached to whoever started it: with `--log-format json` everything is JSON.
        case foreground
        /// Behind a `wg-lite up` that a person reads, and then alone.
        case background
    }

    let destination: LogDestination
    let logger: Logger
    /// Whether steps are told as commands.
    let isVerbose: Bool
    let isQuiet: Bool

    init(tunnel: String, _ place: Place, _ log: LogOptions, _ output: OutputOptions) throws {
        let journal: LogFormat? = Process.isJournal(2) ? .journald : nil
        let format = log.logFormat ?? journal ?? .text
        let setupFormat = place == .foreground && format == .json ? .json : journal
        do throws(SystemError) {
            destination = try LogDestination(tunnel: tunnel, format: format, setupFormat: setupFormat)
        } catch {
            throw CommandFailure("cannot begin a log: \(error)")
        }
        let handler = TunnelLogHandler(logLevel: Logger.Level(rawValue: log.logLevel.rawValue) ?? .notice, destination: destination)
        logger = Logger(label: tunnel) { _ in handler }
        (isVerbose, isQuiet) = (output.verbose, output.quiet)
    }

    /// Says something about the setup.
    func tell(_ level: Logger.Level, _ text: String) { destination.tell(level, text) }

    /// Says why there is no tunnel.
    /// - Returns: what ends the process.
    func fail(_ text: String, _ status: ExitCode) -> ExitCode {
        tell(.error, text)
        return status
    }

    /// Where a supervisor tells what it does.
    /// - Parameter stage: until the tunnel is up somebody watches; from then on it is the log's.
    func report(_ stage: Stage) -> SetupReport {
        let (destination, logger, isVerbose, isQuiet) = (destination, logger, isVerbose, isQuiet)
        return SetupReport { kind, text in
            switch (kind, stage.isUp) {
            case (.command, true): if isVerbose { logger.info("\(text)") }
            case (.notice, true): logger.notice("\(text)")
            case (.warning, true): logger.warning("\(text)")
            case (.command, false): if isVerbose { destination.tell(.info, kind.shown(text)) }
            case (.notice, false): if !isQuiet { destination.tell(.notice, text) }
            case (.warning, false): destination.tell(.warning, kind.shown(text))
            }
        }
    }
}
