internal import LinuxSystem
internal import NetworkTypes
internal import Synchronization

/// The command that runs inside of a tunnel, as part of the job that we are for the shell which called us: it is in our process group, so a
/// terminal's signals and stops reach it by themselves, and pipes on either side belong to one job.
///
/// - A signal of the kernel's came from the terminal, and the command has it already. What others send us is passed on.
/// - If the command alone stops, we stop as well, so that the shell sees it; continued, we continue it.
/// - Nothing that is sent to us ends us before the command.
public final class CommandInside: Sendable {
    /// How it came to its end.
    public enum Outcome: Hashable, Sendable {
        /// With this status.
        case exited(Int32)
        /// By this signal.
        case signalled(Int32)
        /// A signal came before it was started.
        case interrupted(Int32)
        /// It could not be started.
        case notStarted
    }

    private struct State: Sendable {
        var command: ChildProcess?
        /// The process inside that the tunnel can't do without.
        var insideProcess: Int32?
        var hasLostInside = false
        /// Whether the end of the command isn't the end yet while anything lives inside.
        var waitsFor: InsideNamespace?
        var isStopped = false
        var outcome: Outcome?
        var isOver = false
    }

    private let signals: SignalDescriptor
    private let inherited: InheritedSignals
    /// Signalled when the tunnel is to end.
    private let ended: EventDescriptor
    private let state = Mutex(State())
    private let thread = Mutex<SystemThread?>(nil)

    /// Takes over the process's signals. Call it before any thread is started.
    public init() throws(SetupError) {
        inherited = InheritedSignals()
        do throws(SystemError) {
            ended = try EventDescriptor()
            signals = try SignalDescriptor(Self.forwarded + [SignalDescriptor.child])
            try thread.withLock { (thread) throws(SystemError) in
                thread = try SystemThread(name: "command") { [self] in watch() }
            }
        } catch {
            throw SetupError("wait for signals", error)
        }
    }

    private static let forwarded = [
        SignalDescriptor.terminate, SignalDescriptor.interrupt, SignalDescriptor.hangUp, SignalDescriptor.quit, SignalDescriptor.user1,
        SignalDescriptor.user2, SignalDescriptor.resized,
    ]
    /// Those that end what there is no command for.
    private static let ending: Set<Int32> = [
        SignalDescriptor.terminate, SignalDescriptor.interrupt, SignalDescriptor.hangUp, SignalDescriptor.quit,
    ]

    /// Readable from the moment on in which the tunnel is to end.
    var endDescriptor: Int32 { ended.rawValue }

    /// What it came to; nil as long as it runs, or wasn't started.
    public var outcome: Outcome? { state.withLock { $0.outcome } }

    /// Whether the process inside was ended by somebody else, and the tunnel with it.
    public var hasLostInside: Bool { state.withLock { $0.hasLostInside } }

    /// Starts the command. It is killed when the calling thread ends, so that is the main one.
    /// - Parameters:
    ///   - arguments: its name first.
    ///   - variables: added to the environment, `NAME=value` each.
    ///   - waitsForAll: whether the tunnel lives as long as anything inside does.
    /// - Throws: why it can't be executed. Then it is as if it had ended.
    public func start(
        _ arguments: [[UInt8]], adding variables: [String], in inside: InsideNamespace, waitsForAll: Bool
    ) throws(StartFailure) {
        let names = variables.map { Array($0.utf8.prefix { $0 != UInt8(ascii: "=") }) + [UInt8(ascii: "=")] }
        let environment =
            Process.environment.filter { variable in !names.contains { variable.starts(with: $0) } } + variables.map { Array($0.utf8) }
        // The one who reaps children waits, until it is known whose this one is.
        let failure = state.withLock { state -> StartFailure? in
            guard state.outcome == nil else { return nil }
            do throws(SystemError) {
                state.command = try ChildProcess.start(
                    arguments, environment: environment, in: inside.place, signals: inherited)
                state.waitsFor = waitsForAll ? inside : nil
                state.insideProcess = inside.processIdentifier
                return nil
            } catch {
                state.outcome = .notStarted
                state.isOver = true
                return StartFailure(error)
            }
        }
        guard let failure else { return }
        giveUp()
        throw failure
    }

