internal import LinuxSystem
internal import NetworkTypes
public import TunnelConfiguration
public import TunnelCore
internal import TunnelDiagnosis
public import TunnelEngine
public import WireGuardCrypto

/// Brings one tunnel up, stays until it ends, and takes it down: the one owner of everything that was set up.
///
/// Everything here happens on the thread that made it; the engine and the UAPI server have threads of their own.
public final class TunnelSupervisor {
    /// How a tunnel is brought up.
    public struct Options: Sendable {
        /// Whether name servers that can't be set are a failure.
        public var requiresDNS = false
        /// Which library seals and opens packets.
        public var aead = BackendChoice.Preference.automatic
        /// Threads that seal and open packets, 1 or more.
        public var cryptoThreads = 1
        /// How often silent peers' names are looked up again, in seconds; 0 for never.
        public var resolutionInterval: UInt32 = 120
        /// What was handed over instead of being made.
        public var inherited = InheritedDescriptors()
        /// Where the engine's lines go.
        public var engineLog: @Sendable (EngineLogLevel, String) -> Void = { _, _ in }
        /// Where the engine tells what happens to the tunnel and its peers; it may not block.
        public var engineEvents: @Sendable (TunnelEvent) -> Void = { _ in }

        public init() {}
    }

    public let interface: String
    let options: Options
    let report: SetupReport
    let signals: SignalDescriptor
    let notification: ServiceNotification
    /// What is set up; an unconfigured device has none of it.
    var source: ConfigurationSource?
    var file: ConfigurationFile?
    var directory: RuntimeDirectory!
    var rollback: Rollback
    var device: TunnelDevice!
    private var observer: Observer
    var routes: [RouteSpecification] = []
    var hasBegun = false
    var resolved: [EndpointName: Endpoint] = [:]
    /// Where clients of `down` and `reload` come in, and the lock that makes us the only one.
    private var control: FileDescriptor?
    private var lock: FileDescriptor?

    /// - Parameter source: what to set up; nil for an unconfigured device, as wireguard-go makes it.
    public init(
        interface: String, source: ConfigurationSource?, file: ConfigurationFile?, options: Options, report: SetupReport
    ) throws(SetupError) {
        self.interface = interface
        self.source = source
        self.file = file
        self.options = options
        self.report = report
        notification = ServiceNotification()
        observer = Observer(interface: interface)
        rollback = Rollback(interface: interface, directory: nil)
        SignalDescriptor.ignoreBrokenPipes()
        do throws(SystemError) {
            signals = try SignalDescriptor([SignalDescriptor.terminate, SignalDescriptor.interrupt, SignalDescriptor.hangUp])
        } catch {
            throw SetupError("wait for signals", error)
        }
    }

    /// Makes sure that nobody else runs this interface, and takes back what a process that was killed left behind.
    func claim() throws(SetupError) {
        directory = try RuntimeDirectory.prepare()
        for other in RuntimeDirectory.present {
            if let refusal = other.refusal(to: "bring up \(interface)", interface) { throw refusal }
        }
        do throws(SystemError) {
            let name = RuntimeDirectory.lockName(interface)
            guard let taken = try directory.records?.lock(name) else {
                let owner = (try directory.records?.read(name, limit: 32)).map { String(decoding: $0, as: UTF8.self) } ?? "?"
                throw SystemError(errno: ErrorNumber.busy, operation: TerminalText.escaped(owner))
            }
            lock = consume taken
        } catch {
            guard error.errno == ErrorNumber.busy else { throw SetupError("take the lock of \(interface)", error) }
            throw SetupError(
                "bring up \(interface)", "it is up already, run by process \(error.operation)",
                remedy: "`wg-lite reload \(interface)` takes over a changed file, `wg-lite down \(interface)` ends it")
        }
        if options.inherited.uapi == nil, RuntimeDirectory.isAnswering(directory.socket(of: interface)) {
            throw SetupError(
                "bring up \(interface)", "it is up already, run by another WireGuard program (wireguard-go, perhaps)",
                remedy: "`ip link delete \(interface)` ends it")
        }
        if var left = try Rollback.left(by: interface, in: directory) {
            report.notice("taking back what an earlier process left behind")
            left.performAll(report)
        }
        rollback = Rollback(interface: interface, directory: directory)
        observer.recall(from: directory, of: file?.interface.privateKey?.value.publicKey)
        let path = directory.control(of: interface)
        directory.records?.remove(RuntimeDirectory.controlName(interface))
        do throws(SystemError) {
            control = try UnixSocket.listen(at: path)
        } catch {
            throw SetupError("make the control socket \(path)", error)
        }
    }

