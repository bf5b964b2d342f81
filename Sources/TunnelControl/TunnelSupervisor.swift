public import LinuxSystem
internal import MachineState
internal import NetworkTypes
public import TunnelConfiguration
public import TunnelCore
internal import TunnelDiagnosis
public import TunnelEngine
public import WireGuardCrypto

/// Brings one tunnel up, stays until it ends, and takes it down: the one owner of everything that was set up.
///
/// An event loop on the thread that made it: it only begins work and takes results, and waits for nobody. What takes its time runs on the
/// thread of ``OperationThread``; the engine and the UAPI server have threads of their own.
public final class TunnelSupervisor {
    /// How a tunnel is brought up.
    public struct Options: Sendable {
        /// Whether name servers that can't be set are a failure.
        public var requiresDNS = false
        /// The writing end of a pipe on which somebody waits for the tunnel to come up; negative for nobody.
        public var starter: Int32 = -1
        /// Which library seals and opens packets.
        public var aead = BackendChoice.Preference.automatic
        /// Threads that seal and open packets, 1 or more.
        public var cryptoThreads = 1
        /// How often silent peers' names are looked up again, in seconds; 0 for never.
        public var resolutionInterval: UInt32 = 120
        /// What was handed over instead of being made.
        public var inherited = InheritedDescriptors()
        /// Namespaces of its own, with a command; nil: the interface is where this process is.
        public var isolation: Isolation?
        /// Where the engine's lines go.
        public var engineLog: @Sendable (EngineLogLevel, String) -> Void = { _, _ in }

        /// Called before the interface's name is let go, on the supervisor's thread: afterwards nothing of the tunnel may be left.
        public var willRelease: @Sendable () -> Void = {}

        /// Where the engine tells what happens to the tunnel and its peers; it may not block.
        public var engineEvents: @Sendable (TunnelEvent) -> Void = { _ in }

        public init() {}

        /// With followers that are told what the engine tells.
        func telling(_ followers: EventFollowers) -> Options {
            var options = self
            options.engineEvents = { [engineEvents] event in
                engineEvents(event)
                followers.tell(event)
            }
            return options
        }
    }

    /// The name that the tunnel came up with, whatever the interface is called by now.
    public let interface: String
    let options: Options
    let report: SetupReport
    private let signals: SignalDescriptor
    let notification: ServiceNotification
    private let source: ConfigurationSource?
    /// Until there is a ``setup``, which keeps it without its keys.
    private var file: ConfigurationFile?
    let observer: Observer
    /// The clients that are told what happens.
    let followers: EventFollowers
    let operations: OperationThread<OperationResult>
    /// Looks at the machine for those who ask how the tunnel is, one after the other.
    let questions: OperationThread<Bool>
    var asking: [ControlServer.Client] = []
    /// What is set up, once the interface is made.
    var setup: TunnelSetup?
    /// Where clients of `down` and `reload` come in, and the lock that makes us the only one.
    var control: ControlServer?
    var lock: FileDescriptor?
    /// Who is sent packets as they are recorded.
    var recordings = RecordingSenders()
    var link: LinkWatch?
    var phase = Phase.starting
    var underWay: Work?
    /// What waits for the operation that is under way to give up.
    var wantsDown = false
    var waiting: Work?
    var downClients: [ControlServer.Client] = []
    var startFailure: SetupError?
    var startSummary: String?
    var nextWatchdog: Instant?
    /// When who waits for `down` is told that it takes its time.
    var nextWord: Instant?
    /// When what takes back, and was asked to end again, is given up.
    var nextGivingUp: Instant?
    /// When what others have removed of our place is looked for again.
    var nextPlace: Instant?
    /// Whether the record was removed with it, and is to be written again.
    var hasLostRecord = false
    /// When the port is tried again that another program has taken while the interface was down.
    var nextOpening: Instant?
    private var nextResolution: Instant?
    /// When names were last looked up because somebody looked at a silent peer.
    private var lastHaste: Instant?
    var look = LookPace()
    private var watch = ServiceWatch()

    enum Phase { case starting, running, ending, over }

