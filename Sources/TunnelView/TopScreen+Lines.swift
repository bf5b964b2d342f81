internal import NetworkTypes
internal import PathRecording
internal import TunnelConfiguration
internal import TunnelCore
internal import TunnelDiagnosis
internal import WireGuardCrypto

extension TopScreen {
    /// The screen: at most `rows` lines.
    public func lines(columns: Int, rows: Int) -> [ScreenLine] {
        guard columns > 0, rows > 0 else { return [] }
        guard let sight else { return [ScreenLine(trouble ?? "asking the tunnel…")] }
        var lines = [head(sight)]
        let foot = rows >= 8 ? [self.foot] : []
        switch mode {
        case .help: lines += Self.help
        case .peer(let key): lines += peer(key, sight)
        case .list: lines += list(sight, columns: columns, rows: rows - lines.count - foot.count)
        }
        let room = max(0, rows - foot.count)
        return Array(lines.prefix(room)) + [ScreenLine](repeating: ScreenLine(), count: max(0, room - lines.count)) + foot
    }

    /// How many peers `lines` shows.
    public func page(rows: Int) -> Int {
        max(1, Self.peerRows(rows - 2))
    }

    private func head(_ sight: TunnelSight) -> ScreenLine {
        let verdict = sight.reading.diagnosis.verdict
        let style: ScreenLine.Style =
            switch verdict.outcome {
            case .works: .good
            case .waits: .bold
            case .worksWithFindings: .warning
            case .worksInPart, .doesNotWork: .bad
            }
        var line = ScreenLine()
        if isPaused { line.add("PAUSED ", .inverse) }
        if let trouble { line.add("\(TerminalText.escaped(trouble))  ", .bad) }
        line.add(TerminalText.escaped(verdict.line), style)
        return line
    }

    private var foot: ScreenLine {
        var line = ScreenLine()
        var keys = [("q", "quit"), ("↑↓", "choose"), ("⏎", "open"), ("s", "sort: \(order.rawValue)\(isReversed ? ", reversed" : "")")]
        keys += [("r", "reverse"), ("p", isPaused ? "go on" : "pause"), ("h", "help")]
        if hasOthers { keys.append(("⇥", "next tunnel")) }
        for (key, word) in keys {
            line.add(key, .bold)
            line.add(" \(word)  ", .quiet)
        }
        return line
    }

    private static let help = [
        "", "q, Ctrl-C   quit", "↑ ↓ j k     choose a peer; Page Up, Page Down, Home and End too", "Enter       open it; Esc goes back",
        "s           sort by the next of: \(PeerOrder.allCases.map(\.rawValue).joined(separator: ", "))", "r           the other way round",
        "p, space    hold the picture", "Tab         the next tunnel", "h, ?        this", "",
        "Rates are of the last second. In the picture of the path each stage has the packets",
        "that came out of it a second, how many went together (batch), the time of each (time),", "and how many were dropped there.",
    ].map { ScreenLine($0) }

    // MARK: The list

    /// Rows of peers where there are `rows` in all below the head: the path has 11 of them where there is room, or 19 drawn with boxes.
    private static func peerRows(_ rows: Int) -> Int {
        rows - 2 - (pathRows(rows) > 0 ? pathRows(rows) + 1 : 0)
    }

    private static func pathRows(_ rows: Int) -> Int { rows >= 34 ? 18 : rows >= 16 ? 10 : 0 }

    private func list(_ sight: TunnelSight, columns: Int, rows: Int) -> [ScreenLine] {
        var lines = [traffic(sight, columns: columns)]
        guard rows > 2 else { return lines }
        let fields = Self.fields(columns)
        lines.append(
            ScreenLine(fields.map { ScreenLine.field($0.title, $0.width, right: $0.isNumber) }.joined(separator: " "), .inverse))
        let count = Self.peerRows(rows)
        // The chosen one stays in view, in the middle where it can.
        let first = min(max(0, selection - count / 2), max(0, places.count - count))
        for index in first..<min(places.count, first + count) {
            lines.append(row(sight.peers[places[index]], fields, isChosen: index == selection, seconds: sight.shown))
        }
        if places.isEmpty { lines.append(ScreenLine("no peers", .quiet)) }
        let path = Self.pathRows(rows)
        guard path > 0 else { return lines }
        lines += [ScreenLine](repeating: ScreenLine(), count: max(0, rows - path - lines.count))
        let picture = PathPicture(sight.shown)
        return lines
            + (path == 10 ? picture.compact : picture.tall).enumerated().map { ScreenLine($0.element, $0.offset == 0 ? .quiet : .plain) }
    }

    /// One line of rates with their curves.
    private func traffic(_ sight: TunnelSight, columns: Int) -> ScreenLine {
        let now = sight.shown
        var line = ScreenLine()
        let isWide = columns >= 104
        let space = max(0, min(Self.history, (columns - (isWide ? 92 : 68)) / 2))
        let ways = [
            ("out", now.outbound.innerBytes(.outbound), now.outbound.packets, rates.map(\.out)),
            ("in", now.inbound.innerBytes(.inbound), now.inbound.stages.last?.packets ?? 0, rates.map(\.into)),
        ]
        for (word, bytes, packets, past) in ways {
            line.add("\(word) ", .quiet)
            line.add(ScreenLine.field(Quantity.bitRate(bytesPerSecond: now.perSecond(bytes)), 10), .bold)
            line.add(" \(ScreenLine.field("\(Quantity.count(now.perSecond(packets)))/s", 8))")
            line.add(" \(Self.curve(past, width: space))  ")
        }
        let dropped = now.drops.reduce(0) { $0 + $1.count }
        line.add("\(Quantity.count(Double(dropped))) dropped", dropped > 0 ? .bad : .quiet)
        if isWide { line.add("  \(sight.countsByState["working"] ?? 0) of \(counted(sight.peers.count, "peer", "peers")) working", .quiet) }
        return line
    }

