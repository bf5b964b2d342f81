internal import LinuxSystem
internal import NetworkTypes
internal import Synchronization
internal import TunnelConfiguration
public import TunnelCore
internal import WireGuardCrypto

/// Serves the UAPI at a socket, on a thread of its own: several connections, several requests on each.
///
/// A connection whose answer isn't taken is not read from either. Answers cost memory while they are read, a copy of the state each, so
/// only a few are given at once: others wait for them, and one that has been left unread for long gives way to those. So do connections,
/// whose number is bounded too. The server ends when its socket's file goes away.
public final class UAPIServer: Sendable {
    /// What the requests are about.
    public struct Tunnel: Sendable {
        var snapshot: @Sendable () -> TunnelSnapshot
        /// Applies a change; 0, or a positive errno.
        var apply: @Sendable (TunnelUpdate) -> Int32

        /// - Parameters:
        ///   - snapshot: the state.
        ///   - apply: applies a change; returns 0 or a positive errno.
        public init(
            snapshot: @escaping @Sendable () -> TunnelSnapshot,
            apply: @escaping @Sendable (TunnelUpdate) -> Int32
        ) {
            self.snapshot = snapshot
            self.apply = apply
        }
    }

    /// The socket's path; nil for one that was handed over.
    public let path: String?
    private let listener: FileDescriptor
    private let watch: SocketWatch
    private let tunnel: Tunnel
    private let stopping: EventDescriptor
    private let ended: EventDescriptor
    /// Readable when an entry of a directory went away that is watched for others (``watch(_:)``); whoever reads it clears it.
    let stirred: EventDescriptor
    private let thread = Mutex<SystemThread?>(nil)
    private let report: SetupReport
    /// Answers that are given at once.
    static let mostAnswers = 8
    /// How long an answer may be left unread while others wait for theirs.
    private static let patience = Interval.seconds(2)
    /// Connections at once: no more than a quarter of all descriptors.
    private let mostConnections = min(256, max(8, Process.descriptorLimit / 4))
    /// Given up for a moment when there is no descriptor left to take a client in with, to turn it away.
    private let reserve = Mutex<FileDescriptor?>(try? .open("/dev/null", flags: 0))

    /// Makes the socket; ``start()`` serves it.
    ///
    /// A socket that a dead process left behind gives way.
    /// - Throws: when somebody serves it already, or it can't be made.
    public convenience init(path: String, tunnel: Tunnel, report: SetupReport) throws(SetupError) {
        let step = "make the control socket \(path)"
        if FileSystem.exists(path) {
            guard !RuntimeDirectory.isAnswering(path) else {
                throw SetupError(step, "another process serves it", remedy: "is the tunnel up already? See `wg-lite show`")
            }
            FileSystem.remove(path)
        }
        do throws(SystemError) {
            let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            // What fails after the socket was made takes it away again.
            let watch = SocketWatch(try DirectoryWatch(directory))
            let listener = try UnixSocket.listen(at: path)
            do throws(SystemError) {
                try self.init(listener: listener, path: path, watch: watch, tunnel: tunnel, report: report)
            } catch {
                FileSystem.remove(path)
                throw error
            }
        } catch {
            throw SetupError(step, error)
        }
    }

    /// Serves a socket that was handed over, listening already (WG_UAPI_FD).
    public convenience init(listener: Int32, tunnel: Tunnel, report: SetupReport) throws(SetupError) {
        do throws(SystemError) {
            try self.init(listener: FileDescriptor(owning: listener), path: nil, watch: SocketWatch(nil), tunnel: tunnel, report: report)
        } catch {
            throw SetupError("serve the control socket that was handed over", error)
        }
    }

    private init(
        listener: consuming FileDescriptor, path: String?, watch: consuming SocketWatch, tunnel: Tunnel, report: SetupReport
    ) throws(SystemError) {
        try listener.setNonBlocking()
        stopping = try EventDescriptor()
        ended = try EventDescriptor()
        stirred = try EventDescriptor()
        self.listener = listener
        self.path = path
        self.watch = watch
        self.tunnel = tunnel
        self.report = report
    }

    /// Readable when the socket has gone away.
    var endDescriptor: Int32 { ended.rawValue }

    /// Lets clients in, on a thread of its own.
    /// - Throws: where there can be no thread.
    public func start() throws(SetupError) {
        do throws(SystemError) {
            try thread.withLock { (thread) throws(SystemError) in
                thread = try SystemThread(name: "wg-uapi") { [self] in
                    SystemThread.giveUpPrivileges(but: Privileges.network)
                    run()
                }
            }
        } catch {
            throw SetupError("serve the control socket", error)
        }
    }

    /// Watches one more directory, for others: there are few inotify instances for each user. One that can't be watched isn't.
    func watch(_ directory: String) { watch.add(directory) }

