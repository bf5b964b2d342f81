internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelControl
internal import TunnelCore
internal import TunnelDiagnosis
internal import WireGuardCrypto

/// How a tunnel is, for people: the verdict, what to do, the peers, figures last.
struct StatusText {
    let palette: Palette
    /// Seconds of the Unix epoch.
    let now: UInt64
    /// What the file calls peers, in a comment under their `[Peer]`.
    var names: [PublicKey: String] = [:]

    /// Findings beside the first that are written out.
    static let findingLimit = 6

    private var units: ShowText { ShowText(palette: Palette(isOn: false), showsSecrets: false, now: now) }

    func text(_ status: TunnelStatus) -> String {
        let state = status.state.snapshot
        var lines = head(status.report.diagnosis)
        let figures = Dictionary(state.peers.map { ($0.publicKey, $0) }, uniquingKeysWith: { first, _ in first })
        var text = self
        text.names = status.names
        for peer in status.report.diagnosis.peers {
            lines.append(text.peer(peer))
            if let figures = figures[peer.publicKey] { lines += self.figures(of: figures) }
        }
        lines.append("  port \(state.listenPort), \(counted(state.peers.count, "peer", "peers"))")
        return (lines + self.figures(status.report.figures)).joined(separator: "\n")
    }

    /// The verdict with its remedy, and what else was found.
    func head(_ diagnosis: Diagnosis) -> [String] {
        let told = diagnosis.told
        return [verdict(diagnosis.verdict)] + (told.map(details) ?? []) + others(diagnosis.findings.filter { $0 != told })
    }

    /// Findings beside what the first line says.
    func others(_ findings: [Finding]) -> [String] {
        var lines: [String] = []
        let shown = findings.filter { $0.severity > .note }
        for finding in shown.prefix(Self.findingLimit) { lines += ["  also: \(finding.sentence)"] + details(of: finding) }
        if shown.count > Self.findingLimit { lines.append("  and \(shown.count - Self.findingLimit) more (see --json)") }
        for note in findings.filter({ $0.severity == .note }).prefix(2) { lines.append("  by the way: \(note.sentence)") }
        return lines
    }

    private func details(of finding: Finding) -> [String] {
        [finding.evidence, finding.remedy].filter { !$0.isEmpty }.map { "    \($0)" }
    }

    func verdict(_ verdict: Verdict) -> String {
        switch verdict.outcome {
        case .works: palette.boldGreen(verdict.line)
        case .waits: palette.bold(verdict.line)
        case .worksWithFindings: palette.boldYellow(verdict.line)
        case .worksInPart, .doesNotWork: palette.red(verdict.line)
        }
    }

    /// One peer's line.
    func peer(_ peer: PeerDiagnosis) -> String {
        let endpoint = peer.endpoint.map { "\($0)" } ?? "(no endpoint)"
        let words =
            peer.state.isBroken ? palette.red(peer.state.words) : peer.state == .working ? palette.green("working") : peer.state.words
        let name = names[peer.publicKey].map { "\($0) " } ?? ""
        return "  peer \(name)\(peer.publicKey.abbreviation)  \(endpoint)   \(words)\(peer.evidence.isEmpty ? "" : ": \(peer.evidence)")"
    }

    private func figures(of peer: PeerSnapshot) -> [String] {
        var lines: [String] = []
        if peer.receivedBytes > 0 || peer.sentBytes > 0 {
            lines.append("    \(units.bytes(peer.receivedBytes)) received, \(units.bytes(peer.sentBytes)) sent")
        }
        let allowed = peer.allowedIPs.map(\.description)
        let shown = allowed.prefix(6).joined(separator: ", ") + (allowed.count > 6 ? " and \(allowed.count - 6) more" : "")
        lines.append("    \(allowed.isEmpty ? palette.yellow("no allowed IPs: nothing can go there") : "for \(shown)")")
        return lines
    }

    private func figures(_ figures: [(name: String, value: UInt64)]) -> [String] {
        var lines: [String] = []
        if let reason = figures.first(where: { $0.name == "aead_reason" }).flatMap({ BackendChoice.Reason(rawValue: $0.value) }) {
            let isAccelerated = figures.contains { $0.name == "aead_accelerated" && $0.value == 1 }
            let backend = isAccelerated ? TransportCipher.Backend.accelerated : .libsodium
            lines.append("  packets are sealed by \(backend.library): \(reason.explanation)")
        }
        lines += LatencyText(figures).lines
        let drops = figures.filter { $0.value > 0 && $0.name.hasPrefix("drop_") }
        if !drops.isEmpty {
            lines.append("  packets that were not forwarded:")
            for drop in drops {
                let reason = DropReason.allCases.first { "drop_\($0.name)" == drop.name }
                lines.append("    \(padded("\(drop.value)", 8))  \(reason?.explanation ?? drop.name)")
            }
        }
        return lines
    }

    private func padded(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
