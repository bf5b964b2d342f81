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
    /// What those see who look on.
    private var notes = HandshakeNotes()
    /// What was taken from the inbox and is not answered yet.
    private var waiting: [HandshakeDatagram] = []
    /// Whether it was said that keys aren't all in locked memory.
    private var hasToldOfMemory = false

    init(_ engine: Engine) {
        self.engine = engine
        gate = HandshakeGate(at: Clock.now, using: &generator)
    }

    mutating func run() {
        while !engine.isStopping.load(ordering: .sequentiallyConsistent) {
            turn()
            engine.progress.answer(.handshakes)
            tellOfMemory()
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

    /// New sessions have new keys, and sooner or later there is no more memory for them that may be locked.
    private mutating func tellOfMemory() {
        guard !hasToldOfMemory, KeyMemory.unlockedByteCount > 0 else { return }
        hasToldOfMemory = true
        engine.log(.notice, "not all keys are in locked memory (RLIMIT_MEMLOCK is used up): they may be written to a swap device")
    }

    @inline(never)
    private mutating func work() {
        notes.begin(engine, at: .current)
        answer()
        outbox.flush(for: engine, noting: &notes)
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
                case .reply(let cookie):
                    notes.answered(datagram, nil, peer: nil)
                    outbox.add(cookie, for: engine, noting: &notes)
                case .drop(let reason):
                    notes.answered(datagram, reason, peer: nil)
                    drops.append((reason, datagram.sender))
                case .admit: admitted.append(datagram)
                }
            }
        } else {
            for datagram in waiting { notes.answered(datagram, .noIdentity, peer: nil) }
            drops = waiting.map { (.noIdentity, $0.sender) }
        }
        let time = TimePoint.current
        let steps: [(step: HandshakeStep?, drop: DropReason?)] = withTunnel { tunnel, _ in
            for drop in drops { tunnel.drop(drop.reason, from: drop.sender, at: time) }
            return admitted.map { datagram in
                let before = tunnel.drops
                let step = tunnel.receive(datagram, at: time)
                return (step, step == nil ? tunnel.drops.firstReason(since: before) : nil)
            }
        }
        for (datagram, outcome) in zip(admitted, steps) {
            if let step = outcome.step { carryOut([step], for: datagram) } else { notes.answered(datagram, outcome.drop, peer: nil) }
        }
    }

    /// Performs the steps, and those that come of them, and sends what they make.
    /// - Parameter datagram: the message that the first step is about; nil where nobody's message began it.
    private mutating func carryOut(_ steps: [HandshakeStep], for datagram: HandshakeDatagram? = nil) {
        var unanswered = datagram
        for first in steps {
            var step: HandshakeStep? = first
            while let next = step {
                // Somebody may have begun to look on since this turn did, and what is computed now was begun for him.
                notes.begin(engine, at: .current)
                notes.tell(next)
                let outcome = next.perform()
                let time = TimePoint.current
                let isNoted = notes.isOn && unanswered != nil
                let (result, drop, peer) = withTunnel { tunnel, generator in
                    let before = tunnel.drops
                    let result = tunnel.resume(outcome, at: time, using: &generator)
                    guard isNoted else { return (result, DropReason?.none, PublicKey?.none) }
                    let peer = outcome.initiator ?? outcome.slot.flatMap { tunnel.peer(at: $0)?.publicKey }
                    return (result, tunnel.drops.firstReason(since: before), peer)
                }
                if let datagram = unanswered { notes.answered(datagram, drop, peer: peer) }
                unanswered = nil
                for datagram in result.datagrams { outbox.add(datagram, for: engine, noting: &notes) }
                // Nothing waits for another step's scalar multiplications.
                outbox.flush(for: engine, noting: &notes)
                step = result.steps.first
            }
        }
    }
}