    /// Ends the thread and removes the socket.
    public func stop() {
        stopping.signal()
        thread.withLock { $0.take() }?.join()
        if let path { FileSystem.remove(path) }
    }

    private func run() {
        var connections: [UAPIConnection] = []
        // Set while clients can be neither taken in nor turned away: the listener stays readable.
        var pause: Instant?
        var wasAnswering = false
        while true {
            var interests = [
                DescriptorPoll.Interest(stopping.rawValue), .init(pause == nil ? listener.rawValue : -1),
                .init(watch.descriptor, reading: watch.isWatching),
            ]
            interests += connections.map(\.interest)
            let deadline = [pause, Self.deadline(connections)].compactMap { $0 }.min()
            let ready = DescriptorPoll.wait(interests, for: deadline.map { $0.since(Clock.now) })
            if ready[0] { return }
            if ready[2] {
                watch.clear()
                if let path, !FileSystem.exists(path) {
                    ended.signal()
                    return
                }
                stirred.signal()
            }
            for (connection, isReady) in zip(connections, ready.dropFirst(3)) where isReady { connection.advance() }
            Self.letGo(of: connections)
            answer(connections)
            // Keys were read, or written.
            if !connections.isEmpty { wipeDeadStack(64 << 10) }
            connections.removeAll(where: \.isOver)
            // What tens of thousands of small pieces took goes back to the system when nobody reads any more.
            let isAnswering = connections.contains(where: \.isAnswering)
            if wasAnswering, !isAnswering { Process.releaseFreedMemory() }
            wasAnswering = isAnswering
            if let end = pause, end <= Clock.now { pause = nil }
            if ready[1], !accept(&connections) { pause = Clock.now + .milliseconds(100) }
        }
    }

    /// When an unread answer has to give way.
    private static func deadline(_ connections: [UAPIConnection]) -> Instant? {
        guard connections.contains(where: \.isWaiting) else { return nil }
        return connections.filter(\.isAnswering).map(\.lastProgress).min().map { $0 + patience }
    }

    /// Ends the connection whose answer has been left unread the longest, if others wait for theirs.
    private static func letGo(of connections: [UAPIConnection]) {
        guard let deadline = deadline(connections), deadline <= Clock.now else { return }
        connections.filter(\.isAnswering).min { $0.lastProgress < $1.lastProgress }?.end()
    }

    /// Answers what waits, as far as it goes without waiting. Who came last comes first: it is the likeliest to read its answer, and
    /// behind many who don't it would wait for each of them.
    private func answer(_ connections: [UAPIConnection]) {
        var count = connections.count { $0.isAnswering && !$0.isOver }
        for connection in connections.reversed() where connection.isWaiting {
            while count < Self.mostAnswers, connection.answerNext(tunnel, report) {}
            if connection.isAnswering { count += 1 }
        }
    }

    /// - Returns: false if clients wait that can't be taken in now.
    private func accept(_ connections: inout [UAPIConnection]) -> Bool {
        do throws(SystemError) {
            while true {
                if connections.count >= mostConnections {
                    // Who has said nothing for the longest gives way; a client that comes meanwhile must get in.
                    guard let idle = connections.min(by: { $0.lastProgress < $1.lastProgress }), !idle.isRecent else { return false }
                    idle.end()
                    connections.removeAll(where: \.isOver)
                }
                guard let descriptor = try UnixSocket.accept(listener.rawValue, nonBlocking: true) else { return true }
                connections.append(UAPIConnection(descriptor))
            }
        } catch {
            report.warning("a control connection was refused: \(error)")
            return turnAway()
        }
    }

    /// Takes the next client in with the reserved descriptor and lets it go: it learns at once that it isn't served.
    private func turnAway() -> Bool {
        reserve.withLock { reserve in
            guard reserve.take() != nil else {
                reserve = try? .open("/dev/null", flags: 0)
                return false
            }
            UnixSocket.turnAway(listener.rawValue)
            reserve = try? .open("/dev/null", flags: 0)
            return true
        }
    }
}

/// A directory watch, or none.
private struct SocketWatch: ~Copyable, Sendable {
    private let watch: DirectoryWatch?

    init(_ watch: consuming DirectoryWatch?) {
        self.watch = watch
    }

    var isWatching: Bool {
        switch watch {
        case .some: true
        case .none: false
        }
    }

    /// poll passes over negative descriptors.
    var descriptor: Int32 {
        switch watch {
        case .some(let watch): watch.rawValue
        case .none: -1
        }
    }

    func add(_ directory: String) {
        switch watch {
        case .some(let watch): try? watch.add(directory)
        case .none: break
        }
    }

    func clear() {
        switch watch {
        case .some(let watch): watch.clear()
        case .none: break
        }
    }
}