    /// Values as a curve of eighths, the latest on the right.
    static func curve(_ values: [Double], width: Int) -> String {
        guard width > 0 else { return "" }
        let shown = values.suffix(width)
        let most = max(shown.max() ?? 0, 1)
        let steps = Array("▁▂▃▄▅▆▇█")
        let curve = String(shown.map { steps[min(steps.count - 1, Int($0 / most * Double(steps.count - 1) + 0.5))] })
        return String(repeating: " ", count: width - shown.count) + curve
    }

    private struct Field {
        var title: String
        var width: Int
        var isNumber = false
    }

    private static func fields(_ columns: Int) -> [Field] {
        var fields = [
            Field(title: "PEER", width: 20), Field(title: "STATE", width: 11), Field(title: "IN", width: 10, isNumber: true),
            Field(title: "OUT", width: 10, isNumber: true), Field(title: "HANDSHAKE", width: 10, isNumber: true),
            Field(title: "DROPS", width: 7, isNumber: true),
        ]
        let rest = columns - fields.reduce(0) { $0 + $1.width + 1 }
        if rest >= 22 { fields.append(Field(title: "ENDPOINT", width: rest)) } else { fields[0].width = max(1, 20 + min(rest + 1, 24)) }
        return fields
    }

    private func row(_ peer: PeerSight, _ fields: [Field], isChosen: Bool, seconds: PathFigures) -> ScreenLine {
        let reading = peer.reading
        let state = reading.state?.name ?? "?"
        let values = [
            reading.title, state, Quantity.bitRate(bytesPerSecond: seconds.perSecond(peer.receivedNow)),
            Quantity.bitRate(bytesPerSecond: seconds.perSecond(peer.sentNow)),
            reading.handshakeAge.map { "\($0.inWords) ago" } ?? "none yet",
            peer.dropped == 0 ? "-" : Quantity.count(Double(peer.dropped)), reading.endpoint.map { "\($0)" } ?? "not known",
        ]
        var line = ScreenLine()
        for (index, (field, value)) in zip(fields, values).enumerated() {
            let text = ScreenLine.field(value, field.width, right: field.isNumber) + (index == fields.count - 1 ? "" : " ")
            let style: ScreenLine.Style =
                isChosen
                ? .inverse
                : index == 1
                    ? (reading.state?.isBroken == true ? .bad : state == "working" ? .good : .plain)
                    : index == 5 && peer.dropped > 0 ? .bad : .plain
            line.add(text, style)
        }
        return line
    }

    // MARK: One peer

    private func peer(_ key: PublicKey, _ sight: TunnelSight) -> [ScreenLine] {
        guard let peer = sight.peers.first(where: { $0.reading.publicKey == key }) else {
            return [ScreenLine(), ScreenLine("this peer was removed", .quiet)]
        }
        let reading = peer.reading
        let shown = sight.shown
        var rows: [(String, String, ScreenLine.Style)] = [
            ("peer", reading.name ?? "no name in the file", .bold), ("key", key.base64, .plain),
            ("endpoint", reading.endpoint.map { "\($0)" } ?? "not known yet", .plain),
            (
                "state", (reading.state?.words ?? "not known yet") + (reading.evidence.isEmpty ? "" : ": \(reading.evidence)"),
                reading.state?.isBroken == true ? .bad : .plain
            ),
        ]
        for (word, total, now) in [("in", reading.receivedBytes, peer.receivedNow), ("out", reading.sentBytes, peer.sentNow)] {
            rows.append((word, "\(Quantity.bitRate(bytesPerSecond: shown.perSecond(now))), \(Quantity.bytes(total)) so far", .plain))
        }
        let allowed = reading.allowedIPs.prefix(12).map { "\($0)" }.joined(separator: ", ")
        let more = reading.allowedIPs.count > 12 ? " and \(reading.allowedIPs.count - 12) more" : ""
        rows.append(("for", allowed.isEmpty ? "nothing: it has no AllowedIPs" : allowed + more, .plain))
        for finding in sight.reading.diagnosis.findings where finding.peer == key {
            rows.append(("found", TerminalText.escaped(finding.sentence), finding.severity == .error ? .bad : .warning))
            if !finding.remedy.isEmpty { rows.append(("", TerminalText.escaped(finding.remedy), .plain)) }
        }
        for drop in sight.reading.figures.drops where drop.peer == key {
            rows.append(("dropped", "\(Quantity.count(Double(drop.count))): \(drop.reason.explanation)", .bad))
        }
        return [ScreenLine()]
            + rows.map { word, text, style in
                var line = ScreenLine(ScreenLine.field(word, 10), .quiet)
                line.add(text, style)
                return line
            }
    }
}
