internal import LinuxSystem
internal import Synchronization
internal import TunnelCore

extension Engine {
    /// Begins a handshake with peers that have an endpoint and no session, so that somebody who asks can be told how they are.
    /// - Parameter limit: with how many of them at most.
    public func beginHandshakes(atMost limit: Int) {
        tunnel.withLock { $0.beginHandshakes(atMost: limit, at: .current) }
        attention.signal()
    }
}
