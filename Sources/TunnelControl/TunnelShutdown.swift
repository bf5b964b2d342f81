internal import LinuxSystem
internal import MachineState
internal import NetworkTypes
internal import TunnelConfiguration

/// Ending a tunnel that another process runs, and asking it for changes.
public enum TunnelShutdown {
    /// Ends the tunnel and waits until everything is gone. What a process that was killed left behind is taken back.
    /// - Parameters:
    ///   - source: the tunnel's file, if there is one.
    ///   - dryRun: only say what would be done.
    ///   - show: called with what happens meanwhile, hooks' output included.
    /// - Returns: what was removed.
    public static func down(
        _ interface: String, _ source: ConfigurationSource?, dryRun: Bool, verbose: Bool, report: SetupReport, show: (String) -> Void
    ) throws(SetupError) -> String {
        let step = "take down \(interface)"
        var leftovers = false
        for directory in RuntimeDirectory.present {
            let request = ControlChannel.Request.down(dryRun: dryRun, verbose: verbose, directory: Process.workingDirectory)
            if let answer = try ask(directory, interface, request, to: step, show: show) {
                // Whoever comes next, to try again perhaps, finds the process gone.
                if !dryRun { waitUntilFree(directory, interface) }
                do throws(SetupError) {
                    return try answer.get()
                } catch {
                    throw SetupError(
                        dryRun ? step : "\(step) completely", error.cause.replacingPrefix("cannot take down \(interface): ", with: ""))
                }
            }
            if let refusal = directory.refusal(to: step, interface) { throw refusal }
            guard !RuntimeDirectory.isAnswering(directory.socket(of: interface)) else {
                throw SetupError(
                    step, askingInVain: directory.server(of: interface), directory,
                    orElse: "`ip link delete \(interface)` ends it, or whatever started it")
            }
            if dryRun {
                if let commands = try leftoverPreview(interface, directory) {
                    return DryRun.text("\(interface): its process is gone; what it left behind would be removed", commands)
                }
                continue
            }
            if try cleanUp(interface, directory, step, report) { leftovers = true }
        }
        if leftovers {
            // Its hooks went with it; the file may have them still.
            if let file = try? source?.load(), file.interface.hasDownHooks {
                report.warning("\(interface)'s process was gone already, so PreDown and PostDown were not run: what PostUp did stays")
            }
            return "\(interface) is down: its process was gone already, what it left behind is removed"
        }
        throw SetupError(step, "it is not up", remedy: "`wg-lite show` lists what is")
    }

    /// Asks the process that runs the tunnel to read its file again.
    public static func reload(_ interface: String, dryRun: Bool, verbose: Bool, show: (String) -> Void) throws(SetupError) -> String {
        for directory in RuntimeDirectory.present {
            if let answer = try ask(directory, interface, .reload(dryRun: dryRun, verbose: verbose), to: "reload \(interface)", show: show)
            {
                do throws(SetupError) {
                    return try answer.get()
                } catch {
                    throw SetupError("reload \(interface)", error.cause.replacingPrefix("cannot reload \(interface): ", with: ""))
                }
            }
        }
        for directory in RuntimeDirectory.present {
            if let refusal = directory.refusal(to: "reload \(interface)", interface) { throw refusal }
            guard RuntimeDirectory.isAnswering(directory.socket(of: interface)) else { continue }
            throw SetupError(
                "reload \(interface)", askingInVain: directory.server(of: interface), directory,
                orElse: "`wg syncconf \(interface) FILE` changes it")
        }
        throw SetupError("reload \(interface)", "it is not up", remedy: "`wg-lite up \(interface)` brings it up")
    }

    /// Asks the process that runs a tunnel. One whose files others have removed makes them again: a moment is waited for that. One that
    /// was stopped isn't waited for: that may be for ever.
    private static func ask(
        _ directory: RuntimeDirectory, _ interface: String, _ request: ControlChannel.Request, to step: String, show: (String) -> Void
    ) throws(SetupError) -> Result<String, SetupError>? {
        let control = directory.control(of: interface)
        directory.waitForEnd(of: interface)
        if let process = directory.server(of: interface)?.process, ProcessCondition(of: process) == .stopped {
            throw SetupError(step, stopped: process, interface)
        }
        for _ in 0..<20 {
            if let answer = ControlChannel.ask(control, request, show: show) { return answer }
            guard directory.server(of: interface)?.isOurs ?? false else { return nil }
            SystemThread.sleep(.milliseconds(100))
        }
        return nil
    }

    /// How what a dead process left behind would be taken back; nil where there is nothing.
    private static func leftoverPreview(_ interface: String, _ directory: RuntimeDirectory) throws(SetupError) -> [String]? {
        guard let records = directory.records, records.status(RuntimeDirectory.lockName(interface)) != nil else { return nil }
        let record = TunnelRecord(interface: interface, directory: directory)
        let plan = execution(record, .silent).planToTakeBack(try record.readToTakeBack() ?? SystemState())
        return plan.steps.compactMap { $0.command(interface: interface, tunnel: interface) }
    }

