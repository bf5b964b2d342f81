internal import LinuxSystem
internal import NetworkTypes
public import PathRecording
internal import TunnelConfiguration
internal import TunnelCore
public import TunnelDiagnosis

/// How a tunnel is: what its process says when it is asked, or what can be seen of another program's.
public struct TunnelReport: Sendable {
    /// Of other programs' tunnels from what the kernel and their control socket say.
    public var diagnosis: Diagnosis
    /// Our own figures, by name; empty of other programs' tunnels.
    public var figures: [(name: String, value: UInt64)]

    public init(_ diagnosis: Diagnosis, figures: [(name: String, value: UInt64)]) {
        self.diagnosis = diagnosis
        self.figures = figures
    }

    /// The report as lines: a figure each, an empty one, the diagnosis.
    var text: String {
        figures.map { "\($0.name) \($0.value)\n" }.joined() + "\n" + diagnosis.text
    }

    /// Reads what ``text`` wrote; nil for anything else.
    init?(text: String) {
        guard let gap = text.hasPrefix("\n") ? text.startIndex : text.firstRange(of: "\n\n").map({ text.index(after: $0.lowerBound) }),
            let diagnosis = Diagnosis(text: String(text[gap...]))
        else { return nil }
        self.diagnosis = diagnosis
        figures = text[..<gap].split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 2, let value = UInt64(words[1]) else { return nil }
            return (String(words[0]), value)
        }
    }
}

extension TunnelQuery {
    /// Tells the process that runs a tunnel what was found by trying the way; others don't listen.
    public static func note(_ note: ProbeNote, to interface: String) {
        for directory in RuntimeDirectory.present {
            guard ControlChannel.ask(directory.control(of: interface), .note(note), show: { _ in }) == nil else { return }
        }
    }

    /// Our own figures of a tunnel, by name; empty of other programs' tunnels. The UAPI has the standard's keys only.
    public static func figures(of interface: String) throws(SetupError) -> [(name: String, value: UInt64)] {
        try ownReport(of: interface, begins: false)?.figures ?? []
    }

    /// What the stages of one of our tunnels have counted, and how it is; nil of other programs' tunnels, which count nothing of the kind.
    public static func pathFigures(of interface: String) throws(SetupError) -> (figures: PathFigures, report: TunnelReport)? {
        for directory in RuntimeDirectory.present {
            guard let answer = ControlChannel.ask(directory.control(of: interface), .figures, show: { _ in }) else { continue }
            let text = try answer.get()
            // An empty line stands between the two.
            guard let gap = text.firstRange(of: "\n\n"), let figures = PathFigures(text: String(text[..<gap.lowerBound])),
                let report = TunnelReport(text: String(text[gap.upperBound...]))
            else { return nil }
            return (figures, report)
        }
        return nil
    }

    /// What the process says that runs one of our tunnels; nil where none does, or one of a version that speaks otherwise.
    private static func ownReport(of interface: String, begins: Bool) throws(SetupError) -> TunnelReport? {
        for directory in RuntimeDirectory.present {
            guard let answer = ControlChannel.ask(directory.control(of: interface), .report(begins: begins), show: { _ in }) else {
                continue
            }
            return TunnelReport(text: try answer.get())
        }
        return nil
    }

    /// Whether a tunnel is one of ours and is being taken down.
    static func isEnding(_ interface: String) -> Bool {
        (try? ownReport(of: interface, begins: false))?.diagnosis.verdict == .ending(interface)
    }

    /// How a tunnel is. Of our own its process is asked, of another program's what its control socket shows is judged.
    /// - Parameter begins: whether a handshake is to be begun with peers that have none, so that there is something to tell.
    public static func report(of interface: String, begins: Bool = false) throws(SetupError) -> TunnelReport {
        if let report = try ownReport(of: interface, begins: begins) { return report }
        let answer = try state(of: interface)
        var settings = TunnelSettings()
        settings.takeOver(answer.snapshot)
        var observation = Observation(interface: interface, settings: settings)
        let now = Clock.unixNanoseconds
        observation.peers = answer.snapshot.peers.map { PeerObservation($0, at: now) }
        var machine = Machine(interface: interface)
        observation.link = machine?.link
        machine?.complete(&observation, mark: answer.snapshot.firewallMark)
        return TunnelReport(Diagnosis(observation), figures: [])
    }
}
