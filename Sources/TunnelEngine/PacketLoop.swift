internal import LinuxSystem
internal import NetworkTypes
internal import Synchronization
internal import TunAdapter
internal import TunnelCore

/// The thread that moves packets: sleeps until the interface or a socket has some, and takes both directions in turn.
///
/// One thread for both directions, because handing packets from thread to thread costs more than it gains: waking a thread on
/// another processor takes as long as sealing twenty packets.
struct PacketLoop: ~Copyable {
    private enum Token {
        static let control = 0
        static let interface = 1
        static let v4 = 2
        static let v6 = 3
    }

    private let engine: Engine
    private let poller: Poller
    private var sockets: SocketPair
    private var generation: Int
    private var outbound: OutboundPath
    private var inbound: InboundPath
    private var load = PacketLoad()
    private var patienceV4 = ReceivePatience()
    private var patienceV6 = ReceivePatience()
    private var errorQueue = ErrorQueue()

    init(_ engine: Engine) throws(SystemError) {
        let sockets = engine.sockets.withLock { $0 }
        let poller = try Poller()
        try poller.add(engine.control.rawValue, token: Token.control)
        try poller.add(engine.session.readEvent, token: Token.interface)
        try Self.watch(sockets, poller, of: engine)
        self.engine = engine
        self.sockets = sockets
        self.poller = poller
        generation = engine.socketGeneration.load(ordering: .sequentiallyConsistent)
        outbound = OutboundPath(engine)
        inbound = InboundPath(engine)
    }

    /// Watches the sockets, if the interface is up.
    private static func watch(_ sockets: SocketPair, _ poller: borrowing Poller, of engine: Engine) throws(SystemError) {
        guard engine.isLinkUp.load(ordering: .sequentiallyConsistent) else { return }
        if let v4 = sockets.v4 { try poller.add(v4.descriptor, token: Token.v4) }
        if let v6 = sockets.v6 { try poller.add(v6.descriptor, token: Token.v6) }
    }

    mutating func run() {
        while true {
            var errors: UInt64 = 0
            // Only a socket that gives nothing though it is ready makes the loop wake by itself.
            let ready = poller.wait(for: pause, errors: &errors)
            if ready & 1 << Token.control != 0, !changed() { return }
            let time = TimePoint.current
            if ready & 1 << Token.control != 0 {
                outbound.sendOwed(to: sockets, at: time)
                inbound.heedReaders(at: time)
            }
            var moved = 0
            if ready & 1 << Token.v4 != 0, let v4 = sockets.v4 {
                moved += take(from: v4, hasErrors: errors & 1 << Token.v4 != 0, at: time)
            }
            if ready & 1 << Token.v6 != 0, let v6 = sockets.v6 {
                moved += take(from: v6, hasErrors: errors & 1 << Token.v6 != 0, at: time)
            }
            if patienceV4.resumes(at: time.now), let v4 = sockets.v4 { try? poller.add(v4.descriptor, token: Token.v4) }
            if patienceV6.resumes(at: time.now), let v6 = sockets.v6 { try? poller.add(v6.descriptor, token: Token.v6) }
            if ready & 1 << Token.interface != 0 {
                do throws(AdapterError) {
                    moved += try outbound.turn(to: sockets, at: time)
                } catch {
                    return engine.end(.sessionEnded("\(error)"))
                }
            }
            if load.moved(moved, at: time.now) { SystemThread.requestTimeSlice(load.timeSlice) }
        }
    }

    /// How long until a socket that was left alone is asked again.
    private var pause: Interval? {
        if patienceV4.pausedUntil == nil && patienceV6.pausedUntil == nil { return nil }
        let until = min(patienceV4.pausedUntil ?? .distantFuture, patienceV6.pausedUntil ?? .distantFuture)
        return until.since(Clock.now)
    }

    /// Takes what waits at a socket: errors of earlier sends, then datagrams.
    private mutating func take(from socket: UDPSocket, hasErrors: Bool, at time: TimePoint) -> Int {
        let isV4 = socket.family == .v4
        let errors = hasErrors ? errorQueue.read(socket, engine, at: time) : 0
        if errors > 0 { (isV4 ? engine.socketFacts.v4 : engine.socketFacts.v6).noteICMPErrors(errors) }
        let moved = inbound.turn(from: socket, at: time)
        let wasFruitful = inbound.hasReceived || errors > 0
        let error = inbound.receiveError
        let verdict =
            isV4
            ? patienceV4.asked(wasFruitful: wasFruitful, error: error, at: time.now)
            : patienceV6.asked(wasFruitful: wasFruitful, error: error, at: time.now)
        if verdict != .goOn { receivingChanged(verdict, socket) }
        return moved
    }

    /// A socket gives nothing though it is said to be readable, or it gives datagrams again.
    private func receivingChanged(_ verdict: ReceivePatience.Verdict, _ socket: UDPSocket) {
        let name = socket.family == .v4 ? "IPv4" : "IPv6"
        guard case .pause(let isWorthTelling) = verdict else { return engine.log(.notice, "the \(name) socket receives again") }
        poller.remove(socket.descriptor)
        let error = inbound.receiveError
        (socket.family == .v4 ? engine.socketFacts.v4 : engine.socketFacts.v6).noteReceiveError(error)
        guard isWorthTelling else { return }
        let reason =
            error == 0
            ? "it is said to be readable, and gives nothing" : "\(SystemError(errno: error, operation: "recvmmsg"))"
        engine.log(.error, "cannot receive on the \(name) socket: \(reason); trying again now and then")
    }

    /// Looks at what ``Engine/control`` was signalled for; false if the loop must end.
    private mutating func changed() -> Bool {
        engine.control.clear()
        engine.progress.answer(.packets)
        if engine.isStopping.load(ordering: .sequentiallyConsistent) { return false }
        let current = engine.socketGeneration.load(ordering: .sequentiallyConsistent)
        if current != generation {
            generation = current
            if let v4 = sockets.v4 { poller.remove(v4.descriptor) }
            if let v6 = sockets.v6 { poller.remove(v6.descriptor) }
            sockets = engine.sockets.withLock { $0 }
            patienceV4 = ReceivePatience()
            patienceV6 = ReceivePatience()
            do throws(SystemError) {
                try Self.watch(sockets, poller, of: engine)
            } catch {
                engine.end(.sessionEnded("\(error)"))
                return false
            }
        }
        return true
    }
}