    /// What acts for a process that is gone: its interface is, and with it all that was the interface's.
    private static func execution(_ record: TunnelRecord, _ report: SetupReport) -> PlanExecution {
        PlanExecution(
            observation: SystemObservation(link: 0, tunnel: record.interface, tools: ExternalTools(cancellation: nil)), record: record,
            device: nil, report: report)
    }

    /// Takes back what the record of a dead process says.
    private static func cleanUp(
        _ interface: String, _ directory: RuntimeDirectory, _ step: String, _ report: SetupReport
    ) throws(SetupError) -> Bool {
        guard let records = directory.records else { return false }
        let lockName = RuntimeDirectory.lockName(interface)
        guard records.status(lockName) != nil || records.status(RuntimeDirectory.recordName(interface)) != nil else { return false }
        // It is ours until everything has been taken back.
        let lock = try lockLetGo(interface, directory, records, step)
        defer { _ = lock.rawValue }
        let record = TunnelRecord(interface: interface, directory: directory)
        record.endHook()
        SystemFile("/etc/resolv.conf").removeLeftover()
        if let left = try record.readToTakeBack() {
            let failures = record.inTurn(nil) { execution(record, report).takeBack(left) }
            if let first = failures.first {
                var error = first
                error.remedy =
                    ([first.remedy].compactMap { $0 } + failures.dropFirst().map { "\($0)" }
                    + ["the rest is recorded: `wg-lite down \(interface)` tries again"]).joined(separator: "\n  ")
                throw error
            }
        }
        records.remove(RuntimeDirectory.recordName(interface))
        records.removeLeftover(of: SentTimestamps.fileName(interface))
        records.remove(RuntimeDirectory.controlName(interface))
        // Taking back may have taken its time.
        if !RuntimeDirectory.isAnswering(directory.socket(of: interface)) {
            directory.sockets.remove(RuntimeDirectory.socketName(interface))
        }
        directory.logFile(of: interface)?.remove()
        records.remove(lockName)
        return true
    }

    /// The lock of a process that is gone.
    /// - Throws: where somebody holds it who will take everything back himself: he has begun a moment ago, or ends.
    private static func lockLetGo(
        _ interface: String, _ directory: RuntimeDirectory, _ records: OwnedDirectory, _ step: String
    ) throws(SetupError) -> FileDescriptor {
        let lock: FileDescriptor?
        do throws(SystemError) {
            lock = try records.lockLetGo(RuntimeDirectory.lockName(interface))
        } catch {
            throw SetupError(step, error)
        }
        guard let lock else {
            let process = directory.holder(of: interface).map { "process \($0)" } ?? "another process"
            throw SetupError(step, "\(process) has its lock and can't be asked: it begins, or ends", remedy: "try again in a moment")
        }
        return lock
    }

    /// The answer comes a moment before the process's end.
    private static func waitUntilFree(_ directory: RuntimeDirectory, _ interface: String) {
        // A lock of another process's is of whoever came next.
        guard let process = directory.holder(of: interface) else { return }
        Pause.while(upTo: .seconds(10)) { directory.holder(of: interface) == process }
    }
}

extension SetupError {
    /// A tunnel's process was stopped, by a signal or a debugger.
    init(_ step: String, stopped process: Int32, _ interface: String) {
        self.init(
            step, "its process \(process) is stopped",
            remedy:
                "`kill -CONT \(process)` lets it go on; otherwise `kill -KILL \(process)` ends it, and `wg-lite down \(interface)` then takes back "
                + "what it leaves")
    }

    /// A tunnel's process can't be asked for what only ours do.
    /// - Parameters:
    ///   - server: the process, if it can be seen.
    ///   - remedy: what helps with another program's.
    init(_ step: String, askingInVain server: RuntimeDirectory.Server?, _ directory: RuntimeDirectory, orElse remedy: String) {
        guard let server else {
            self.init(step, "it is run by another program than `wg-lite up`", remedy: remedy)
            return
        }
        guard server.isOurs else {
            self.init(
                step, "it is run by another program than `wg-lite up`: \(server.program), process \(server.process)", remedy: remedy)
            return
        }
        self.init(
            step, "its process \(server.process) can't be asked: nothing of it is in \(directory.base)/wg-lite",
            remedy: "`kill -TERM \(server.process)` takes it down, and back all that was set up")
    }
}

extension String {
    fileprivate func replacingPrefix(_ prefix: String, with replacement: String) -> String {
        hasPrefix(prefix) ? replacement + dropFirst(prefix.count) : self
    }
}
