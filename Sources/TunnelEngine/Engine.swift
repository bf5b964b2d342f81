internal import LinuxSystem
internal import NetworkTypes
internal import Synchronization
public import TunAdapter
public import TunnelCore
public import WireGuardCrypto
internal import WireGuardProtocol

/// A running tunnel: an adapter session on one side, UDP sockets on the other, and the `Tunnel` that decides between them.
///
/// Three threads. The *packet loop* moves packets both ways (``OutboundPath``, ``InboundPath``) and sleeps when there are none; it
/// takes the tunnel's lock once for a batch. The *handshake thread* (``HandshakeLoop``) does everything with a scalar multiplication or
/// a deadline in it, and takes the lock only to hand in results. The *route thread* (``RouteWatch``) sleeps until the system's routes change.
///
/// All methods may be called from any thread.
public final class Engine: Sendable {
    let session: Session
    let tunnel: LockedTunnel
    /// Handshake datagrams on their way from the packet loop to the handshake thread.
    let inbox = Mutex(HandshakeQueue())
    let sockets: Mutex<SocketPair>
    /// Bumped with every change of ``sockets``, so that the packet loop need not ask for them each time.
    let socketGeneration = Atomic<Int>(0)
    /// Wakes the handshake thread.
    let attention: EventDescriptor
    /// Wakes the packet loop for something that isn't a packet.
    let control: EventDescriptor
    let isStopping = Atomic<Bool>(false)
    /// Whether both threads still move.
    let progress = EngineProgress()
    /// Which library seals and opens, and why.
    public let aead: BackendChoice
    private let workers: CryptoWorkers?
    /// Keeps the peers' paths in step with the routing table; nil where the system has no netlink.
    let routes: RouteWatch?
    let socketFacts = (v4: SocketFacts(), v6: SocketFacts())
    /// ``TunnelCore/Tunnel/troubledPeerCount``, for those who don't hold the lock; it may lag.
    let troubledPeers = Atomic<Int>(0)
    /// Whether the sockets are there to be used; ``setLinkUp(_:)``.
    let isLinkUp: Atomic<Bool>
    let lineBudget = Mutex(LineBudget())
    let peerName: @Sendable (PublicKey) -> String
    /// What the packet loop counts.
    let counters = PathCounters()
    /// Who looks at packets on their way.
    let recorder = FlightRecorder()
    let began = Clock.now
    let cryptoThreads: Int
    let log: @Sendable (EngineLogLevel, String) -> Void
    let events: @Sendable (TunnelEvent) -> Void
    private let firewallMark: Mutex<UInt32>
    /// Held by whoever changes or reads the configuration as a whole, in many turns of the tunnel's lock.
    private let configuring = Mutex(())
    /// Peers that are changed or read in one turn of the tunnel's lock: a scalar multiplication for each new one.
    static let peersAtATime = 32
    private let threads = Mutex(SystemThreads())
    private let ending = Mutex<EngineEnd?>(nil)
    /// Signalled once the engine has stopped by itself or by ``stop()``.
    private let ended: EventDescriptor

    /// Binds the sockets; packets flow from ``start()`` on.
    /// - Parameters:
    ///   - session: one whose packets have `Engine.sessionOptions`' room around them. The engine ends it when it stops.
    ///   - options: how it runs, and who hears of it.
    /// - Throws: the system's error, for example EADDRINUSE when the port is taken.
    public init(session: Session, options: EngineOptions = EngineOptions()) throws(EngineError) {
        self.session = session
        log = options.log
        cryptoThreads = options.cryptoThreads
        peerName = options.peerName
        isLinkUp = Atomic(options.isLinkUp)
        events = options.events
        aead = BackendChoice.make(options.aead)
        var generator = SystemRandomNumberGenerator()
        var tunnel = Tunnel(mtu: options.mtu, seed: generator.next())
        if !options.isLinkUp { tunnel.setLink(up: false, at: .current) }
        self.tunnel = LockedTunnel(tunnel)
        firewallMark = Mutex(options.firewallMark)
        do throws(SystemError) {
            attention = try EventDescriptor()
            control = try EventDescriptor()
            ended = try EventDescriptor()
            let helpers = options.cryptoThreads - 1
            workers = helpers > 0 ? try CryptoWorkers(helpers: helpers, backend: aead.backend) : nil
            sockets = Mutex(try SocketPair(port: options.listenPort, mark: options.firewallMark))
        } catch {
            throw EngineError(error, port: options.listenPort)
        }
        do throws(SystemError) {
            routes = try RouteWatch(interface: options.interfaceIndex)
        } catch {
            routes = nil
            log(.notice, "changes of routes will not be heard: \(error)")
        }
    }

    /// What the session must be started with: room for the data header in front of each packet, for padding and tag behind it.
    public static func sessionOptions(capacity: Int) -> SessionOptions {
        var options = SessionOptions()
        options.capacity = capacity
        options.headroom = TransportMessage.headerByteCount
        options.tailroom = TransportMessage.tagByteCount
        options.payloadAlignment = Limits.paddingMultiple
        return options
    }

