internal import CLinuxShims
internal import Glibc
public import NetworkTypes

/// A kernel thread that runs one function to its end.
///
/// The data path runs on threads of its own, because the concurrency runtime's must not block. Nobody can lose one: it is waited for once,
/// by ``join()`` or where its value ends, unless ``detach()`` says that nobody will.
public struct SystemThread: ~Copyable, Sendable {
    fileprivate let thread: pthread_t

    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts a thread.
    /// - Parameters:
    ///   - name: at most 15 bytes, as `ps -L` and `top -H` show it.
    ///   - stackSize: bytes of stack, a multiple of the page size; only touched pages cost memory.
    /// - Throws: EAGAIN when the system allows no more threads.
    public init(name: String, stackSize: Int = 512 << 10, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setstacksize(&attributes, stackSize)
        let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
        // It takes no signal of the process: one of a thread that was begun before ``SignalDescriptor`` took them over would end the program.
        var (kept, signals) = (sigset_t(), sigset_t())
        unsafe sigfillset(&signals)
        for own in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS] { unsafe sigdelset(&signals, own) }
        unsafe pthread_sigmask(SIG_BLOCK, &signals, &kept)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &kept, nil) }
        var thread = pthread_t()
        let error = unsafe pthread_create(
            &thread, &attributes,
            { argument in
                // SAFETY: the reference that passRetained handed over is taken back exactly once, here.
                let start = unsafe Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
                unsafe clinux_set_thread_name(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        guard error == 0 else {
            unsafe start.release()
            throw SystemError(errno: error, operation: "pthread_create", subject: name)
        }
        self.thread = thread
    }

    /// Waits until the thread has ended. From another thread.
    public consuming func join() {}

    /// Lets it run on without anybody who waits for it: its stack goes when it has ended.
    public consuming func detach() {
        pthread_detach(thread)
        discard self
    }

    deinit { Self.waitFor(thread) }

    /// A thread that ends its own value can't wait for itself.
    fileprivate static func waitFor(_ thread: pthread_t) {
        if pthread_join(thread, nil) == EDEADLK { pthread_detach(thread) }
    }

    /// The thread, for whoever takes over waiting for it.
    fileprivate consuming func take() -> pthread_t {
        let thread = thread
        discard self
        return thread
    }
}

/// Several threads that are waited for together.
public struct SystemThreads: ~Copyable, Sendable {
    private var threads: [pthread_t] = []

    public init() {}

    /// Starts `count` threads that do the same, each with its number; when one can't be started, those before it are waited for.
    public init(_ count: Int, name: String, _ body: @escaping @Sendable (Int) -> Void) throws(SystemError) {
        for number in 0..<count { try start(name: name) { body(number) } }
    }

    /// Starts one more; see ``SystemThread/init(name:stackSize:_:)``.
    public mutating func start(
        name: String, stackSize: Int = 512 << 10, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        threads.append(try SystemThread(name: name, stackSize: stackSize, body).take())
    }

    /// Gives all of them to the caller, who waits for them; none are left.
    public mutating func take() -> SystemThreads {
        var taken = SystemThreads()
        swap(&taken.threads, &threads)
        return taken
    }

    /// Waits until all have ended.
    public consuming func join() {}

    deinit {
        for thread in threads { SystemThread.waitFor(thread) }
    }
}

extension SystemThread {
    /// Lets another thread run on this processor, if one waits for it.
    public static func yield() {
        sched_yield()
    }

    /// Lets the calling thread sleep for `length`, or less where a signal comes.
    public static func sleep(_ length: Interval) {
        usleep(UInt32(clamping: length.nanoseconds / 1000))
    }

    /// Asks for time slices of `length` for the calling thread: a shorter one is given sooner. Linux 6.12; earlier ones ignore it.
    /// - Parameter length: nil for the system's own.
    public static func requestTimeSlice(_ length: Interval?) {
        clinux_set_time_slice(length?.nanoseconds ?? 0)
    }

    /// Tells the processor that this thread waits for another in a loop.
    @inline(__always)
    public static func pause() {
        clinux_pause()
    }
}
