internal import ArgumentParser
internal import LinuxSystem
internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelControl
internal import TunnelCore
internal import WireGuardCrypto

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say how tunnels are, and what to look at where they aren't well.")

    @Argument(help: "An interface, or its file; all without.")
    var interface: String?

    @Flag(help: "The same as JSON, in a stable form.")
    var json = false

    func run() throws {
        let names = try interface.map { [try ConfigurationSource.interface($0)] } ?? RuntimeDirectory.runningInterfaces().map(\.name)
        let states = try names.map { (name: $0, state: try TunnelQuery.state(of: $0)) }
        if json {
            print(StateJSON.document(states).indented)
            return
        }
        guard !states.isEmpty else {
            print("no tunnel is up; `sudo wg-lite up CONFIG` brings one up")
            return
        }
        let text = StatusText(palette: Palette(isOn: Terminal.isColoured(1)), now: Clock.unixNanoseconds / 1_000_000_000)
        print(states.map { text.text($0.name, $0.state) }.joined(separator: "\n\n"))
    }
}

/// The state in a person's words.
struct StatusText {
    let palette: Palette
    /// Seconds of the Unix epoch.
    let now: UInt64

    private var units: ShowText { ShowText(palette: Palette(isOn: false), showsSecrets: false, now: now) }

    func text(_ name: String, _ answer: UAPIAnswer) -> String {
        let state = answer.snapshot
        var lines = [
            "\(palette.boldGreen(name)): port \(state.listenPort), \(state.peers.count) \(state.peers.count == 1 ? "peer" : "peers")"
        ]
        if state.privateKey == nil {
            lines.append("  \(palette.red("no private key")): nothing works until it has one (`wg set \(name) private-key FILE`)")
        }
        for peer in state.peers { lines.append(contentsOf: describe(peer)) }
        if let reason = answer.counters.first(where: { $0.name == "aead_reason" }).flatMap({ BackendChoice.Reason(rawValue: $0.value) }) {
            let isAccelerated = answer.counters.contains { $0.name == "aead_accelerated" && $0.value == 1 }
            let backend = isAccelerated ? TransportCipher.Backend.accelerated : .libsodium
            lines.append("  packets are sealed by \(backend.library): \(reason.explanation)")
        }
        lines += LatencyText(answer.counters).lines
        let drops = answer.counters.filter { $0.value > 0 && $0.name.hasPrefix("drop_") }
        if !drops.isEmpty {
            lines.append("  packets that were not forwarded:")
            for drop in drops {
                let reason = DropReason.allCases.first { "drop_\($0.name)" == drop.name }
                lines.append("    \(padded("\(drop.value)", 8))  \(reason?.explanation ?? drop.name)")
            }
        }
        return lines.joined(separator: "\n")
    }

    private func describe(_ peer: PeerSnapshot) -> [String] {
        let head = "  peer \(peer.publicKey.abbreviation)  \(peer.endpoint.map { "\($0)" } ?? "(no endpoint: it must connect to us)")"
        var lines: [String] = []
        switch peer.lastHandshake {
        case nil where peer.sentBytes > 0 && peer.receivedBytes == 0:
            lines.append("\(head)   \(palette.yellow("no answer yet"))")
            lines.append("    we send handshakes and hear nothing: is the endpoint right, is UDP let through, does it have our public key?")
        case nil where peer.endpoint == nil: lines.append("\(head)   \(palette.yellow("not heard of yet"))")
        case nil: lines.append("\(head)   \(palette.yellow("no handshake yet")): the first packet to it starts one")
        case let handshake?:
            let age = now > handshake / 1_000_000_000 ? now - handshake / 1_000_000_000 : 0
            // A session is renewed after 120 s and gone after 180 s.
            let isFresh = age <= 180
            lines.append(
                "\(head)   \(isFresh ? palette.green("connected") : palette.yellow("idle")), handshake \(units.ago(handshake / 1_000_000_000).lowercased())"
            )
        }
        if peer.receivedBytes > 0 || peer.sentBytes > 0 {
            lines.append("    \(units.bytes(peer.receivedBytes)) received, \(units.bytes(peer.sentBytes)) sent")
        }
        let allowed = peer.allowedIPs.map(\.description)
        let shown = allowed.prefix(6).joined(separator: ", ") + (allowed.count > 6 ? " and \(allowed.count - 6) more" : "")
        lines.append("    \(allowed.isEmpty ? palette.yellow("no allowed IPs: nothing can go there") : "for \(shown)")")
        return lines
    }

    private func padded(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
