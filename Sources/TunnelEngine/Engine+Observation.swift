internal import LinuxSystem
internal import NetworkTypes
internal import Synchronization
internal import TunnelCore

extension Engine {
    /// What the sockets have seen so far.
    ///
    /// Ten thousand peers take milliseconds, so the tunnel's lock is taken for some of them at a time.
    public func observation() -> EngineObservation {
        let (v4, v6) = sockets.withLock { pair in
            (socketFacts.v4.observation(of: pair.v4), socketFacts.v6.observation(of: pair.v6))
        }
        var peers: [PathObservation] = []
        var first = 0
        while tunnel.withLock({ $0.appendPaths(first..<first + Self.peersAtATime, to: &peers) }) { first += Self.peersAtATime }
        return EngineObservation(
            unixNanoseconds: Clock.unixNanoseconds, isLinkUp: tunnel.withLock { $0.isUp }, peers: peers, v4: v4, v6: v6)
    }
}

/// What is counted of one address family's sockets, over all that it has had.
final class SocketFacts: Sendable {
    private struct State {
        var observation = SocketObservation()
        /// The drops of sockets that are closed.
        var earlierDrops: UInt64 = 0
    }

    private let state = Mutex(State())

    func noteReceiveError(_ errno: Int32) {
        state.withLock {
            $0.observation.lastReceiveError = errno
            $0.observation.lastReceiveErrorUnixNanoseconds = Clock.unixNanoseconds
        }
    }

    func noteICMPErrors(_ count: Int) {
        state.withLock { $0.observation.icmpErrors += UInt64(count) }
    }

    /// A socket is about to be closed.
    func closing(_ socket: UDPSocket?) {
        guard let drops = socket?.memory?.drops else { return }
        state.withLock { $0.earlierDrops += UInt64(drops) }
    }

    func observation(of socket: UDPSocket?) -> SocketObservation {
        let memory = socket?.memory
        return state.withLock { state in
            var observation = state.observation
            observation.isOpen = socket != nil
            observation.receiveDrops = state.earlierDrops + UInt64(memory?.drops ?? 0)
            observation.receiveQueue = memory?.receiveQueue ?? 0
            observation.receiveLimit = memory?.receiveLimit ?? 0
            observation.sendQueue = memory?.sendQueue ?? 0
            observation.sendLimit = memory?.sendLimit ?? 0
            return observation
        }
    }
}
