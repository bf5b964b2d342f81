internal import LinuxSystem
internal import NetworkTypes
internal import Synchronization
internal import TunnelCore

/// The thread that keeps every peer's path in step with the routing table: it sleeps until routes, rules, addresses or links change, or a
/// peer's endpoint or source is new, and then asks the kernel. No packet waits for it, and while nothing changes it never wakes.
final class RouteWatch: Sendable {
    /// Peers that are asked about in one turn of the tunnel's lock.
    private static let peersAtATime = 32

    private let monitor: NetlinkMonitor
    private let netlink: Mutex<NetlinkSocket>
    private let wake: EventDescriptor
    private let isStopping = Atomic<Bool>(false)
    private let wantsAll = Atomic<Bool>(false)
    /// The tunnel's own interface; nil for one that isn't the kernel's.
    private let interface: UInt32?

    /// Hears of changes from now on, in the calling thread's network namespace.
    init(interface: UInt32?) throws(SystemError) {
        self.interface = interface
        monitor = try NetlinkMonitor([.routes, .rules, .addresses, .links])
        netlink = Mutex(try NetlinkSocket())
        wake = try EventDescriptor()
    }

    /// Some peer has questions for the routing table (``TunnelCore/Tunnel/hasRouteQuestions``).
    func peersChanged() {
        wake.signal()
    }

    /// What all peers' routes depend on has changed: the mark on our datagrams.
    func allChanged() {
        wantsAll.store(true, ordering: .sequentiallyConsistent)
        wake.signal()
    }

    func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        wake.signal()
    }

    /// Runs until ``stop()``.
    func run(for engine: Engine) {
        var isDeaf = false
        var pace = RoutePace()
        var loops = LoopNews()
        while true {
            var interests = [DescriptorPoll.Interest(wake.rawValue)]
            // While a look at all peers is due already, more news makes no difference.
            if !pace.isAwake && !isDeaf { interests.append(.init(monitor.descriptor)) }
            let wakeAt = [pace.due, loops.due].compactMap { $0 }.min()
            let ready = DescriptorPoll.wait(interests, for: wakeAt.map { $0.since(Clock.now) })
            if isStopping.load(ordering: .sequentiallyConsistent) { return }
            wake.clear()
            if ready.count > 1, ready[1] { pace.hear(at: Clock.now) }
            if wantsAll.exchange(false, ordering: .sequentiallyConsistent) { pace.hear(at: Clock.now) }
            let start = Clock.now
            if let due = pace.due, due <= start {
                // What came until here is covered by what we look at now.
                do throws(SystemError) {
                    if try monitor.drain() { pace.hear(at: start) }
                } catch {
                    isDeaf = true
                    engine.log(.warning, "changes of routes are not heard any more: \(error)")
                }
                let used = Clock.threadNanoseconds
                checkAll(engine, &loops)
                pace.looked(from: start, to: Clock.now, processorTime: Interval(nanoseconds: Clock.threadNanoseconds - used))
            } else {
                checkChanged(engine, &loops)
            }
            engine.tell(loops.take(at: Clock.now))
        }
    }

    private func checkAll(_ engine: Engine, _ loops: inout LoopNews) {
        var first = 0
        while !isStopping.load(ordering: .relaxed) {
            let slots = first..<first + Self.peersAtATime
            let (questions, hasMore) = engine.tunnel.withLock { $0.routeQuestions(of: slots) }
            ask(questions, engine, &loops)
            guard hasMore else { return }
            first += Self.peersAtATime
        }
    }

    private func checkChanged(_ engine: Engine, _ loops: inout LoopNews) {
        while !isStopping.load(ordering: .relaxed) {
            let questions = engine.tunnel.withLock { $0.takeRouteQuestions(atMost: Self.peersAtATime) }
            if questions.isEmpty { return }
            ask(questions, engine, &loops)
        }
    }

    private func ask(_ questions: [RouteQuestion], _ engine: Engine, _ loops: inout LoopNews) {
        let mark = engine.currentFirewallMark
        let answers = questions.map { question in
            let verdict = try? netlink.withLock { netlink throws(SystemError) in
                try RouteVerdict.of(question.endpoint, from: question.source, tunnel: interface) { (source) throws(SystemError) in
                    try netlink.link(towards: question.endpoint.address, from: source, mark: mark)
                }
            }
            // Where the kernel can't be asked everything stays as it is.
            return (question, verdict)
        }
        let news = engine.tunnel.withLock { tunnel in
            answers.compactMap { question, verdict in
                verdict.flatMap { tunnel.routeAnswered(question, keepsSource: $0.keepsSource, isLoop: $0.isLoop) }
            }
        }
        engine.tell(loops.add(news, at: Clock.now))
    }
}
