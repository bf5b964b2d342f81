public import Synchronization

/// A mutex as Synchronization's, whose critical sections the thread sanitizer sees in their order.
///
/// Under contention that one is handed over by the kernel (FUTEX_LOCK_PI), in library code that is not compiled for the sanitizer, which then
/// takes all critical sections for races. An acquiring load at the beginning of each section and a releasing store at its end tell
/// it the same once more, and cost two plain moves.
public struct OrderedMutex<Value: ~Copyable>: ~Copyable, Sendable {
    @usableFromInline let mutex: Mutex<Value>
    @usableFromInline let order = Atomic<Bool>(false)

    /// A mutex around `value`.
    @inlinable
    public init(_ value: consuming sending Value) {
        mutex = Mutex(value)
    }

    /// Calls `body` with the value while no other thread does. Not to be nested.
    @inlinable
    @inline(__always)
    public borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        try mutex.withLock { value throws(Failure) in
            _ = order.load(ordering: .acquiring)
            defer { order.store(false, ordering: .releasing) }
            return try body(&value)
        }
    }
}
