internal import LinuxSystem
internal import NetworkTypes

extension TunnelSupervisor {
    /// How long who waits for `down` hears nothing.
    private static let silence = Interval.milliseconds(900)
    /// How long what takes back goes on when it is asked to end again.
    private static let patience = Interval.seconds(2)

    /// Tells who waits for `down` that it takes its time: a hook or somebody else's program does.
    func sayWhatTakesItsTime() {
        guard let due = nextWord, due <= Clock.now else { return }
        nextWord = nil
        for client in downClients {
            client.say(
                "\(interface) is being taken down; `wg-lite down \(interface)` in another terminal gives up the hook or program that this waits for"
            )
        }
    }

    /// Gives up a program that takes back what was set up, and hangs.
    func giveUpWhatHangs() {
        guard let due = nextGivingUp, due <= Clock.now else { return }
        nextGivingUp = nil
        operations.abandonUndoing()
    }

    /// Ends the tunnel, whatever is under way; asked again, it gives up what the end itself waits for.
    func end(becauseOf reason: String?, _ client: ControlServer.Client? = nil) {
        if let reason { report.notice(reason) }
        if let client {
            downClients.append(client)
            nextWord = nextWord ?? Clock.now + Self.silence
        }
        guard phase != .ending else {
            guard underWay != nil else { return }
            operations.cancel()
            // Two who ask at once mean the same: only what hangs is given up, or something would be left for nothing.
            nextGivingUp = nextGivingUp ?? Clock.now + Self.patience
            return
        }
        // Going down takes back all that is set up, what a change has set up so far included.
        if underWay != nil { operations.cancel(forGood: true) }
        wantsDown = true
        // Who waits for a change of what goes down needn't.
        waiting?.client?.finish(false, Self.refusal(to: "change \(interface)", "it goes down"))
        waiting = nil
        if underWay == nil { begin(.down) }
    }

    func begin(_ work: Work) {
        guard let setup else { return }
        let report = report
        underWay = work
        switch work {
        case .up:
            operations.begin { cancellation in
                .up(Swift.Result { () throws(SetupError) in try setup.bringUp(cancellation, report) })
            }
        case .reload(let client):
            guard case .reload(let dryRun, let verbose)? = client.request else { return }
            if !dryRun { notification.reloading() }
            let told = client.report(verbose: verbose)
            operations.begin { cancellation in
                .reload(Swift.Result { () throws(SetupError) in try setup.reload(dryRun: dryRun, cancellation, told) })
            }
        case .preview:
            operations.begin { cancellation in .preview(setup.takeDownPreview(cancellation)) }
        case .refresh:
            operations.begin { cancellation in
                setup.refreshEndpoints(cancellation, report)
                return .done
            }
        case .putBack:
            operations.begin { cancellation in
                setup.putBack(cancellation, report)
                return .done
            }
        case .down:
            phase = .ending
            recordings.beginToStop()
            notification.stopping()
            if let directory { observer.remember(setup.device.engine, in: directory) }
            // A tunnel that never came up has no hooks to run.
            let wasUp = startSummary != nil && inside == nil
            let client = downClients.first
            var told = report
            var directory = setup.directory
            var show: (@Sendable ([UInt8]) -> Void)?
            if let client, case .down(_, let verbose, let caller)? = client.request {
                told = client.report(verbose: verbose)
                directory = caller
                show = { client.sayInTime($0) }
            }
            let (place, output) = (directory, show)
            let sink = told
            operations.begin { cancellation in
                .down(setup.takeDown(runsHooks: wasUp, directory: place, cancellation, sink, show: output))
            }
        }
    }

    func finish(_ result: OperationResult) {
        let work = underWay
        underWay = nil
        switch result {
        case .up(.success(let summary)):
            phase = .running
            planResolution()
            // One who interrupts us wants nothing to be left.
            if wantsDown { startFailure = SetupError("bring up \(interface)", "interrupted") } else { startSummary = summary }
        case .up(.failure(let error)):
            startFailure = error
            wantsDown = true
        case .reload(let outcome):
            if case .reload(let client)? = work {
                switch outcome {
                case .success(let text): client.finish(true, text)
                case .failure(let error): client.finish(false, "\(error)")
                }
            }
            notification.ready("\(interface) is up")
            // Who watches hears of us at the end of a change as well as at regular times.
            nextWatchdog = nextWatchdog.map { _ in Clock.now }
            planResolution()
        case .preview(let text):
            work?.client?.finish(true, text)
            planResolution()
        case .done: planResolution()
        case .down(let outcome): return close(outcome)
        }
        if wantsDown { return begin(.down) }
        keepRecord()
        if let work = waiting {
            waiting = nil
            begin(work)
        }
    }

    /// Everything is down: tells who waits for it, and lets go.
    private func close(_ outcome: TunnelSetup.Outcome) {
        let failures = outcome.failures.map { "\($0)" }
        for failure in failures where downClients.isEmpty { report.warning(failure) }
        let message =
            failures.isEmpty
            ? outcome.summary
            : (failures + ["\(interface) is down, but not everything could be taken back: `wg-lite down \(interface)` tries again"]).joined(
                separator: "\n")
        startFailure = startFailure.map { error in
            var error = error
            if !failures.isEmpty { error.remedy = ([error.remedy].compactMap { $0 } + failures).joined(separator: "\n  ") }
            return error
        }
        for client in downClients { client.finish(failures.isEmpty, message) }
        followers.end("\(interface) is down")
        control?.flush()
        recordings.stop()
        operations.stop()
        questions.leave()
        setup?.resolver.stop()
        setup = nil
        release()
        phase = .over
    }
}
