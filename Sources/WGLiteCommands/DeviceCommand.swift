internal import ArgumentParser
internal import LinuxSystem
internal import TunnelControl

/// wireguard-go's command line: `wg-lite [-f] INTERFACE`.
struct DeviceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "device", abstract: "Make an unconfigured device, for `wg` and `wg-quick`; `wg-lite INTERFACE` does the same.",
        discussion: """
            Goes to the background and returns when the device is ready, so that \
            WG_QUICK_USERSPACE_IMPLEMENTATION=wg-lite wg-quick up wg0 works. It ends when its interface or its control socket is removed. \
            A TUN interface of that name that was made before (`ip tuntap add`) and that nobody is attached to is used as it is, and stays. \
            WG_TUN_FD and WG_UAPI_FD hand over a TUN queue and a listening socket. WG_PROCESS_FOREGROUND=1 keeps it in the foreground, LOG_LEVEL is verbose, error or silent.
            """)

    @Argument(help: "The interface's name.")
    var interface: String

    @Flag(name: .shortAndLong, help: "Stay attached and log to standard error.")
    var foreground = false

    func run() throws {
        let inherited = try InheritedDescriptors.fromEnvironment()
        let word = try BackgroundStart.takeWord(keeping: inherited.numbers)
        let isChild = word != nil
        guard ConfigurationSource.isInterfaceName(interface) else {
            throw CommandFailure("\"\(interface)\" can't name an interface: 1 to 15 letters, digits and _=+.-")
        }
        if isChild || foreground || Process.environment("WG_PROCESS_FOREGROUND") == "1" {
            var output = OutputOptions()
            var log = LogOptions()
            // Values as the parser would give them.
            (output.verbose, output.quiet) = (false, true)
            log.logFormat = nil
            log.logLevel = Self.level(Process.environment("LOG_LEVEL"))
            var engine = EngineOptionGroup()
            (engine.aead, engine.cryptoThreads) = (.automatic, nil)
            var options = TunnelSupervisor.Options()
            options.inherited = inherited
            options.inherited.adopt(interface)
            Privileges.reduce()
            var process = try TunnelProcess(
                interface: interface, source: nil, file: nil,
                output: TunnelOutput(tunnel: interface, isChild ? .background : .foreground, log, output), engine: engine, options: options
            )
            try process.run(word)
            return
        }
        let (isReady, message) = try BackgroundStart.run(arguments: ["device", interface])
        guard isReady else { throw CommandFailure(message) }
    }

    static func level(_ text: String?) -> LogOptions.LogLevel {
        switch text {
        case "verbose", "debug": .debug
        case "info": .info
        case "error", "silent": .error
        default: .notice
        }
    }
}
