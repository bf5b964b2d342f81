internal import LinuxSystem
import Synchronization

/// What keeps other processes from a session of an adapter with several queues, given back when the session ends.
final class SessionLock: Sendable {
    private let lock: OrderedMutex<NamespaceLock?>

    init(_ lock: consuming NamespaceLock) {
        self.lock = OrderedMutex(consume lock)
    }

    func release() {
        lock.withLock { $0 = nil }
    }
}
