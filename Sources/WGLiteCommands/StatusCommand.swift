internal import ArgumentParser
internal import LinuxSystem
internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelControl
internal import TunnelDiagnosis
internal import TunnelView
internal import WireGuardCrypto

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say how tunnels are: first whether they work, then why not and what to do.",
        discussion: """
            The first line is the verdict; then come findings with remedies, the peers, and figures last. A peer is working (there is a \
            session and what was sent was answered), idle (nothing to send), silent (sent, nothing came back), no answer (to any \
            handshake), refused, unreachable, or waiting to be called (its endpoint isn't known).

            Exit status: 0 for tunnels that work, 1 if one has an error finding, 2 if one couldn't be asked.
            """)

    @Argument(help: "An interface, or its file; all without.", completion: TunnelNames.running)
    var interface: String?

    @Flag(help: "The same as JSON, in a stable form.")
    var json = false

    @Flag(name: .shortAndLong, help: "Stay, and write a line for what happens: handshakes, moved and silent peers, another verdict.")
    var follow = false

    func run() throws {
        let names = try interface.map { [try ConfigurationSource.interface($0)] } ?? RuntimeDirectory.runningInterfaces().map(\.name)
        if follow { return try StatusFollower(names: names, json: json).run() }
        var statuses: [TunnelStatus] = []
        var couldAsk = true
        for name in names {
            do throws(SetupError) {
                statuses.append(try TunnelStatus(of: name))
            } catch {
                Terminal.error("\(error)")
                couldAsk = false
            }
        }
        if json {
            print(StateJSON.document(statuses: statuses).indented)
        } else if names.isEmpty {
            print(CommandFailure.noTunnel)
        } else if !statuses.isEmpty {
            let text = StatusText(palette: Palette(isOn: Terminal.isColoured(1)), now: Clock.unixNanoseconds / 1_000_000_000)
            print(statuses.map(text.text).joined(separator: "\n\n"))
        }
        guard couldAsk else { throw ExitCode(2) }
        if statuses.contains(where: { $0.report.diagnosis.verdict.exitStatus != 0 }) { throw ExitCode(1) }
    }
}

/// All that is asked of one tunnel.
struct TunnelStatus {
    var name: String
    var state: UAPIAnswer
    var report: TunnelReport
    /// What the file calls peers.
    var names: [PublicKey: String]

    init(name: String, state: UAPIAnswer, report: TunnelReport, names: [PublicKey: String] = [:]) {
        self.name = name
        self.state = state
        self.report = report
        self.names = names
    }

    init(of name: String) throws(SetupError) {
        self.init(
            name: name, state: try TunnelQuery.state(of: name), report: try TunnelQuery.report(of: name),
            names: TunnelQuery.peerNames(of: name))
    }
}

/// What `status --json` says.
public enum StatusDocument {
    /// The document about those tunnels that can be asked.
    public static func text(of names: [String]) -> String {
        StateJSON.document(statuses: names.compactMap { try? TunnelStatus(of: $0) }).indented
    }
}
