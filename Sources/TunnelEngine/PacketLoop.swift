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

    init(_ engine: Engine) throws(SystemError) {
        let sockets = engine.sockets.withLock { $0 }
        let poller = try Poller()
        try poller.add(engine.control.rawValue, token: Token.control)
        try poller.add(engine.session.readEvent, token: Token.interface)
        try Self.watch(sockets, poller)
        self.engine = engine
        self.sockets = sockets
        self.poller = poller
        generation = engine.socketGeneration.load(ordering: .sequentiallyConsistent)
        outbound = OutboundPath(engine)
        inbound = InboundPath(engine)
    }

    private static func watch(_ sockets: SocketPair, _ poller: borrowing Poller) throws(SystemError) {
        if let v4 = sockets.v4 { try poller.add(v4.descriptor, token: Token.v4) }
        if let v6 = sockets.v6 { try poller.add(v6.descriptor, token: Token.v6) }
    }

    mutating func run() {
        while true {
            let ready = poller.wait(for: nil)
            if ready & 1 << Token.control != 0, !changed() { return }
            let time = TimePoint.current
            var moved = 0
            if ready & 1 << Token.v4 != 0, let v4 = sockets.v4 { moved += inbound.turn(from: v4, at: time) }
            if ready & 1 << Token.v6 != 0, let v6 = sockets.v6 { moved += inbound.turn(from: v6, at: time) }
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
            do throws(SystemError) {
                try Self.watch(sockets, poller)
            } catch {
                engine.end(.sessionEnded("\(error)"))
                return false
            }
        }
        return true
    }
}