    /// An operation, with what has to be told of it.
    enum Work {
        case up
        case reload(ControlServer.Client)
        /// Say what `down` would do.
        case preview(ControlServer.Client)
        case refresh
        case putBack
        case down
    }

    enum OperationResult: Sendable {
        case up(Result<String, SetupError>)
        case reload(Result<String, SetupError>)
        case preview(String)
        case done
        case down(TunnelSetup.Outcome)
    }

    /// - Parameter source: what to set up; nil for an unconfigured device, as wireguard-go makes it.
    public init(
        interface: String, source: ConfigurationSource?, file: ConfigurationFile?, options: Options, report: SetupReport
    ) throws(SetupError) {
        self.interface = interface
        self.source = source
        self.file = file
        let followers = EventFollowers()
        self.followers = followers
        self.options = options.telling(followers)
        self.report = report
        notification = ServiceNotification()
        observer = Observer(interface: interface)
        SignalDescriptor.ignoreBrokenPipes()
        do throws(SystemError) {
            // A command takes them for us.
            signals = try SignalDescriptor(
                options.isolation == nil ? [SignalDescriptor.terminate, SignalDescriptor.interrupt, SignalDescriptor.hangUp] : [])
            operations = try OperationThread()
            questions = try OperationThread(name: "wg-questions", keeping: options.isolation == nil ? Privileges.network : nil)
        } catch {
            throw SetupError("wait for signals", error)
        }
    }

    /// Whether anything has been made yet that a failure would undo.
    public private(set) var hasChangedAnything = false

    /// Brings the tunnel up in wg-quick's order. A failure undoes everything done so far.
    /// - Returns: what a person would like to know of it.
    public func bringUp() throws(SetupError) -> String {
        do throws(SetupError) {
            let (directory, owned) = try claim()
            try makeDevice(directory, owned)
        } catch {
            release()
            operations.stop()
            questions.leave()
            inside?.leave()
            throw error
        }
        begin(.up)
        while phase != .over, startSummary == nil { turn() }
        if let startSummary { return startSummary }
        inside?.leave()
        throw startFailure ?? SetupError("bring up \(interface)", "interrupted")
    }

    /// Stays until a signal, a client, or the end of the interface or its socket; then everything is taken down.
    public func run() {
        // What takes more is done by the thread of operations. A command's threads would have no more than this one.
        if options.isolation == nil { SystemThread.giveUpPrivileges(but: Privileges.network) }
        notification.ready("\(interface) is up")
        nextWatchdog = notification.watchdogInterval.map { Clock.now + $0 }
        while phase != .over { turn() }
        notification.drain()
    }

    // MARK: Beginning

