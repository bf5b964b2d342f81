internal import ArgumentParser
internal import LinuxSystem
internal import NetworkTypes
internal import TunnelControl
internal import TunnelView

struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "Watch a tunnel live: its peers, and the path of its packets stage by stage.",
        discussion: """
            On a terminal: the verdict, the peers with their rates, and the path with each stage's packets a second, how many went together, \
            the time of each, and drops. Keys: arrows choose a peer and Enter opens it; s sorts by the next column, r reverses, p holds the \
            picture, Tab goes to the next tunnel, h helps, q quits. Elsewhere, and where TERM is dumb, a line a second.

            Peers have the name that the comment under [Peer] gives them in the file. A tunnel with so many peers that an answer takes long is \
            asked less often.
            """)

    @Argument(help: "An interface, or its file; the first that is up without.", completion: TunnelNames.running)
    var interface: String?

    @Option(name: [.customShort("n"), .long], help: "End after so many times.")
    var count: Int?

    @Flag(help: "Write the picture of one second as text, and end.")
    var once = false

    @Flag(help: "A line of JSON each time, as `wg-lite path --json` writes it.")
    var json = false

    func validate() throws {
        guard count.map({ $0 > 0 }) ?? true else { throw ValidationError("-n is 1 or more.") }
        guard !(once && (json || count != nil)) else { throw ValidationError("--once goes with neither --json nor -n.") }
    }

    func run() throws {
        let name = try interface.map(ConfigurationSource.interface) ?? Self.firstRunning()
        let isScreen =
            !once && !json && Process.isTerminal(0) && Process.isTerminal(1) && !["dumb", ""].contains(Process.environment("TERM") ?? "")
        SignalDescriptor.ignoreBrokenPipes()
        // What can't be asked at all is told before anything is taken over.
        _ = try TunnelReading.first(of: name, names: [:])
        if isScreen { return try TopTerminal(name: name, count: count).run() }
        try lines(name)
    }

    private static func firstRunning() throws -> String {
        guard let first = RuntimeDirectory.runningInterfaces().map(\.name).sorted().first else {
            throw CommandFailure(CommandFailure.noTunnel, status: .nothingToLookAt)
        }
        return first
    }

    /// A line a second, until nobody reads them any more.
    private func lines(_ name: String) throws {
        let names = TunnelQuery.peerNames(of: name)
        var earlier = try TunnelReading(of: name, names: names)
        var left = once ? 1 : count
        while left != 0 {
            SystemThread.sleep(TunnelReadings.rest)
            let reading: TunnelReading
            do throws(SetupError) {
                reading = try TunnelReading(of: name, names: names)
            } catch {
                throw CommandFailure("\(name) has gone: \(error.cause)")
            }
            let sight = TunnelSight(reading, since: earlier)
            earlier = reading
            let text = json ? PathJSON.document(sight).text : once ? Self.picture(sight) : TopLine.text(sight)
            guard Terminal.wrote(text + "\n") else { return }
            left = left.map { $0 - 1 }
        }
    }

    /// The screen as text, as high as it has to be.
    private static func picture(_ sight: TunnelSight) -> String {
        var screen = TopScreen()
        screen.take(sight)
        let (isTerminal, isColoured) = (Process.isTerminal(1), Terminal.isColoured(1))
        return screen.lines(columns: 80, rows: 50).map { isTerminal ? $0.rendered(columns: 80, isColoured: isColoured) : $0.text }
            .filter { !$0.isEmpty }.dropLast().joined(separator: "\n")
    }
}

/// `top` on a terminal: keys, signals and answers come in, pictures go out.
struct TopTerminal {
    let name: String
    let count: Int?

    private enum End {
        case quit
        case gone(String)
    }

    func run() throws {
        // Before any thread: they inherit that these are blocked.
        let signals = try SignalDescriptor([
            SignalDescriptor.interrupt, SignalDescriptor.terminate, SignalDescriptor.hangUp, SignalDescriptor.quit,
            SignalDescriptor.resized, SignalDescriptor.stop,
        ])
        let readings = try TunnelReadings(name)
        try readings.start()
        switch try watch(readings, signals) {
        case .quit: break
        case .gone(let words): throw CommandFailure(words)
        }
    }

    private func watch(_ readings: TunnelReadings, _ signals: borrowing SignalDescriptor) throws -> End {
        let terminal = try TerminalScreen()
        let isColoured = Terminal.isColoured(1)
        let keyboard = try FileDescriptor.duplicate(of: 0)
        var screen = TopScreen()
        var tunnel = name
        var left = count
        var isWhole = true
        var interests: [DescriptorPoll.Interest] { [.init(0), .init(signals.rawValue), .init(readings.event.rawValue)] }
        while true {
            let size = terminal.size
            let lines = screen.lines(columns: size.columns, rows: size.rows)
            switch terminal.write(Self.picture(lines, size, isColoured: isColoured, isWhole: isWhole), unless: signals.rawValue) {
            case .all: isWhole = false
            case .interrupted: isWhole = true
            case .failed: return .quit
            }
            if left == 0 { return .quit }
            let ready = DescriptorPoll.wait(interests)
            while ready[1], let signal = signals.next() {
                switch signal {
                case SignalDescriptor.resized: isWhole = true
                case SignalDescriptor.stop:
                    try terminal.stop()
                    isWhole = true
                default: return .quit
                }
            }
            if ready[2] {
                screen.hasOthers = Self.tunnels.count > 1
                for news in readings.take() {
                    switch news {
                    case .sight(let sight):
                        screen.take(sight)
                        // The first has no rates yet.
                        if sight.now != nil { left = left.map { $0 - 1 } }
                    case .failure(let words, let isGone):
                        if isGone { return .gone(words) }
                        screen.take(trouble: words)
                    }
                }
            }
            guard ready[0] else { continue }
            guard let bytes = try? keyboard.readChunk(), !bytes.isEmpty else { return .quit }
            for key in TerminalKey.keys(in: bytes) {
                switch screen.press(key, page: screen.page(rows: size.rows)) {
                case .nothing: break
                case .quit: return .quit
                case .redraw: isWhole = true
                case .suspend:
                    try terminal.stop()
                    isWhole = true
                case .nextTunnel:
                    let others = Self.tunnels
                    guard others.count > 1 else { break }
                    tunnel = others[((others.firstIndex(of: tunnel) ?? -1) + 1) % others.count]
                    screen = TopScreen()
                    readings.change(to: tunnel)
                }
            }
        }
    }

    private static var tunnels: [String] { RuntimeDirectory.runningInterfaces().map(\.name).sorted() }

    /// What puts `lines` on a screen: each over the one before, so that nothing flickers.
    private static func picture(_ lines: [ScreenLine], _ size: TerminalScreen.Size, isColoured: Bool, isWhole: Bool) -> String {
        var text = isWhole ? "\u{1b}[2J" : ""
        for (row, line) in lines.enumerated() {
            text += "\u{1b}[\(row + 1);1H\(line.rendered(columns: size.columns, isColoured: isColoured))\u{1b}[K"
        }
        return text + "\u{1b}[J"
    }
}
