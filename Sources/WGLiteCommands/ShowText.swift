internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelControl
internal import TunnelCore
internal import TunnelDiagnosis
internal import TunnelView
internal import WireGuardCrypto

/// The state in `wg show`'s form.
struct ShowText {
    let palette: Palette
    let showsSecrets: Bool
    /// Seconds of the Unix epoch.
    let now: UInt64

    func text(_ name: String, _ state: TunnelSnapshot) -> String {
        var text = "\(palette.boldGreen("interface")): \(palette.green(name))\n"
        func line(_ label: String, _ value: String) { text += "  \(palette.bold(label)): \(value)\n" }
        if let key = state.privateKey {
            line("public key", key.publicKey.base64)
            line("private key", showsSecrets ? key.secretBase64 : "(hidden)")
        }
        if state.listenPort != 0 { line("listening port", "\(state.listenPort)") }
        if state.firewallMark != 0 { line("fwmark", "0x" + String(state.firewallMark, radix: 16)) }
        // The peer that was heard of last comes first.
        let peers = state.peers.enumerated().sorted { a, b in
            (b.element.lastHandshake ?? 0, a.offset) < (a.element.lastHandshake ?? 0, b.offset)
        }
        for (_, peer) in peers {
            text += "\n\(palette.boldYellow("peer")): \(palette.yellow(peer.publicKey.base64))\n"
            if let key = peer.presharedKey, !key.isZero { line("preshared key", showsSecrets ? key.secretBase64 : "(hidden)") }
            if let endpoint = peer.endpoint { line("endpoint", "\(endpoint)") }
            let slash = palette.cyan("/")
            line(
                "allowed ips",
                peer.allowedIPs.isEmpty ? "(none)" : peer.allowedIPs.map { "\($0.address)\(slash)\($0.length)" }.joined(separator: ", "))
            if let handshake = peer.lastHandshake { line("latest handshake", ago(handshake / 1_000_000_000)) }
            if peer.receivedBytes > 0 || peer.sentBytes > 0 {
                line("transfer", "\(bytes(peer.receivedBytes)) received, \(bytes(peer.sentBytes)) sent")
            }
            if peer.persistentKeepalive > 0 { line("persistent keepalive", "every \(duration(UInt64(peer.persistentKeepalive)))") }
        }
        return text
    }

    func ago(_ seconds: UInt64) -> String {
        if seconds == now { return "Now" }
        guard seconds < now else { return "(\(palette.red("System clock wound backward; connection problems may ensue.")))" }
        return "\(duration(now - seconds)) ago"
    }

    func duration(_ seconds: UInt64) -> String {
        let units: [(UInt64, String)] = [(365 * 86400, "year"), (86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")]
        var rest = seconds
        var parts: [String] = []
        for (length, name) in units {
            let count = rest / length
            rest %= length
            if count > 0 { parts.append("\(count) \(palette.cyan(count == 1 ? name : "\(name)s"))") }
        }
        return parts.joined(separator: ", ")
    }

    func bytes(_ count: UInt64) -> String {
        guard count >= 1024 else { return "\(count) \(palette.cyan("B"))" }
        let units = ["KiB", "MiB", "GiB", "TiB"]
        var unit = 0
        var scaled = Double(count) / 1024
        while scaled >= 1024, unit < units.count - 1 {
            scaled /= 1024
            unit += 1
        }
        // Two digits, rounded as printf does it.
        let hundredths = UInt64((scaled * 100).rounded(.toNearestOrEven))
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) \(palette.cyan(units[unit]))"
    }
}

/// The state as JSON. Documented in README; names and meanings only ever get more.
enum StateJSON {
    static func document(_ tunnels: [ShownTunnel]) -> JSON {
        .object([("interfaces", .array(tunnels.map { .object(interface($0.name, $0.snapshot, figures: $0.figures)) }))])
    }

    /// The same with verdict, findings and each peer's state.
    static func document(statuses: [TunnelStatus]) -> JSON {
        .object([
            (
                "interfaces",
                .array(
                    statuses.map { status in
                        let diagnosis = status.report.diagnosis
                        var members = interface(status.name, status.state.snapshot, figures: status.report.figures, diagnosis.peers)
                        members.append(("verdict", DiagnosisJSON.verdict(diagnosis.verdict)))
                        members.append(("findings", .array(diagnosis.findings.map(DiagnosisJSON.finding))))
                        return .object(members)
                    })
            )
        ])
    }

    private static func interface(
        _ name: String, _ state: TunnelSnapshot, figures: [(name: String, value: UInt64)], _ diagnoses: [PeerDiagnosis] = []
    ) -> [(String, JSON)] {
        let states = Dictionary(diagnoses.map { ($0.publicKey, $0) }, uniquingKeysWith: { first, _ in first })
        return [
            ("name", .string(name)),
            ("publicKey", state.privateKey.map { .string($0.publicKey.base64) } ?? .null),
            ("listenPort", .number(UInt64(state.listenPort))),
            ("firewallMark", .number(UInt64(state.firewallMark))),
            ("counters", .object(figures.map { ($0.name, .number($0.value)) })),
            (
                "peers",
                .array(
                    state.peers.map { peer in
                        .object(self.peer(peer) + (states[peer.publicKey].map { [("diagnosis", DiagnosisJSON.state($0))] } ?? []))
                    })
            ),
        ]
    }

    private static func peer(_ peer: PeerSnapshot) -> [(String, JSON)] {
        [
            ("publicKey", .string(peer.publicKey.base64)),
            ("hasPresharedKey", .bool(!(peer.presharedKey?.isZero ?? true))),
            ("endpoint", peer.endpoint.map { .string($0.description) } ?? .null),
            ("allowedIPs", .array(peer.allowedIPs.map { .string($0.description) })),
            ("latestHandshakeNanoseconds", peer.lastHandshake.map { .number($0) } ?? .null),
            ("receivedBytes", .number(peer.receivedBytes)),
            ("sentBytes", .number(peer.sentBytes)),
            ("persistentKeepaliveSeconds", .number(UInt64(peer.persistentKeepalive))),
        ]
    }
}