    /// Makes sure that nobody else runs this interface.
    /// - Returns: what a process that was killed left behind, which is ours now.
    private func claim() throws(SetupError) -> (RuntimeDirectory, SystemState) {
        let directory = try RuntimeDirectory.prepare()
        for other in RuntimeDirectory.present {
            if let refusal = other.refusal(to: "bring up \(interface)", interface) { throw refusal }
        }
        directory.waitForEnd(of: interface)
        if let process = directory.server(of: interface)?.process, ProcessCondition(of: process) == .stopped {
            var refusal = SetupError("bring up \(interface)", stopped: process, interface)
            refusal.isTaken = true
            throw refusal
        }
        do throws(SystemError) {
            let name = RuntimeDirectory.lockName(interface)
            // One that answers is alive; where its interface was deleted it notices that in a moment, and ends.
            let isAlive = RuntimeDirectory.isAnswering(directory.control(of: interface)) && isThere
            guard let taken = try isAlive ? directory.records?.lock(name) : directory.records?.lockLetGo(name) else {
                let owner = (try directory.records?.read(name, limit: 32)).map { String(decoding: $0, as: UTF8.self) } ?? "?"
                throw SystemError(errno: ErrorNumber.busy, operation: TerminalText.escaped(owner))
            }
            lock = consume taken
            self.directory = directory
        } catch {
            guard error.errno == ErrorNumber.busy else { throw SetupError("take the lock of \(interface)", error) }
            throw SetupError(taken: interface, by: error.operation, isEnding: TunnelQuery.isEnding(interface))
        }
        if options.inherited.uapi == nil, directory.isServed(interface) {
            var refusal = SetupError(
                "bring up \(interface)", "it is up already, run by another WireGuard program (wireguard-go, perhaps)",
                remedy: "`ip link delete \(interface)` ends it")
            refusal.isTaken = true
            throw refusal
        }
        observer.recall(from: directory, of: file?.interface.privateKey?.value.publicKey)
        let record = TunnelRecord(interface: interface, directory: directory)
        let left = try record.read()
        if left?.isElsewhere ?? false {
            report.warning("what an earlier process of \(interface) left behind is in another network namespace, and stays there")
        } else if left != nil, file?.interface.hasDownHooks ?? false {
            report.warning("an earlier process of \(interface) was gone without PreDown and PostDown: what its PostUp did stays")
        }
        let owned = left?.here ?? SystemState()
        record.endHook()
        // A process that was killed in the middle of a write leaves a file beside the one that it was to replace.
        SystemFile("/etc/resolv.conf").removeLeftover()
        if let source { FileSystem.remove(FileSystem.leftover(of: source.path)) }
        directory.records?.removeLeftover(of: SentTimestamps.fileName(interface))
        let path = directory.control(of: interface)
        directory.records?.remove(RuntimeDirectory.controlName(interface))
        do throws(SystemError) {
            control = try ControlServer(at: path)
        } catch {
            throw SetupError("make the control socket \(path)", error)
        }
        return (directory, owned)
    }

    /// Whether there is an interface of the name here, or that can't be told: a command's is elsewhere.
    private var isThere: Bool {
        guard options.isolation == nil else { return true }
        do throws(SystemError) {
            var netlink = try NetlinkSocket()
            return try netlink.link(named: interface) != nil
        } catch {
            return true
        }
    }

    var directory: RuntimeDirectory?
    /// The namespaces of its own that the tunnel has, once it is brought up.
    public private(set) var inside: InsideNamespace?

    /// Where the process may log if the system has no log; nil before the interface is claimed. Whoever writes it removes it.
    public var logFile: BoundedFile? { directory?.logFile(of: interface) }

    private func makeDevice(_ directory: RuntimeDirectory, _ owned: SystemState) throws(SetupError) {
        if let isolation = options.isolation, let file {
            report.command("unshare --user --mount --net")
            inside = try InsideNamespace.make(interface, file, publishing: isolation.ports)
        }
        report.command("ip tuntap add mode tun \(interface)")
        let device = try TunnelDevice(
            interface: interface, mtu: Int(file?.interface.mtu?.value ?? 1420), listenPort: file?.interface.listenPort?.value ?? 0,
            firewallMark: file?.interface.firewallMark?.value ?? 0, directory: directory, log: report, options: options,
            inside: inside)
        do throws(SetupError) {
            setup = try TunnelSetup(
                interface: interface, source: source, file: file, options: options,
                record: TunnelRecord(interface: interface, directory: directory), device: device, owned: owned, inside: inside)
        } catch {
            device.stop()
            throw error
        }
        hasChangedAnything = true
        file = nil
        let watch = LinkWatch(interface, inside)
        follow(watch.state, device)
        link = consume watch
        let aead = device.engine.aead
        keepPlace()
        if !aead.isAsPreferred { report.warning("packets are sealed by \(aead.backend.library): \(aead.reason.explanation)") }
        observer.look(inside: inside)
        if !directory.isStandard, inside == nil {
            report.notice(
                "the control socket is \(directory.socket(of: interface)), where `wg` does not look: /run can't be written")
        }
    }

    /// Gives up what makes us the one that runs the interface.
    func release() {
        options.willRelease()
        // Where others removed the files and somebody else has taken the place, they are his.
        if let directory, let records = directory.records, isHeld(in: records) {
            if controlIsMade { records.remove(RuntimeDirectory.controlName(interface)) }
            records.remove(RuntimeDirectory.lockName(interface))
        }
        control = nil
        lock = nil
        directory = nil
    }

