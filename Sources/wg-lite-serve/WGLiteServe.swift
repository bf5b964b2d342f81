import ArgumentParser
import LinuxSystem
import TunnelControl
import TunnelServer
import WGLiteCommands

/// `wg-lite serve`'s own program: it looks at running tunnels from outside.
@main
struct WGLiteServe: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wg-lite-serve", abstract: "What `wg-lite serve` starts.", version: WGLiteCommand.version)

    @OptionGroup var options: ServeOptions

    func run() throws {
        // Before any thread, which would inherit that they aren't blocked.
        let signals = try SignalDescriptor([SignalDescriptor.terminate, SignalDescriptor.interrupt, SignalDescriptor.hangUp])
        SignalDescriptor.ignoreBrokenPipes()
        // A local socket is its owner's and group's.
        Process.setFileCreationMask(0o117)
        let server = HTTPServer()
        do throws(SetupError) {
            try server.listen(options)
        } catch {
            FileDescriptor.write("\(error)\n", to: 2)
            throw ExitCode.failure
        }
        for address in options.listen {
            let place =
                switch address {
                case .internet: "http://\(address)/, metrics at http://\(address)/metrics"
                case .local: "\(address)"
                }
            FileDescriptor.write("serving \(place)\n", to: 2)
        }
        while signals.next() == nil { _ = DescriptorPoll.wait([.init(signals.rawValue)]) }
        server.close()
    }
}
