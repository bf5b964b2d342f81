internal import LinuxSystem
internal import MachineState
internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelCore
internal import TunnelDiagnosis
internal import TunnelEngine

extension InterfaceConfiguration {
    /// Whether there are commands that take back what others did.
    var hasDownHooks: Bool { !preDown.isEmpty || !postDown.isEmpty }
}

extension TunnelSetup {
    /// What became of a take-down.
    struct Outcome: Sendable {
        var summary: String
        /// What couldn't be taken back; it stays recorded, and the next `down` tries again.
        var failures: [SetupError] = []
    }

    /// Takes everything down, in the opposite order. What fails is told and stops nothing.
    /// - Parameters:
    ///   - runsHooks: false to undo a `bringUp` that failed.
    ///   - directory: where hooks run.
    ///   - show: takes what hooks print; nil for standard error.
    func takeDown(
        runsHooks: Bool, directory: String, _ cancellation: Cancellation, _ report: SetupReport, show: (@Sendable ([UInt8]) -> Void)? = nil
    ) -> Outcome {
        // Hooks and SaveConfig speak of the file as it is now, whatever else is wrong with it, if it can still be read. Only SaveConfig has a
        // use for its keys; where setting up failed they may not have been taken yet.
        change { $0.file = $0.file?.withoutSecrets }
        let state = current
        var present = runsHooks ? source.flatMap { try? $0.load() } : nil
        let file = present?.withoutSecrets ?? state.file
        if file?.interface.savesConfiguration != true { present = nil }
        var failures: [SetupError] = []
        func attempt(_ body: () throws(SetupError) -> Void) {
            do throws(SetupError) {
                try body()
            } catch {
                report.warning("\(error)")
            }
        }
        var hooks = Hooks(interface: interface, directory: directory, cancellation: cancellation, report: report)
        hooks.show = show
        hooks.record = record
        if runsHooks, let file {
            attempt { () throws(SetupError) in try hooks.run(file.interface.preDown.map(\.value), of: "PreDown") }
            if file.interface.savesConfiguration { attempt { () throws(SetupError) in try save(present, report) } }
            present = nil
        }
        // Who gave up one hook that hangs didn't mean what comes next.
        cancellation.reset()
        // What belongs to the interface goes with it.
        failures += inTurn(nil) { execution(cancellation, report).undoing.takeBack(state.owned) }
        change { $0.owned = SystemState() }
        report.command("ip link delete dev \(interface)")
        device.stop()
        cancellation.reset()
        if runsHooks, let file {
            attempt { () throws(SetupError) in try hooks.run(file.interface.postDown.map(\.value), of: "PostDown") }
        }
        return Outcome(
            summary: Self.summary(
                interface, routes: state.owned.routeCount, addresses: state.owned.addresses.count, hasFile: state.file != nil),
            failures: failures)
    }

    /// What is gone.
    /// - Parameter hasFile: whether the tunnel was brought up from one; else somebody else has set up what stands around it.
    static func summary(_ interface: String, routes: Int, addresses: Int, hasFile: Bool) -> String {
        var parts: [String] = []
        if routes > 0 { parts.append(counted(routes, "route", "routes")) }
        if addresses > 0 { parts.append(counted(addresses, "address", "addresses")) }
        let text = "\(interface) is down: \(parts.isEmpty ? "" : parts.joined(separator: ", ") + " and ")the interface removed"
        guard !hasFile else { return text }
        return text
            + "\n  it had no file: what wg-quick or others set up around it (rules, filters) stays; `wg-quick down` would have taken back both"
    }

    /// What the file becomes when the running state is written back; nil where that changes nothing.
    func textToSave(_ file: ConfigurationFile) -> SecretText? {
        let text = file.text(saving: savedState, since: current.former)
        return text.isSame(as: file.text) ? nil : text
    }

    /// Writes the running state back to the file, if it is there.
    private func save(_ file: ConfigurationFile?, _ report: SetupReport) throws(SetupError) {
        guard let source else { return }
        let step = "save the configuration to \(source.shownPath)"
        guard let file else { throw SetupError(step, "it can't be read any more; nothing was written") }
        guard let text = textToSave(file) else { return }
        report.command("wg showconf \(interface) > \(source.shownPath)")
        do throws(SystemError) {
            try text.withBytes { bytes throws(SystemError) in try SystemFile(source.path).write(bytes) }
        } catch {
            throw SetupError(step, error, remedy: "the file is as it was")
        }
    }
}
