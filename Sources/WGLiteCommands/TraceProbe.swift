internal import ArgumentParser
internal import LinuxSystem
internal import NetworkTypes
internal import PathRecording
internal import TunnelConfiguration
internal import TunnelControl
internal import TunnelCore
internal import TunnelView
internal import WireGuardCrypto

/// `trace --to`: what would happen to a packet, then one real echo and its answer, stage by stage.
struct TraceProbe {
    private let address: IPAddress
    private let wanted: String?
    private let json: Bool
    private let palette: Palette
    /// How long an answer may take.
    private static let patience = Interval.seconds(3)
    /// Of the echo: what `ping` sends.
    private static let size = 84

    init(_ to: String, _ words: [String], _ running: [String], json: Bool) throws {
        guard let address = IPAddress(to) else {
            throw CommandFailure("\"\(to)\" is no address: --to takes one, for example 10.8.0.5", status: ExitCode(64))
        }
        guard words.count <= 1 else { throw CommandFailure("--to goes with a tunnel's name only", status: ExitCode(64)) }
        if let word = words.first, !running.contains(word) {
            throw CommandFailure(
                "\(word) is not up; these are: \(running.isEmpty ? "none" : running.joined(separator: ", "))", status: ExitCode(2))
        }
        self.address = address
        self.json = json
        wanted = words.first
        palette = Palette(isOn: !json && Terminal.isColoured(1))
    }

    func run() throws {
        let forecast = try PathForecast.make(to: address, expecting: wanted)
        var stages = forecast.steps.map(Self.object)
        if !json {
            Terminal.output("what would happen to a packet to \(address):\n")
            for step in forecast.steps { Terminal.output(line(step) + "\n") }
        }
        guard let interface = forecast.interface, !forecast.ends else {
            if json { print(document(stages, [], nil).text) }
            throw ExitCode(1)
        }
        let (records, took) = try probe(interface)
        if json {
            stages = forecast.steps.map(Self.object)
            print(document(stages, records, took).text)
        } else {
            write(records, took)
        }
        guard took != nil else { throw ExitCode(1) }
    }

    private func line(_ step: PathForecast.Step) -> String {
        let text = TraceText(palette: palette, began: 0).line(StoryLine(stage: step.name, text: step.text, isDrop: step.isBad))
        return text + (step.remedy.map { "\n                       \($0)" } ?? "")
    }

    /// Sends one echo and sees it pass.
    private func probe(_ interface: String) throws -> (records: [PacketRecord], took: Interval?) {
        let family = address.family
        let socket: EchoSocket
        do {
            socket = try EchoSocket(family: family, interface: interface)
        } catch {
            throw CommandFailure("cannot send an echo: \(error.message.lowercased()); it needs root", status: ExitCode(2))
        }
        var reader: RecordingReader
        do throws(SetupError) {
            reader = try TunnelQuery.record(interface, RecordingRequest(RecordingFilter(icmp: address)))
        } catch {
            throw CommandFailure(error.description, status: ExitCode(2))
        }
        let start = Clock.now
        guard socket.send(to: address, sequence: 1, size: Self.size) else {
            throw CommandFailure("the kernel refused the echo to \(address)", status: ExitCode(1))
        }
        var records: [PacketRecord] = []
        var took: Interval?
        let end = start + Self.patience
        // The answer's record follows it a moment later.
        var deadline = end
        while Clock.now < deadline {
            let ready = DescriptorPoll.wait([.init(socket.rawValue), .init(reader.descriptor)], for: deadline.since(Clock.now))
            if ready[0], took == nil, socket.nextReply() != nil {
                took = Clock.now.since(start)
                deadline = min(end, Clock.now + .milliseconds(500))
            }
            while case .frame(let frame) = try reader.next(within: Interval(nanoseconds: 0)) {
                if case .packet(let record) = frame { records.append(record) }
            }
            if took != nil, records.contains(where: { $0.notes.direction == .inbound && $0.addresses?.source == address }) { break }
        }
        return (records, took)
    }

    private func write(_ records: [PacketRecord], _ took: Interval?) {
        let text = TraceText(palette: palette, began: records.first?.notes.unixNanoseconds ?? 0)
        Terminal.output("\none echo of \(Self.size) bytes, as it went:\n")
        for record in records { Terminal.output(text.story(record)) }
        if let took {
            Terminal.output("\n\(palette.green("answered")) after \(LatencyText.text(took.nanoseconds))\n")
        } else if records.isEmpty {
            Terminal.output("\n\(palette.red("it never came to the tunnel")): a filter of this machine may have taken it\n")
        } else if records.contains(where: { $0.notes.fate == .waiting }) && !records.contains(where: { $0.notes.session != nil }) {
            Terminal.output("\n\(palette.red("no answer")): no session was made; `wg-lite status` says why\n")
        } else {
            Terminal.output(
                "\n\(palette.red("no answer")) in \(Self.patience.nanoseconds / 1_000_000_000) s: \(address) may not answer echoes\n")
        }
    }

    private static func object(_ step: PathForecast.Step) -> JSON {
        .object([
            ("step", .string(step.name)), ("text", .string(step.text)), ("bad", .bool(step.isBad)),
            ("remedy", step.remedy.map { .string($0) } ?? .null),
        ])
    }

    private func document(_ steps: [JSON], _ records: [PacketRecord], _ took: Interval?) -> JSON {
        .object([
            ("type", .string("forecast")), ("to", .string("\(address)")), ("steps", .array(steps)),
            ("packets", .array(records.map(TraceJSON.packet))), ("answered_after_ns", took.map { .number($0.nanoseconds) } ?? .null),
        ])
    }
}
