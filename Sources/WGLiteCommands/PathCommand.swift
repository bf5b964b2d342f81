internal import ArgumentParser
internal import LinuxSystem
internal import NetworkTypes
internal import PathRecording
internal import TunnelControl
internal import TunnelDiagnosis
internal import TunnelView

struct PathCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "path", abstract: "Draw the path of a tunnel's packets, stage by stage, with its figures.",
        discussion: """
            As text: the two ways with each stage's packets a second, how many went together (batch), the time of each, and drops; since the \
            tunnel's start, or of some seconds with --for.

            --html records for some seconds (5 without --for) and writes one page that needs nothing else, to look at or to send to somebody: \
            the same picture, recorded packets one by one (their headers only), histograms, drops, queues, peers. No key is in it, but \
            addresses and the peers' names are.
            """)

    @Argument(help: "An interface, or its file.", completion: TunnelNames.running)
    var interface: String

    @Option(name: .customLong("for"), help: "Look for so many seconds (up to 3600).")
    var seconds: Double?

    @Option(help: "Record, and write a page to this file; - for standard output.", completion: .file(extensions: ["html"]))
    var html: String?

    @Flag(help: "The same as JSON, in a stable form.")
    var json = false

    func validate() throws {
        guard seconds.map({ $0 >= 0.1 && $0 <= 3600 }) ?? true else { throw ValidationError("--for is 0.1 to 3600 seconds.") }
        guard html == nil || !json else { throw ValidationError("--html and --json exclude each other.") }
    }

    func run() throws {
        let name = try ConfigurationSource.interface(interface)
        let names = TunnelQuery.peerNames(of: name)
        let length = seconds ?? (html == nil ? nil : 5)
        SignalDescriptor.ignoreBrokenPipes()
        let first = try TunnelReading.first(of: name, names: names)
        guard let length else { return try write(TunnelSight(first)) }
        let interval = Interval(nanoseconds: UInt64(length * 1e9))
        // Where the page goes is tried before anybody waits for it.
        if let html, html != "-" { try Self.writeFile("", to: html) }
        var records: [PacketRecord] = []
        var lost: UInt64 = 0
        if html != nil || json {
            if html != nil, html != "-" { Terminal.error("recording \(name) for \(Quantity.time(nanoseconds: length * 1e9))…") }
            (records, lost) = try record(name, interval)
        } else {
            SystemThread.sleep(interval)
        }
        let last: TunnelReading
        do throws(SetupError) {
            last = try TunnelReading(of: name, names: names)
        } catch {
            throw CommandFailure("\(name) went away while it was looked at: \(error.cause)")
        }
        var sight = TunnelSight(last, since: first, records: records)
        sight.lost = lost
        try write(sight)
    }

    /// Packets from all of the time, and drops among them: the stream is read to its end, and of more than fit every other one is kept.
    private func record(_ name: String, _ interval: Interval) throws -> ([PacketRecord], lost: UInt64) {
        var chosen = RecordChoice(limit: PathJSON.mostRecords)
        let deadline = Clock.now + interval
        var reader = try TunnelQuery.record(name, RecordingRequest())
        while deadline > Clock.now {
            switch try reader.next(within: deadline.since(Clock.now)) {
            case .frame(.packet(let record)): chosen.add(record)
            case .frame(.lost(let count)): chosen.lost += count
            case .frame(.end), .ended: throw CommandFailure("\(name) went away while it was recorded")
            case .frame, .nothing: break
            }
        }
        return (chosen.records, chosen.lost)
    }

    private func write(_ sight: TunnelSight) throws {
        if json {
            Terminal.output(PathJSON.document(sight).indented + "\n")
        } else if let html {
            let page = PathPage.html(.recorded(sight))
            guard html != "-" else { return Terminal.output(page) }
            try Self.writeFile(page, to: html)
            Terminal.error("the path of \(sight.reading.interface) is in \(html): open it in a browser")
        } else {
            let shown = sight.shown
            let palette = Palette(isOn: Terminal.isColoured(1))
            let span = Quantity.time(nanoseconds: Double(shown.interval.nanoseconds))
            let what = sight.now == nil ? "since the start, \(shown.interval.inWords) ago" : "in \(span)"
            let lines = [palette.bold(sight.reading.diagnosis.verdict.line), "figures \(what):", ""] + PathPicture(shown).tall
            Terminal.output(lines.joined(separator: "\n") + "\n")
        }
    }

    private static func writeFile(_ text: String, to path: String) throws {
        do throws(SystemError) {
            try FileSystem.write(Array(text.utf8), to: path)
        } catch {
            throw CommandFailure("cannot write the page: \(error)")
        }
    }
}
