internal import LinuxSystem
internal import TunnelCore

/// The tunnel behind its lock. Batches of packets, results of handshakes and configuration take turns here.
final class LockedTunnel: Sendable {
    private let lock = Lock()
    // SAFETY: touched only in `withLock`, by the thread that holds the lock.
    private nonisolated(unsafe) var tunnel: Tunnel

    /// How often it was somebody's turn.
    // SAFETY: as above.
    private nonisolated(unsafe) var turnCount: UInt64 = 0

    init(_ tunnel: consuming Tunnel) {
        unsafe self.tunnel = tunnel
    }

    /// Calls `body` with the tunnel, alone.
    @inline(__always)
    func withLock<R: ~Copyable, E: Error>(_ body: (inout Tunnel) throws(E) -> R) throws(E) -> R {
        unsafe lock.acquire()
        defer { unsafe lock.release() }
        unsafe turnCount += 1
        return unsafe try body(&tunnel)
    }

    /// How often the lock was taken, this time left out.
    var turns: UInt64 {
        unsafe lock.acquire()
        defer { unsafe lock.release() }
        return unsafe turnCount
    }
}