    private var controlIsMade: Bool {
        switch control {
        case .some: true
        case .none: false
        }
    }

    // MARK: The loop

    /// Sleeps until something happens, and sees to it.
    private func turn() {
        guard let device = setup?.device else {
            phase = .over
            return
        }
        // What is ready for good tells nothing new to who goes down already.
        let goesDown = phase == .ending || wantsDown
        var interests: [DescriptorPoll.Interest] = [
            .init(signals.rawValue), .init(operations.descriptor), .init(goesDown ? -1 : device.engine.endDescriptor),
            .init(goesDown ? -1 : device.server.endDescriptor), .init(linkDescriptor { $0.descriptor }),
            .init(goesDown ? -1 : options.isolation?.command.endDescriptor ?? -1),
            .init(linkDescriptor { $0.firewallDescriptor }),
            // Once who waits has gone, it stays ready.
            .init(phase == .starting && !wantsDown ? options.starter : -1, reading: false),
            .init(questions.descriptor), .init(goesDown ? -1 : device.server.stirred.rawValue),
        ]
        let fixed = interests.count
        interests += control?.interests ?? []
        // What can't be begun yet is no reason to wake up.
        let times =
            [nextWatchdog, nextWord, nextGivingUp, nextPlace, nextOpening, control?.deadline] + (isIdle ? [nextResolution, look.due] : [])
        let ready = DescriptorPoll.wait(interests, for: times.compactMap { $0 }.min().map { $0.since(Clock.now) })
        if ready[0], signals.next() != nil { end(becauseOf: nil) }
        if ready[2] { end(becauseOf: "\(interface) ended: \(endReason(device))") }
        if ready[3] { end(becauseOf: "\(interface) ends: its control socket was removed") }
        if ready[4] || ready[6] { heedLink(device) }
        if ready[5] { end(becauseOf: nil) }
        // One that goes away takes back what it asked for, as with every client.
        if ready[7] { end(becauseOf: "who started it has gone") }
        if ready[8], let isMissing = questions.takeResult() { finishAnswer(isMissing) }
        if ready[9] { keepPlace() }
        serve(ready[fixed...])
        if ready[1], let result = operations.takeResult() { finish(result) }
        tick(device)
    }

    private func endReason(_ device: TunnelDevice) -> String {
        switch device.engine.waitUntilEnded() {
        case .stopped: "it was stopped"
        case .sessionEnded(let reason): reason
        }
    }

    /// Whether the tunnel may begin something by itself.
    private var isIdle: Bool { underWay == nil && phase == .running }

    /// What is due.
    private func tick(_ device: TunnelDevice) {
        if let due = nextWatchdog, let interval = notification.watchdogInterval, due <= Clock.now {
            let turn = watch.turn(silent: device.engine.silentThreads, well: "\(interface) is up")
            if turn.feeds { notification.watchdog() }
            if let status = turn.status { notification.status(status) }
            if turn.asks { device.engine.askForProgress() }
            nextWatchdog = Clock.now + interval
        }
        sayWhatTakesItsTime()
        giveUpWhatHangs()
        if let due = nextPlace, due <= Clock.now { keepPlace() }
        if let due = nextOpening, due <= Clock.now { openAgain(device) }
        if let due = look.due, due <= Clock.now, isIdle {
            look.look(at: Clock.now)
            begin(.putBack)
        }
        if let due = nextResolution, due <= Clock.now, isIdle {
            nextResolution = nil
            begin(.refresh)
        }
    }

    /// Nobody wakes up for names that there aren't.
    func planResolution() {
        let hasNames = !(setup?.current.file?.unresolvedEndpoints.isEmpty ?? true)
        nextResolution = hasNames && options.resolutionInterval > 0 ? Clock.now + .seconds(UInt64(options.resolutionInterval)) : nil
    }

    /// Looks names up soon, however often somebody asks once in a while.
    func hastenResolution() {
        guard nextResolution != nil, lastHaste.map({ Clock.now.since($0) >= .seconds(10) }) ?? true else { return }
        lastHaste = Clock.now
        nextResolution = lastHaste
    }
}
