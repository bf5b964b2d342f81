internal import Glibc

/// A mutual exclusion lock (pthread mutex) for state that `Mutex` can't hold because its users can't prove to the compiler what
/// they keep of it.
@safe
public struct Lock: ~Copyable, Sendable {
    // SAFETY: a pthread mutex is made to be used from many threads; the pointer itself never changes.
    private nonisolated(unsafe) let mutex: UnsafeMutablePointer<pthread_mutex_t>

    public init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(mutex, nil)
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    /// Waits for the lock and takes it. Not recursive.
    @unsafe
    public func acquire() {
        unsafe pthread_mutex_lock(mutex)
    }

    /// Gives it back, on the thread that took it.
    @unsafe
    public func release() {
        unsafe pthread_mutex_unlock(mutex)
    }
}