    /// Why a command can't be executed, as `env` tells it by its exit status.
    public struct StartFailure: Error, Hashable, Sendable {
        /// For people.
        public let message: String
        /// 127 where there is no such program, else 126.
        public let status: Int32

        init(_ error: SystemError) {
            if error.operation == "start" {
                message =
                    error.isMissing
                    ? "\(error.subject): there is no such program" : "\(error.subject) can't be executed: \(error.message)"
                status = error.isMissing ? 127 : 126
            } else if error.operation == "open", error.subject == ".", error.isPermissionDenied {
                message = "the working directory may not be entered by this user, so nothing can be started in it: go to another one (cd /)"
                status = 126
            } else {
                message = "cannot start \(error.subject) in the tunnel's namespace: \(error.operation): \(error.message) (\(error.name))"
                status = 126
            }
        }
    }

    /// Tells the command that its line is gone: the tunnel ended before it.
    public func hangUp() {
        state.withLock { state in
            guard let command = state.command, state.outcome == nil else {
                state.isOver = true
                return
            }
            command.signal(SignalDescriptor.hangUp)
            command.signal(SignalDescriptor.continue)
            state.waitsFor = nil
        }
        giveUp()
    }

    /// Waits for the command, or for whatever came instead of it. Call it once.
    public func waitUntilEnded() -> Outcome {
        thread.withLock { $0.take() }?.join()
        return state.withLock { $0.outcome } ?? .notStarted
    }

    private func giveUp() {
        ended.signal()
        // The thread that watches has to look again.
        Process.signal(Process.identifier, SignalDescriptor.child)
    }

    // MARK: The thread that watches

    private func watch() {
        while !state.withLock({ $0.isOver }) {
            let waits = state.withLock { $0.outcome != nil }
            // What entered the namespace by itself tells nobody when it goes.
            _ = DescriptorPoll.wait([.init(signals.rawValue)], for: waits ? .seconds(1) : nil)
            while let arrival = signals.nextArrival() { take(arrival) }
            reap()
        }
        ended.signal()
    }

    private func take(_ arrival: SignalDescriptor.Arrival) {
        guard arrival.signal != SignalDescriptor.child else { return }
        state.withLock { state in
            if state.outcome == nil, let command = state.command {
                if !arrival.isFromKernel { command.signal(arrival.signal) }
            } else if Self.ending.contains(arrival.signal) {
                if state.outcome == nil { state.outcome = .interrupted(arrival.signal) }
                state.isOver = true
            }
        }
    }

    private func reap() {
        collect()
        if state.withLock({ $0.isStopped }) {
            // Together with us it is continued together with us: then we hear of both at once.
            SystemThread.sleep(.milliseconds(50))
            collect()
        }
        let stopped = state.withLock { state in state.isStopped && state.outcome == nil ? state.command : nil }
        if let stopped {
            state.withLock { $0.isStopped = false }
            if Process.hasTerminal {
                Process.stop()
                stopped.signal(SignalDescriptor.continue)
            }
        }
        // Asked without the lock: the answer comes from another process.
        let waitsFor = state.withLock { state in state.outcome == nil ? nil : state.waitsFor }
        let isInhabited = waitsFor?.isInhabited ?? false
        state.withLock { state in
            if state.outcome != nil, !isInhabited || state.waitsFor == nil { state.isOver = true }
        }
    }

    private func collect() {
        state.withLock { state in
            while let (identifier, change) = ChildProcess.nextChange() {
                if identifier == state.insideProcess, case .ended = change {
                    state.hasLostInside = true
                    ended.signal()
                }
                guard identifier == state.command?.identifier else { continue }
                switch change {
                case .ended(.exited(let status)): state.outcome = .exited(status)
                case .ended(.signalled(let signal)): state.outcome = .signalled(signal)
                case .stopped: state.isStopped = true
                case .continued: state.isStopped = false
                }
            }
        }
    }
}