    /// Stays until a signal, a client, or the end of the interface or its socket; then everything is taken down.
    public func run() {
        notification.ready("\(interface) is up")
        var nextWatchdog = notification.watchdogInterval.map { Clock.now + $0 }
        var watch = ServiceWatch()
        let resolutionInterval = Interval.seconds(UInt64(options.resolutionInterval))
        // Nobody wakes up for names that there aren't.
        var nextResolution: Instant? {
            didSet { if file?.unresolvedEndpoints.isEmpty ?? true || options.resolutionInterval == 0 { nextResolution = nil } }
        }
        nextResolution = Clock.now + resolutionInterval
        var link = LinkWatch(interface)
        device.follow(link.state, report)
        while true {
            let deadline = [nextWatchdog, nextResolution].compactMap { $0 }.min()
            let ready = DescriptorPoll.wait(
                [
                    .init(signals.rawValue), .init(device.engine.endDescriptor), .init(device.server.endDescriptor),
                    .init(controlDescriptor), .init(link.descriptor),
                ], for: deadline.map { $0.since(Clock.now) })
            if ready[0], signals.next() != nil { return takeDown(report) }
            if ready[1] {
                report.notice("\(interface) ended: \(endReason)")
                return takeDown(report)
            }
            if ready[2] {
                report.notice("\(interface) ends: its control socket was removed")
                return takeDown(report)
            }
            if ready[3] {
                if serveClient() { return }
                nextResolution = nextResolution ?? (Clock.now + resolutionInterval)
            }
            if ready[4] {
                let before = link.state
                if link.update() {
                    device.follow(link.state, report)
                    if link.state.mtu != before.mtu { report.notice("the MTU of \(interface) is \(link.state.mtu) now") }
                    if link.state.isUp != before.isUp { report.notice("\(interface) is set \(link.state.isUp ? "up" : "down")") }
                }
            }
            if let due = nextWatchdog, let interval = notification.watchdogInterval, due <= Clock.now {
                let turn = watch.turn(silent: device.engine.silentThreads, well: "\(interface) is up")
                if turn.feeds { notification.watchdog() }
                if let status = turn.status { notification.status(status) }
                if turn.asks { device.engine.askForProgress() }
                nextWatchdog = Clock.now + interval
            }
            if let due = nextResolution, due <= Clock.now {
                refreshStaleEndpoints()
                nextResolution = Clock.now + resolutionInterval
            }
        }
    }

    private var endReason: String {
        switch device.engine.waitUntilEnded() {
        case .stopped: "it was stopped"
        case .sessionEnded(let reason): reason
        }
    }

    private var controlDescriptor: Int32 {
        switch control {
        case .some(let descriptor): descriptor.rawValue
        case .none: -1
        }
    }

    /// Carries out what a client asks for; true when that was the end.
    private func serveClient() -> Bool {
        guard let client = ControlChannel.accept(controlDescriptor) else { return false }
        let request = client.request
        switch request {
        case .down(let verbose):
            let summary = downSummary
            takeDown(client.report(verbose: verbose), output: .descriptor(client.descriptor.rawValue))
            client.finish(true, summary)
            return true
        case .reload(let dryRun, let verbose):
            do throws(SetupError) {
                let plan = try reload(dryRun: dryRun, client.report(verbose: verbose))
                client.finish(true, plan)
            } catch {
                client.finish(false, "\(error)")
            }
            return false
        case .report(let begins):
            if begins { device.engine.beginHandshakes(atMost: Self.handshakesToBegin) }
            client.finish(true, currentReport.text)
            return false
        case .note(let note):
            observer.take(note)
            client.finish(true, "")
            return false
        }
    }

    /// With how many peers `up` begins a handshake, so that there is something to tell.
    private static let handshakesToBegin = 16

    private var currentReport: TunnelReport {
        TunnelReport(
            Diagnosis(observer.observe(device.engine, file, resolved: resolved)), figures: TunnelDevice.counters(of: device.engine))
    }

    /// Takes everything down, in the opposite order. What fails is told and stops nothing.
    func takeDown(_ report: SetupReport, output: ChildProcess.Stream = .descriptor(2)) {
        notification.stopping()
        if let file {
            attempt(report) { () throws(SetupError) in
                try Hooks.run(file.interface.preDown.map(\.value), of: "PreDown", interface: interface, output: output, report)
            }
            if file.interface.savesConfiguration { attempt(report) { () throws(SetupError) in try save(report) } }
        }
        tearDown(report)
        if let file {
            attempt(report) { () throws(SetupError) in
                try Hooks.run(file.interface.postDown.map(\.value), of: "PostDown", interface: interface, output: output, report)
            }
        }
    }

    /// Undoes what was done so far, without hooks.
    func tearDown(_ report: SetupReport) {
        rollback.performAll(report)
        if let device {
            report.command("ip link delete dev \(interface)")
            if let directory { observer.remember(device.engine, in: directory) }
            device.stop()
            self.device = nil
        }
        if let directory, control != nil || lock != nil {
            directory.records?.remove(RuntimeDirectory.controlName(interface))
            directory.records?.remove(RuntimeDirectory.lockName(interface))
        }
        control = nil
        lock = nil
    }

    private func attempt(_ report: SetupReport, _ body: () throws(SetupError) -> Void) {
        do throws(SetupError) {
            try body()
        } catch {
            report.warning("\(error)")
        }
    }

    /// Writes the running state back to the file.
    private func save(_ report: SetupReport) throws(SetupError) {
        guard let source, let file else { return }
        report.command("wg showconf \(interface) > \(source.shownPath)")
        let addresses = try? LinkSetup.addresses(of: interface)
        let text = file.text(saving: device.engine.snapshot(), addresses: addresses)
        do throws(SystemError) {
            try FileSystem.replace(source.path, with: text, permissions: FileSystem.status(source.path)?.permissions ?? 0o600)
        } catch {
            throw SetupError("save the configuration to \(source.shownPath)", error)
        }
    }

    private var downSummary: String {
        func counted(_ count: Int, _ one: String, _ many: String) -> String? { count == 0 ? nil : "\(count) \(count == 1 ? one : many)" }
        let parts = [
            counted(routes.count, "route", "routes"),
            counted(file?.interface.addresses.count ?? 0, "address", "addresses"),
        ].compactMap { $0 }
        return "\(interface) is down: \(parts.isEmpty ? "" : parts.joined(separator: ", ") + " and ")the interface removed"
    }
}

extension ControlChannel.Client {
    /// Tells the client what happens.
    fileprivate func report(verbose: Bool) -> SetupReport {
        let descriptor = descriptor.rawValue
        return SetupReport { kind, text in
            guard kind != .command || verbose else { return }
            let prefix = kind == .command ? "# " : kind == .warning ? "warning: " : ""
            FileDescriptor.write("\(prefix)\(text)\n", to: descriptor)
        }
    }
}