    /// Starts all threads.
    public func start() throws(EngineError) {
        do throws(SystemError) {
            try workers?.start()
            let packets = try PacketLoop(self)
            let handshakes = HandshakeLoop(self)
            let loops = Loops(packets, handshakes)
            try begin("wg-packets") { [log] in
                Confinement.begin(log)
                loops.runPackets()
            }
            try begin("wg-handshakes") { [log] in
                Confinement.begin(log)
                loops.runHandshakes()
            }
            if let routes {
                try begin("wg-routes") { [self] in
                    SystemThread.giveUpPrivileges()
                    routes.run(for: self)
                }
            }
        } catch {
            stop()
            throw EngineError(error, port: 0)
        }
    }

    private func begin(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        try threads.withLock { (threads) throws(SystemError) in try threads.start(name: name, body) }
    }

    /// Stops all threads, ends the session and waits until nothing runs any more. Keys are wiped with the engine, or before by ``forgetKeys()``.
    public func stop() {
        end(.stopped)
        session.end()
        let running = threads.withLock { $0.take() }
        routes?.stop()
        running.join()
        workers?.stop()
    }

    /// Lets go of all peers and keys once it was stopped: whoever stopped it may keep it for a while.
    public func forgetKeys() {
        var nothing = TunnelUpdate()
        nothing.privateKey = .some(nil)
        nothing.replacesPeers = true
        tunnel.withLock { $0.apply(nothing, at: .current) }
    }

    /// Seals or opens a batch, with what helpers there are if it is worth it.
    func perform(_ jobs: UnsafeMutablePointer<CipherJob>, count: Int, cipher: borrowing TransportCipher) {
        if let workers, count >= CryptoWorkers.smallestSharedBatch {
            unsafe workers.perform(jobs, count: count, cipher: cipher)
            return
        }
        unsafe cipher.perform(jobs, count: count)
    }

    /// Sleeps until the engine has ended and says why.
    public func waitUntilEnded() -> EngineEnd {
        while true {
            if let end = ending.withLock({ $0 }) { return end }
            _ = ended.wait(for: nil)
        }
    }

    /// Readable once the engine has ended, for programs with an event loop of their own. It belongs to the engine.
    public var endDescriptor: Int32 { ended.rawValue }

    /// Makes both threads stop. The first reason counts.
    func end(_ reason: EngineEnd) {
        ending.withLock { if $0 == nil { $0 = reason } }
        isStopping.store(true, ordering: .sequentiallyConsistent)
        ended.signal()
        attention.signal()
        control.signal()
    }

    // MARK: Configuration

    /// Applies an update: sockets first, since only they can fail, then keys and peers.
    /// - Throws: the system's error when the new port or mark is refused; then nothing was changed.
    public func apply(_ update: TunnelUpdate) throws(EngineError) {
        try configuring.withLock { (_) throws(EngineError) in try applyAlone(update) }
    }

    private func applyAlone(_ update: TunnelUpdate) throws(EngineError) {
        do throws(SystemError) {
            let old = sockets.withLock { $0.openSockets }
            if try rebind(port: update.listenPort, mark: update.firewallMark) { waitUntilClosed(old) }
        } catch {
            throw EngineError(error, port: update.listenPort ?? 0)
        }
        var generator = SystemRandomNumberGenerator()
        _ = generator.next()
        // In parts, so that adding ten thousand peers doesn't hold up packets for their scalar multiplications.
        var rest = update.peers[...]
        var part = update
        repeat {
            part.peers = Array(rest.prefix(Self.peersAtATime))
            rest = rest.dropFirst(Self.peersAtATime)
            let needsSending = tunnel.withLock { tunnel in
                tunnel.apply(part, at: .current)
                return tunnel.needsSending
            }
            if needsSending { control.signal() }
            part.replacesPeers = false
            part.privateKey = nil
        } while !rest.isEmpty
        attention.signal()
    }

    /// - Returns: whether there are other sockets now.
    private func rebind(port: UInt16?, mark: UInt32?) throws(SystemError) -> Bool {
        var isReplaced = false
        let current = sockets.withLock { $0 }
        let newMark = firewallMark.withLock { mark ?? $0 }
        let isUp = isLinkUp.load(ordering: .sequentiallyConsistent)
        if let port, port != current.port || (isUp && current.isClosed) {
            let pair = try SocketPair(port: port, mark: newMark)
            // With the interface down it was only tried.
            replaceSockets(current.isClosed && !isUp ? SocketPair(closedOn: pair.port) : pair)
            if isUp { tunnel.withLock { $0.setLink(up: true, at: .current) } }
            announce()
            isReplaced = true
        } else if mark != nil {
            try current.setMark(newMark)
        }
        firewallMark.withLock { $0 = newMark }
        if mark != nil { routes?.allChanged() }
        return isReplaced
    }

    private func replaceSockets(_ pair: SocketPair) {
        sockets.withLock { sockets in
            if sockets !== pair {
                socketFacts.v4.closing(sockets.v4)
                socketFacts.v6.closing(sockets.v6)
            }
            sockets = pair
        }
        socketGeneration.add(1, ordering: .sequentiallyConsistent)
        control.signal()
    }

