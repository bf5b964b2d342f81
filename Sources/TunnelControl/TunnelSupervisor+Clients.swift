internal import LinuxSystem
internal import PathRecording
internal import TunnelConfiguration
internal import TunnelDiagnosis
internal import TunnelEngine

extension TunnelSupervisor {
    /// Takes clients in and hears what they want; a client that goes away takes back what it asked for, but for its `down`.
    func serve(_ ready: ArraySlice<Bool>) {
        guard let (requests, gone) = control?.advance(ready) else { return }
        if let client = underWay?.client, gone.contains(where: { $0 === client }) { operations.cancel() }
        followers.remove(gone)
        asking.removeAll { client in gone.contains { $0 === client } }
        if let client = waiting?.client, gone.contains(where: { $0 === client }) { waiting = nil }
        for client in requests {
            guard let request = client.request else { continue }
            serve(request, of: client)
        }
    }

    private func serve(_ request: ControlChannel.Request, of client: ControlServer.Client) {
        guard let setup else { return }
        switch request {
        case .down(dryRun: true, _, _): begin(.preview(client), for: client, to: "take down \(interface)")
        case .down: end(becauseOf: nil, client)
        case .reload: begin(.reload(client), for: client, to: "reload \(interface)")
        case .report(let begins):
            if begins { setup.device.engine.beginHandshakes(atMost: Self.handshakesToBegin) }
            ask(client)
        case .record(let request):
            guard phase != .ending else { return client.finish(false, "it is being taken down") }
            recordings.serve(request, of: client, interface, setup.device.engine)
        case .figures: ask(client)
        case .names: client.finish(true, PeerNames(setup.current.file?.peerNames ?? [:]).text)
        case .events: followers.add(client)
        case .note(let note):
            observer.take(note)
            client.finish(true, "")
        }
    }

    /// Has a client answered that asks how the tunnel is. It takes a look at the machine: not on this thread.
    private func ask(_ client: ControlServer.Client) {
        asking.append(client)
        if !questions.isBusy { answerNext() }
    }

    /// Begins to answer who has waited the longest.
    func answerNext() {
        guard phase != .over, let setup, !asking.isEmpty else { return }
        let client = asking.removeFirst()
        questions.begin { [observer, wantsDown] _ in
            let report = Self.report(of: setup, observer, isEnding: wantsDown)
            if case .figures? = client.request {
                client.finish(true, "\(setup.device.engine.figures().text)\n\(report.text)")
            } else {
                client.finish(true, report.text)
            }
            return report.diagnosis.peers.contains(where: \.state.isBroken)
        }
    }

    /// One has been answered.
    /// - Parameter isMissing: whether a peer is missed.
    func finishAnswer(_ isMissing: Bool) {
        // Somebody looks at a peer that is missed: perhaps its name is another address by now.
        if isMissing { hastenResolution() }
        answerNext()
    }

    private static func report(of setup: TunnelSetup, _ observer: Observer, isEnding: Bool) -> TunnelReport {
        let state = setup.current
        var observation = observer.observe(setup.device.engine, state.file, link: setup.link, resolved: state.resolved)
        setup.complete(&observation)
        observation.isEnding = isEnding
        return TunnelReport(Diagnosis(observation), figures: TunnelDevice.counters(of: setup.device.engine))
    }

    /// Begins what a client asked for, at once or when looking after names and routes has given way; one client's at a time.
    private func begin(_ work: Work, for client: ControlServer.Client, to step: String) {
        guard phase == .running, !wantsDown else { return client.finish(false, Self.refusal(to: step, "it isn't up yet, or no longer")) }
        guard waiting == nil, underWay?.client == nil else {
            return client.finish(false, Self.refusal(to: step, "another change is under way"))
        }
        guard underWay != nil else { return begin(work) }
        operations.cancel()
        waiting = work
    }

    static func refusal(to step: String, _ reason: String) -> String {
        "\(SetupError(step, reason, remedy: "try again in a moment"))"
    }

    /// With how many peers `up` begins a handshake, so that there is something to tell.
    private static let handshakesToBegin = 16
}

extension TunnelSupervisor.Work {
    /// Who asked for it and waits for its answer; nil for what the tunnel does by itself, and for `down`, which nobody takes back.
    var client: ControlServer.Client? {
        switch self {
        case .reload(let client), .preview(let client): client
        case .up, .refresh, .putBack, .down: nil
        }
    }
}
