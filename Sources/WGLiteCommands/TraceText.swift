internal import NetworkTypes
internal import PathRecording
internal import TunnelConfiguration
internal import WireGuardCrypto

/// What `trace` writes for people.
struct TraceText {
    let palette: Palette
    /// When the recording began, in nanoseconds of the Unix epoch.
    let began: UInt64

    private static let stageWidth = 11
    private static let timeWidth = 8

    /// A packet's story: whose it is, then a line a stage.
    func story(_ record: PacketRecord) -> String {
        let age = record.notes.unixNanoseconds > began ? record.notes.unixNanoseconds - began : 0
        var text = "\(palette.bold("+" + Self.seconds(age)))  \(record.notes.direction.word)  \(palette.bold(record.title))\n"
        for line in record.story(peerName: \.abbreviation) { text += self.line(line) + "\n" }
        return text
    }

    /// One stage.
    func line(_ line: StoryLine) -> String {
        let time = line.time.map { LatencyText.text($0.nanoseconds) } ?? ""
        // A step of a forecast has a longer name, and no time.
        let gap = String(repeating: " ", count: max(1, Self.stageWidth + Self.timeWidth - line.stage.count - time.count))
        return "  \(palette.cyan(line.stage))\(gap)\(time)  \(line.isDrop ? palette.red(line.text) : line.text)"
    }

    /// The ways that packets took, the most used first.
    func ways(_ ways: PacketWays) -> String {
        guard ways.total > 0 else { return "no packet came\n" }
        let ranked = ways.ranked
        let width = "\(ranked[0].count)".count
        return ranked.map { way, count in
            let number = "\(count)"
            let peer = way.peer.map { "  (peer \($0.abbreviation))" } ?? ""
            let kind = way.kind == .data ? "" : "\(Self.word(way.kind)): "
            let steps = way.steps.map { $0.hasPrefix("dropped") || $0.hasPrefix("refused") ? palette.red($0) : $0 }
            return "\(String(repeating: " ", count: width - number.count))\(palette.bold(number))  "
                + "\(way.direction.word)\(way.direction == .inbound ? " " : "")  \(kind)\(steps.joined(separator: " → "))\(peer)\n"
        }.joined()
    }

    private static func word(_ kind: PacketNotes.Kind) -> String {
        switch kind {
        case .data: "data"
        case .keepalive: "keepalive"
        case .initiation: "initiation"
        case .response: "response"
        case .cookie: "cookie reply"
        case .unknown: "none of WireGuard's"
        }
    }

    /// Seconds with microseconds: `12.000345 s`.
    static func seconds(_ nanoseconds: UInt64) -> String {
        let micros = "\(nanoseconds % 1_000_000_000 / 1000)"
        return "\(nanoseconds / 1_000_000_000).\(String(repeating: "0", count: 6 - micros.count))\(micros) s"
    }

    /// A filter that can't be read, with the place and what could stand there.
    static func problem(_ problem: RecordingFilter.Problem, _ running: [String]) -> String {
        let word = String(problem.text.utf8.dropFirst(problem.offset).prefix(problem.length)) ?? ""
        var text = "filter: \(problem.message)"
        if !problem.expected.isEmpty {
            let words = problem.expected + (problem.offset == 0 ? running : [])
            if let near = NearMiss.nearest(to: word, among: words) {
                text += ": did you mean `\(near)`?"
            } else if problem.offset == 0, !word.isEmpty {
                text += ", nor a tunnel that is up"
            }
        }
        let before = (String(problem.text.utf8.prefix(problem.offset)) ?? "").count
        text += "\n  \(TerminalText.escaped(problem.text))\n  \(String(repeating: " ", count: before))"
        return text + "^" + String(repeating: "~", count: max(0, word.count - 1))
    }
}
