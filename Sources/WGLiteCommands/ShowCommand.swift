internal import ArgumentParser
internal import LinuxSystem
internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelControl
internal import TunnelCore
internal import TunnelView
internal import WireGuardCrypto

struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show the state of tunnels, as `wg show` does.",
        discussion: """
            Fields: \(ShowField.allCases.map(\.rawValue).joined(separator: ", ")).

            Exit status: 0, or 2 if a tunnel couldn't be asked.
            """)

    @Argument(help: "An interface; `all` (as without) or `interfaces` for their names.", completion: TunnelNames.running)
    var interface = "all"

    @Argument(help: "One field, for scripts.")
    var field: ShowField?

    @Flag(help: "Everything but the secrets as JSON, in a stable form.")
    var json = false

    func validate() throws {
        guard !(json && (field != nil || interface == "interfaces")) else {
            throw ValidationError("--json is the whole state: it goes with neither a field nor `interfaces`.")
        }
    }

    func run() throws {
        let running = RuntimeDirectory.runningInterfaces().map(\.name)
        if interface == "interfaces" {
            if !running.isEmpty { print(running.joined(separator: " ")) }
            return
        }
        let isAll = interface == "all"
        let names = isAll ? running : [try ConfigurationSource.interface(interface)]
        var states: [ShownTunnel] = []
        var couldAsk = true
        for name in names {
            do throws(SetupError) {
                let snapshot = try TunnelQuery.state(of: name).snapshot
                states.append(ShownTunnel(name: name, snapshot: snapshot, figures: json ? try TunnelQuery.figures(of: name) : []))
            } catch {
                Terminal.error("\(error)")
                couldAsk = false
            }
        }
        if json { print(StateJSON.document(states).indented) } else { write(states, isAll: isAll) }
        guard couldAsk else { throw ExitCode(2) }
    }

    private func write(_ states: [ShownTunnel], isAll: Bool) {
        let now = Clock.unixNanoseconds / 1_000_000_000
        let show = ShowText(
            palette: Palette(isOn: Terminal.isColoured(1)), showsSecrets: Process.environment("WG_HIDE_KEYS") == "never", now: now)
        for (index, tunnel) in states.enumerated() {
            if let field {
                Terminal.output(field.lines(of: tunnel.snapshot, prefix: isAll ? "\(tunnel.name)\t" : ""))
            } else {
                Terminal.output((index > 0 ? "\n" : "") + show.text(tunnel.name, tunnel.snapshot))
            }
        }
    }
}

/// A tunnel as `show` has it.
struct ShownTunnel {
    var name: String
    var snapshot: TunnelSnapshot
    /// Our own figures, by name; empty of other programs' tunnels.
    var figures: [(name: String, value: UInt64)]
}

/// The fields that `wg show INTERFACE FIELD` writes, in its form.
enum ShowField: String, CaseIterable, ExpressibleByArgument, Sendable {
    case publicKey = "public-key"
    case privateKey = "private-key"
    case listenPort = "listen-port"
    case fwmark
    case peers
    case presharedKeys = "preshared-keys"
    case endpoints
    case allowedIPs = "allowed-ips"
    case latestHandshakes = "latest-handshakes"
    case transfer
    case persistentKeepalive = "persistent-keepalive"
    case dump

    /// The lines, each with the prefix.
    func lines(of state: TunnelSnapshot, prefix: String) -> String {
        let mark = state.firewallMark == 0 ? "off" : "0x" + String(state.firewallMark, radix: 16)
        switch self {
        case .publicKey: return "\(prefix)\(state.privateKey?.publicKey.base64 ?? "(none)")\n"
        case .privateKey: return "\(prefix)\(state.privateKey?.secretBase64 ?? "(none)")\n"
        case .listenPort: return "\(prefix)\(state.listenPort)\n"
        case .fwmark: return "\(prefix)\(mark)\n"
        case .dump:
            let key = state.privateKey
            return "\(prefix)\(key?.secretBase64 ?? "(none)")\t\(key?.publicKey.base64 ?? "(none)")\t\(state.listenPort)\t\(mark)\n"
                + state.peers.map { "\(prefix)\($0.publicKey.base64)\t\(Self.dump($0))\n" }.joined()
        default: return state.peers.map { "\(prefix)\($0.publicKey.base64)\(value(of: $0).map { "\t\($0)" } ?? "")\n" }.joined()
        }
    }

    private func value(of peer: PeerSnapshot) -> String? {
        switch self {
        case .presharedKeys: Self.secret(peer)
        case .endpoints: peer.endpoint?.description ?? "(none)"
        case .allowedIPs: peer.allowedIPs.isEmpty ? "(none)" : peer.allowedIPs.map(\.description).joined(separator: " ")
        case .latestHandshakes: String((peer.lastHandshake ?? 0) / 1_000_000_000)
        case .transfer: "\(peer.receivedBytes)\t\(peer.sentBytes)"
        case .persistentKeepalive: peer.persistentKeepalive == 0 ? "off" : String(peer.persistentKeepalive)
        default: nil
        }
    }

    private static func secret(_ peer: PeerSnapshot) -> String {
        peer.presharedKey.flatMap { $0.isZero ? nil : $0.secretBase64 } ?? "(none)"
    }

    private static func dump(_ peer: PeerSnapshot) -> String {
        let allowed = peer.allowedIPs.isEmpty ? "(none)" : peer.allowedIPs.map(\.description).joined(separator: ",")
        let handshake = (peer.lastHandshake ?? 0) / 1_000_000_000
        let keepalive = peer.persistentKeepalive == 0 ? "off" : String(peer.persistentKeepalive)
        return [
            secret(peer), peer.endpoint?.description ?? "(none)", allowed, String(handshake), String(peer.receivedBytes),
            String(peer.sentBytes),
            keepalive,
        ].joined(separator: "\t")
    }
}
