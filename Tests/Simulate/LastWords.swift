internal import Glibc

/// What a thread says of its life if the program dies in it. A fault of Swift code is a trap, and leaves nobody who could report it.
///
/// A signal handler may neither allocate nor lock: everything is written down when a life begins, and the handler only writes and executes.
struct LastWords {
    @safe private struct Place {
        var thread = pthread_t()
        /// What is said; empty before the first life.
        var words = UnsafeMutablePointer<CChar>.allocate(capacity: LastWords.size)
        var seed = UnsafeMutablePointer<CChar>.allocate(capacity: LastWords.size)
        /// The program that takes over, to find the shortest form of that life.
        var arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: 4)

        init() {
            unsafe words[0] = 0
            unsafe (arguments[0], arguments[1], arguments[2], arguments[3]) = (strdup("simulate"), strdup("--shrink"), seed, nil)
        }
    }

    private static let size = 128
    private static let program: StaticString = "/proc/self/exe"
    nonisolated(unsafe) private static var places = unsafe UnsafeMutableBufferPointer<Place>(start: nil, count: 0)

    private let number: Int

    /// The words of one of the threads that ``prepare(threads:)`` was told of, which calls this.
    init(thread number: Int) {
        self.number = number
        unsafe Self.places[number].thread = pthread_self()
    }

    /// The thread begins another life.
    func begin(seed: UInt64) {
        let place = unsafe Self.places[number]
        let words = "simulate: ended in the life of seed \(seed); again: scripts/simulate --seed \(seed)\n"
        unsafe _ = strncpy(place.seed, "\(seed)", Self.size)
        unsafe _ = strncpy(place.words, words, Self.size)
    }

    /// From now on a program that dies says in which life. Before the threads start.
    static func prepare(threads: Int) {
        unsafe places = .allocate(capacity: threads)
        for number in 0..<threads { unsafe (places.baseAddress! + number).initialize(to: Place()) }
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { signal in LastWords.say(signal) }
        for signal in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGTERM] { unsafe sigaction(signal, &action, nil) }
    }

    /// A thread that dies hands over to a program that shortens its life; a program that is told to end, since it takes too long, says in
    /// which lives it is.
    private static func say(_ signal: Int32) {
        _ = Glibc.signal(signal, SIG_DFL)
        let thread = pthread_self()
        for number in unsafe places.indices {
            let place = unsafe places[number]
            guard unsafe place.words[0] != 0, signal == SIGTERM || pthread_equal(place.thread, thread) != 0 else { continue }
            unsafe _ = write(STDERR_FILENO, place.words, strlen(place.words))
            if signal != SIGTERM {
                unsafe _ = execv(UnsafeRawPointer(program.utf8Start).assumingMemoryBound(to: CChar.self), place.arguments)
            }
        }
        raise(signal)
    }
}
