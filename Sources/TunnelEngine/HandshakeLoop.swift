internal import LinuxSystem
internal import NetworkTypes
internal import Synchronization
internal import TunnelCore
internal import WireGuardCrypto
internal import WireGuardProtocol

/// The thread for everything with a scalar multiplication or a deadline in it: sleeps until one of the tunnel's timers is due or the
/// packet loop has something for it. Its work never holds up a packet.
struct HandshakeLoop: ~Copyable {
    /// Handshake messages taken from the inbox at a time.
    private static let batch = 32
    /// What a turn uses of the stack, generously.
    private static let stackByteCount = 64 << 10

    private let engine: Engine
    private var generator = BufferedSystemRandom()
    private var gate: HandshakeGate
    private var outbox = DatagramOutbox()
    /// What was taken from the inbox and is not answered yet.
    private var waiting: [HandshakeDatagram] = []

    init(_ engine: Engine) {
        self.engine = engine
        gate = HandshakeGate(at: Clock.now, using: &generator)
    }

    mutating func run() {
        while !engine.isStopping.load(ordering: .sequentiallyConsistent) {
            turn()
            engine.progress.answer(.handshakes)
            // Answers and steps may have left something to do, so the tunnel is asked last.
            let (needsAttention, deadline, hasRouteQuestions, events) = engine.tunnel.withLock { tunnel in
                (tunnel.needsAttention, tunnel.nextDeadline, tunnel.hasRouteQuestions, tunnel.takeEvents(at: .current))
            }
            if hasRouteQuestions { engine.routes?.peersChanged() }
            for event in events { engine.events(event) }
            if needsAttention || engine.inbox.withLock({ $0.count > 0 }) { continue }
            _ = engine.attention.wait(for: deadline == .distantFuture ? nil : deadline.since(Clock.now))
            engine.attention.clear()
        }
    }

    /// A share of what waits: the inbox first, then a share of what is due. So neither thousands of peers that are to be called keep those
    /// waiting who call, nor the other way round.
    mutating func turn() {
        work()
        // Ephemeral keys were drawn, and sessions made.
        wipeDeadStack(Self.stackByteCount)
    }

    @inline(never)
    private mutating func work() {
        answer()
        outbox.flush(for: engine)
        let time = TimePoint.current
        carryOut(withTunnel { (tunnel, generator) in tunnel.attend(at: time, using: &generator) }.steps)
    }

    /// Calls `body` with the tunnel, alone, and wakes the packet loop if that left it something to send.
    private mutating func withTunnel<R>(_ body: (inout Tunnel, inout BufferedSystemRandom) -> R) -> R {
        let (result, needsSending) = engine.tunnel.withLock { tunnel in
            let result = body(&tunnel, &generator)
            return (result, tunnel.needsSending)
        }
        if needsSending { engine.control.signal() }
        return result
    }

    /// Takes some messages from the inbox. Its lock is taken once for all of them, and the tunnel's twice: in a flood the packet loop waits
    /// for neither.
    private mutating func answer() {
        let now = Clock.now
        let isUnderLoad = engine.inbox.withLock { inbox in
            let isUnderLoad = inbox.isUnderLoad(at: now)
            while waiting.count < Self.batch, let datagram = inbox.popFirst() { waiting.append(datagram) }
            return isUnderLoad
        }
        guard !waiting.isEmpty else { return }
        defer { waiting.removeAll(keepingCapacity: true) }
        let (local, awaited) = withTunnel { [waiting] tunnel, _ in
            (tunnel.identity, isUnderLoad ? waiting.map { tunnel.takeAwaited($0) } : [])
        }
        var drops: [(reason: DropReason, sender: Endpoint)] = []
        var admitted: [HandshakeDatagram] = []
        if let local {
            for (number, datagram) in waiting.enumerated() {
                let mustProve = isUnderLoad && !awaited[number]
                switch gate.judge(datagram, for: local, isUnderLoad: mustProve, at: now, using: &generator) {
                case .reply(let cookie): outbox.add(cookie, for: engine)
                case .drop(let reason): drops.append((reason, datagram.sender))
                case .admit: admitted.append(datagram)
                }
            }
        } else {
            drops = waiting.map { (.noIdentity, $0.sender) }
        }
        let time = TimePoint.current
        let steps = withTunnel { tunnel, _ in
            for drop in drops { tunnel.drop(drop.reason, from: drop.sender, at: time) }
            return admitted.compactMap { tunnel.receive($0, at: time) }
        }
        carryOut(steps)
    }

    /// Performs the steps, and those that come of them, and sends what they make.
    private mutating func carryOut(_ steps: [HandshakeStep]) {
        for first in steps {
            var step: HandshakeStep? = first
            while let next = step {
                let outcome = next.perform()
                let time = TimePoint.current
                let result = withTunnel { tunnel, generator in tunnel.resume(outcome, at: time, using: &generator) }
                for datagram in result.datagrams { outbox.add(datagram, for: engine) }
                // Nothing waits for another step's scalar multiplications.
                outbox.flush(for: engine)
                step = result.steps.first
            }
        }
    }
}
