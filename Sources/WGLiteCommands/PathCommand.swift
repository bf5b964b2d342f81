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
            """)

    @Argument(help: "An interface, or its file.", completion: TunnelNames.running)
    var interface: String

    @Option(name: .customLong("for"), help: "Look for so many seconds (up to 3600).")
    var seconds: Double?

    @Flag(help: "The same as JSON, in a stable form.")
    var json = false

    func validate() throws {
        guard seconds.map({ $0 >= 0.1 && $0 <= 3600 }) ?? true else { throw ValidationError("--for is 0.1 to 3600 seconds.") }
    }

    func run() throws {
        let name = try ConfigurationSource.interface(interface)
        let names = TunnelQuery.peerNames(of: name)
        let length = seconds
        SignalDescriptor.ignoreBrokenPipes()
        let first = try TunnelReading(of: name, names: names)
        guard let length else { return try write(TunnelSight(first)) }
        let interval = Interval(nanoseconds: UInt64(length * 1e9))
        SystemThread.sleep(interval)
        let last: TunnelReading
        do throws(SetupError) {
            last = try TunnelReading(of: name, names: names)
        } catch {
            throw CommandFailure("\(name) went away while it was looked at: \(error.cause)")
        }
        try write(TunnelSight(last, since: first))
    }

    private func write(_ sight: TunnelSight) throws {
        if json {
            Terminal.output(PathJSON.document(sight).indented + "\n")
        } else {
            let shown = sight.shown
            let palette = Palette(isOn: Terminal.isColoured(1))
            let span = Quantity.time(nanoseconds: Double(shown.interval.nanoseconds))
            let what = sight.now == nil ? "since the start, \(shown.interval.inWords) ago" : "in \(span)"
            let lines = [palette.bold(sight.reading.diagnosis.verdict.line), "figures \(what):", ""] + PathPicture(shown).tall
            Terminal.output(lines.joined(separator: "\n") + "\n")
        }
    }
}