    /// Closes the sockets and waits until they are, that is until the threads have let go of them.
    private func closeSockets() {
        let old = sockets.withLock { $0.openSockets }
        replaceSockets(SocketPair(closedOn: sockets.withLock { $0.port }))
        waitUntilClosed(old)
    }

    /// Waits until the threads have let go of sockets that were replaced: before that their port isn't free.
    private func waitUntilClosed(_ old: OpenSocketCount) {
        for _ in 0..<1000 where !old.isZero { SystemThread.sleep(.milliseconds(1)) }
    }

    /// The mark on outgoing datagrams.
    var currentFirewallMark: UInt32 { firewallMark.withLock { $0 } }

    /// The interface was set up or down: while it is down the sockets are closed, all sessions are gone and nothing is sent.
    ///
    /// Before the first time that it is up the port is kept, so that nobody else takes it, and nothing is read from it.
    /// - Throws: ``EngineError/portInUse(_:)`` when another program has taken the port meanwhile. The tunnel stays as with the interface down:
    ///   another call, or an update with another port, or with the same one when it is free, opens the sockets then.
    public func setLinkUp(_ isUp: Bool) throws(EngineError) {
        try configuring.withLock { (_) throws(EngineError) in
            let isClosed = sockets.withLock { $0.isClosed }
            guard isUp != isLinkUp.load(ordering: .sequentiallyConsistent) || (isUp && isClosed) else { return }
            isLinkUp.store(isUp, ordering: .sequentiallyConsistent)
            defer { attention.signal() }
            guard isUp else {
                tunnel.withLock { $0.setLink(up: false, at: .current) }
                return closeSockets()
            }
            let pair = sockets.withLock { $0 }
            do throws(SystemError) {
                replaceSockets(pair.isClosed ? try SocketPair(port: pair.port, mark: currentFirewallMark) : pair)
            } catch {
                throw EngineError(error, port: pair.port)
            }
            tunnel.withLock { $0.setLink(up: true, at: .current) }
        }
    }

    /// The interface's MTU has changed.
    public func setMTU(_ mtu: Int) {
        tunnel.withLock { $0.mtu = mtu }
    }

    /// The state as others are shown it.
    ///
    /// Ten thousand peers take milliseconds, so the tunnel's lock is taken for some of them at a time; no change comes in between.
    public func snapshot() -> TunnelSnapshot {
        configuring.withLock { _ in
            let port = sockets.withLock { $0.port }
            let mark = firewallMark.withLock { $0 }
            var snapshot = tunnel.withLock { $0.snapshotWithoutPeers(listenPort: port, firewallMark: mark) }
            var first = 0
            while tunnel.withLock({ $0.appendPeers(first..<first + Self.peersAtATime, to: &snapshot) }) { first += Self.peersAtATime }
            return snapshot
        }
    }

    /// The evidence of what works and what doesn't. Locks are taken as for ``snapshot()``.
    public func facts() -> TunnelFacts {
        configuring.withLock { _ in
            var facts = tunnel.withLock { $0.factsWithoutPeers(at: .current) }
            var first = 0
            while tunnel.withLock({ $0.appendPeers(first..<first + Self.peersAtATime, to: &facts) }) { first += Self.peersAtATime }
            return facts
        }
    }

    /// An address or the port of ours has changed: peers with a session are sent an empty message, so that those who only send to us learn
    /// where we are.
    public func announce() {
        var first = 0
        var hasMore = true
        while hasMore {
            let needsSending: Bool
            (hasMore, needsSending) = tunnel.withLock { tunnel in
                (tunnel.announce(first..<first + Self.peersAtATime, at: .current), tunnel.needsSending)
            }
            if needsSending { control.signal() }
            first += Self.peersAtATime
        }
    }

    /// How often packets were not forwarded, by reason.
    public var drops: DropCounters {
        tunnel.withLock { $0.drops }
    }
}

extension TimePoint {
    /// The system's clocks now.
    static var current: TimePoint {
        TimePoint(now: Clock.now, unixNanoseconds: Clock.unixNanoseconds)
    }
}

/// Why an engine ended.
public enum EngineEnd: Sendable, Equatable {
    /// ``Engine/stop()`` was called.
    case stopped
    /// The adapter's session ended, for example because the interface was deleted.
    case sessionEnded(String)
}

/// Hands each loop to the thread that runs it.
private final class Loops: Sendable {
    private let packets: Mutex<PacketLoop?>
    private let handshakes: Mutex<HandshakeLoop?>

    init(_ packets: consuming sending PacketLoop, _ handshakes: consuming sending HandshakeLoop) {
        self.packets = Mutex(packets)
        self.handshakes = Mutex(handshakes)
    }

    func runPackets() {
        packets.withLock { $0?.run() }
        packets.withLock { $0 = nil }
    }

    func runHandshakes() {
        handshakes.withLock { $0?.run() }
        handshakes.withLock { $0 = nil }
    }
}
