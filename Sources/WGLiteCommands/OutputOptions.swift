internal import ArgumentParser
internal import Logging
internal import TunnelControl
internal import TunnelEngine
internal import WireGuardCrypto

/// How much is said, and in which form.
struct OutputOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Show each step as the command that would do the same.")
    var verbose = false

    @Flag(name: .shortAndLong, help: "Say nothing unless something fails.")
    var quiet = false

    /// Steps and warnings of a setup, on standard error.
    var report: SetupReport {
        let (verbose, quiet) = (verbose, quiet)
        return SetupReport { kind, text in
            switch kind {
            case .command: if verbose { Terminal.error("# \(text)") }
            case .notice: if !quiet { Terminal.error(text) }
            case .warning: Terminal.error("warning: \(text)", .warning)
            }
        }
    }
}

/// How a running tunnel uses the machine.
struct EngineOptionGroup: ParsableArguments {
    @Option(
        help: "The library that seals and opens packets: automatic takes libipsec-mb if it is installed and proves itself, else libsodium.")
    var aead: AEAD = .automatic

    @Option(
        help: "Threads that seal and open packets (default: one, two with four processors, four with eight or more).")
    var cryptoThreads: Int?

    enum AEAD: String, ExpressibleByArgument, CaseIterable {
        case automatic, libsodium, accelerated
    }

    func validate() throws {
        guard cryptoThreads.map((1...64).contains) ?? true else { throw ValidationError("--crypto-threads is 1 to 64.") }
    }
}

/// What a running tunnel logs.
struct LogOptions: ParsableArguments {
    @Option(help: "How much a running tunnel logs: debug, info, notice, warning or error.")
    var logLevel: LogLevel = .notice

    @Option(help: "The form of log lines: text, json, or journald (with levels that the journal understands).")
    var logFormat: LogFormat?

    enum LogLevel: String, ExpressibleByArgument, CaseIterable {
        case debug, info, notice, warning, error
    }
}

extension LogFormat: ExpressibleByArgument {}

extension Logger {
    /// A sink for the engine's lines.
    var engineSink: @Sendable (EngineLogLevel, String) -> Void {
        let logger = self
        return { level, text in
            switch level {
            case .debug: logger.debug("\(text)")
            case .info: logger.info("\(text)")
            case .notice: logger.notice("\(text)")
            case .warning: logger.warning("\(text)")
            case .error: logger.error("\(text)")
            }
        }
    }
}
