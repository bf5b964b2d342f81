internal import ArgumentParser
internal import LinuxSystem
internal import NetworkTypes
internal import PathRecording
internal import TunnelConfiguration
internal import TunnelControl
internal import TunnelView

struct TraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace", abstract: "Follow packets through every stage of a tunnel, as it happens.",
        usage: "wg-lite trace [<options>] [<interface>] [<filter> ...]",
        discussion: """
            Each packet's story, a line a stage: what was done with it there, and how long its batch took. A filter is words that must all be true:

              10.8.0.5, 10.8.0.0/24     one of the inner packet's ends
              from 10.8.0.5, to …       its source, its destination
              port 443                  one of its ports
              tcp, udp, icmp            its protocol; protocol 47 another
              peer KEY                  whose it is; the key's beginning will do
              via 192.0.2.7             the peer's outer address
              out, in                   which way it goes
              drops                     what goes no further
              handshakes                their messages
              1/100                     one in a hundred

            --paths counts packets by the way they took instead, until Ctrl-C, -n or ten seconds. --to says what would happen to a packet to an \
            address, then sends one real echo there and shows its way out and its answer's way in.

            Headers are read, never what is inside. It needs root, or to be the tunnel's owner.

            Exit status: 0, or 1 if the tunnel ended meanwhile or --to found no way, 2 if there is nothing to look at.
            """)

    @Argument(help: "A running interface (without, the only one that is up), then the words of a filter.", completion: TunnelNames.running)
    var words: [String] = []

    @Option(name: [.customShort("n"), .long], help: "End after so many packets.")
    var count: UInt64?

    @Flag(help: "Only what is dropped: the same as the word.")
    var drops = false

    @Flag(help: "Count packets by the way they took.")
    var paths = false

    @Option(help: ArgumentHelp("End after so long.", valueName: "seconds"))
    var seconds: UInt32?

    @Option(help: ArgumentHelp("Say what would happen to a packet to this address, and try it.", valueName: "address"))
    var to: String?

    @Flag(help: "A JSON object a line, in a stable form.")
    var json = false

    func validate() throws {
        if to != nil, paths || drops || count != nil { throw ValidationError("--to goes with --json and a tunnel's name only.") }
        if count == 0 { throw ValidationError("-n is 1 or more.") }
    }

    func run() throws {
        let running = RuntimeDirectory.runningInterfaces().map(\.name)
        if let to { return try TraceProbe(to, words, running, json: json).run() }
        let watched = try WatchedTunnel(drops ? words + ["drops"] : words, running: running)
        let filter = try Self.filter(watched.filter, running)
        // Before the tunnel is asked: from then on signals come to us as something to wait for.
        let signals = try SignalDescriptor([SignalDescriptor.interrupt, SignalDescriptor.terminate, SignalDescriptor.hangUp])
        let reader: RecordingReader
        do throws(SetupError) {
            reader = try TunnelQuery.record(watched.interface, RecordingRequest(filter, count: count))
        } catch {
            throw CommandFailure(error.description, status: ExitCode(2))
        }
        let limit = seconds.map { Interval.seconds(UInt64($0)) } ?? (paths ? .seconds(10) : nil)
        try TraceSession(palette: Palette(isOn: !json && Terminal.isColoured(1)), json: json, groups: paths).follow(reader, signals, limit)
    }

    /// Reads the filter; what is wrong with it is shown in its place.
    static func filter(_ text: String, _ running: [String]) throws -> RecordingFilter {
        do throws(RecordingFilter.Problem) {
            return try RecordingFilter(text)
        } catch {
            throw CommandFailure(TraceText.problem(error, running), status: ExitCode(64))
        }
    }
}

/// Follows one recording and writes what comes.
struct TraceSession {
    let palette: Palette
    let json: Bool
    /// Whether packets are only counted by their ways.
    let groups: Bool

    private static let framesBetweenSignals = 32

    /// Until the recording ends, the time is over, a signal comes, or nobody reads what is written.
    func follow(_ recording: consuming RecordingReader, _ signals: borrowing SignalDescriptor, _ limit: Interval?) throws {
        var reader = recording
        let text = TraceText(palette: palette, began: reader.header.unixNanoseconds)
        var ways = PacketWays()
        var lost: UInt64 = 0
        var end: String?
        let deadline = limit.map { Clock.now + $0 }
        if json, !groups { Terminal.output(TraceJSON.header(reader.header).text + "\n") }
        var frames = 0
        reading: while true {
            frames += 1
            // Packets may come as fast as they are read: whoever wants to stop is heard meanwhile.
            if frames % Self.framesBetweenSignals == 0, DescriptorPoll.wait([.init(signals.rawValue)], for: .milliseconds(0)) == [true] {
                break reading
            }
            if let deadline, frames % Self.framesBetweenSignals == 0, deadline <= Clock.now { break reading }
            switch try reader.next(within: Interval(nanoseconds: 0)) {
            case .frame(.packet(let record)):
                if groups {
                    ways.add(record)
                } else {
                    Terminal.output(json ? TraceJSON.packet(record).text + "\n" : text.story(record))
                }
            case .frame(.lost(let count)): lost += count
            case .frame(.end(let reason)):
                end = reason
                break reading
            case .frame: break
            case .ended:
                end = "its process has gone"
                break reading
            case .nothing:
                // A pipe that nobody reads any more is an error on it, whatever is waited for.
                let interests = [
                    DescriptorPoll.Interest(signals.rawValue), .init(reader.descriptor), .init(1, reading: false),
                ]
                let ready = DescriptorPoll.wait(interests, for: deadline.map { $0.since(Clock.now) })
                if ready[0] || ready[2] { break reading }
                if let deadline, deadline <= Clock.now { break reading }
            }
        }
        if groups {
            Terminal.output(json ? TraceJSON.ways(ways, lost: lost).text + "\n" : text.ways(ways))
        } else if json {
            Terminal.output(TraceJSON.end(end ?? "", lost: lost).text + "\n")
        }
        if lost > 0, !json {
            Terminal.error("\(lost) more were not recorded: they came faster than they were read; a filter, or 1/100, takes fewer")
        }
        if let end, !end.isEmpty {
            if !json { Terminal.error(end) }
            throw ExitCode(1)
        }
    }
}
