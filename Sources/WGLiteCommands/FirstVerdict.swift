internal import LinuxSystem
internal import NetworkTypes
internal import TunnelControl
internal import TunnelDiagnosis
internal import WireGuardCrypto

/// How a tunnel that has just come up is: asked until it can be told, for two seconds at most.
struct FirstVerdict {
    static let patience = Interval.seconds(2)
    private static let pause = Interval.milliseconds(50)

    /// Begins handshakes and waits for what comes of them; of a peer that answers the way is tried with large packets, and of one that
    /// doesn't it is looked whether its answers reach this machine.
    /// - Returns: nil if the tunnel went away meanwhile.
    static func wait(for interface: String) -> Diagnosis? {
        let end = Clock.now + patience
        let trial = PathTrial(of: interface)
        var last = try? TunnelQuery.report(of: interface, begins: true).diagnosis
        while let diagnosis = last, !diagnosis.isDecided, Clock.now < end {
            _ = DescriptorPoll.wait([], for: pause)
            last = try? TunnelQuery.report(of: interface).diagnosis
        }
        guard let diagnosis = last, let notes = trial.flatMap({ notes(of: $0, diagnosis) }), !notes.isEmpty else { return last }
        for note in notes { TunnelQuery.note(note, to: interface) }
        return (try? TunnelQuery.report(of: interface).diagnosis) ?? last
    }

    /// What trying the way adds: nothing where all is well.
    private static func notes(of trial: PathTrial, _ diagnosis: Diagnosis) -> [ProbeNote] {
        var notes: [ProbeNote] = []
        if let working = diagnosis.peers.first(where: { $0.state == .working }),
            let probe = trial.echo(working.publicKey, patience: .milliseconds(300)), probe.smallestLost != nil
        {
            notes.append(.echo(working.publicKey, probe))
        }
        if diagnosis.findings.contains(where: { $0.code == .noAnswer }), let unseen = trial.arrivedUnseen() {
            notes.append(.arrived(unseen))
        }
        return notes
    }

    /// What `up` ends with.
    /// - Parameters:
    ///   - summary: what has been set up, a line.
    ///   - names: what the file calls peers.
    static func text(
        _ diagnosis: Diagnosis, summary: String, names: [PublicKey: String] = [:], palette: Palette
    ) -> String {
        let status = StatusText(palette: palette, now: 0, names: names)
        let shown = 4
        var lines: [String]
        switch diagnosis.verdict.outcome {
        case .works, .waits: lines = diagnosis.told == nil ? [summary] : status.head(diagnosis) + [summary]
        case .worksWithFindings, .worksInPart, .doesNotWork: lines = status.head(diagnosis) + [summary]
        }
        lines += diagnosis.peers.prefix(shown).map(status.peer)
        if diagnosis.peers.count > shown { lines.append("  and \(counted(diagnosis.peers.count - shown, "more peer", "more peers"))") }
        return lines.joined(separator: "\n")
    }
}
