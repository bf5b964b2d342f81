internal import LinuxSystem
internal import NetworkTypes
internal import Synchronization
internal import TunnelCore
internal import WireGuardProtocol

/// The thread for everything with a scalar multiplication or a deadline in it: sleeps until one of the tunnel's timers is due or the
/// packet loop has something for it. Its work never holds up a packet.
struct HandshakeLoop: ~Copyable {
    /// Handshake messages taken from the inbox at a time.
    private static let batch = 32

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
            let hasMore = answer()
            outbox.flush(for: engine)
            let time = TimePoint.current
            carryOut(engine.tunnel.withLock { $0.attend(at: time, using: &generator) })
            engine.progress.answer(.handshakes)
            // Answers and steps may have left something to do, so the tunnel is asked last.
            let (needsAttention, deadline, hasRouteQuestions) = engine.tunnel.withLock {
                ($0.needsAttention, $0.nextDeadline, $0.hasRouteQuestions)
            }
            if hasRouteQuestions { engine.routes?.peersChanged() }
            if hasMore || needsAttention { continue }
            _ = engine.attention.wait(for: deadline == .distantFuture ? nil : deadline.since(Clock.now))
            engine.attention.clear()
        }
    }

    /// Takes some messages from the inbox. Its lock and the tunnel's are taken once for all of them: in a flood the packet loop waits for
    /// neither.
    /// - Returns: whether there are more.
    private mutating func answer() -> Bool {
        let engine = engine
        let now = Clock.now
        let (isUnderLoad, hasMore) = engine.inbox.withLock { inbox in
            let isUnderLoad = inbox.isUnderLoad(at: now)
            while waiting.count < Self.batch, let datagram = inbox.popFirst() { waiting.append(datagram) }
            return (isUnderLoad, inbox.count > 0)
        }
        guard !waiting.isEmpty else { return false }
        defer { waiting.removeAll(keepingCapacity: true) }
        var drops = DropCounters()
        if let identity = engine.tunnel.withLock({ $0.identity }) {
            for datagram in waiting { answer(datagram, identity, isUnderLoad: isUnderLoad, &drops) }
        } else {
            drops.add(.noIdentity, waiting.count)
        }
        if drops.total > 0 { engine.tunnel.withLock { $0.drops.add(drops) } }
        return hasMore
    }

    private mutating func answer(
        _ datagram: HandshakeDatagram, _ identity: LocalIdentity, isUnderLoad: Bool, _ drops: inout DropCounters
    ) {
        let time = TimePoint.current
        switch gate.judge(datagram, for: identity, isUnderLoad: isUnderLoad, at: time.now, using: &generator) {
        case .reply(let cookie):
            // Cheap to make, so in a flood many go together.
            outbox.add(cookie, for: engine)
        case .drop(let reason):
            drops.add(reason)
        case .admit:
            guard let step = engine.tunnel.withLock({ $0.receive(datagram, at: time) }) else { return }
            var attention = Attention()
            attention.steps = [step]
            carryOut(attention)
        }
    }

    /// Sends the datagrams and performs the steps, and the steps that come of those.
    private mutating func carryOut(_ first: Attention) {
        var attention = first
        while true {
            for datagram in attention.datagrams { outbox.add(datagram, for: engine) }
            attention.datagrams = []
            // Nothing waits for a step's scalar multiplications.
            outbox.flush(for: engine)
            guard let step = attention.steps.popLast() else { return }
            let outcome = step.perform()
            let time = TimePoint.current
            let more = engine.tunnel.withLock { $0.resume(outcome, at: time, using: &generator) }
            attention.datagrams = more.datagrams
            attention.steps += more.steps
        }
    }
}
