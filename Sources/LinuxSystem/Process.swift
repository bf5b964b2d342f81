internal import CLinuxShims
internal import Glibc

/// This process: who it is, what it was given, what it is told.
public enum Process {
    public static var identifier: Int32 { getpid() }
    public static var effectiveUser: UInt32 { geteuid() }

    /// The file of this program, to start it again.
    public static var executable: String {
        // By its own name where it still has one: `ps` shows the last part of the path it was started by.
        let link = "/proc/self/exe"
        if let path = FileSystem.resolved(link), FileSystem.exists(path) { return path }
        // Without a /proc by the path it was started by.
        guard !FileSystem.exists(link), let path = unsafe clinux_executed_path() else { return link }
        // SAFETY: the kernel keeps that text on the stack's bottom for the life of the process.
        return unsafe String(cString: path)
    }

    /// The words that this program was started with, its own name first; also where /proc isn't mounted.
    public static var arguments: [String] {
        // SAFETY: there are so many, each terminated, for as long as the process lives.
        (0..<clinux_argument_count()).compactMap { unsafe clinux_argument($0).map { unsafe String(cString: $0) } }
    }

    /// The same as they are: a name of a file need not be text.
    public static var argumentBytes: [[UInt8]] {
        // SAFETY: as of `arguments`.
        (0..<clinux_argument_count()).compactMap { unsafe clinux_argument($0).map { unsafe bytes(of: $0) } }
    }

    private static func bytes(of text: UnsafePointer<CChar>) -> [UInt8] {
        // SAFETY: it is terminated.
        unsafe Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }

    /// The value of an environment variable.
    public static func environment(_ name: String) -> String? {
        // SAFETY: the text is copied at once; nothing here changes the environment.
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// The whole environment, `NAME=value` each; none of it need be text.
    public static var environment: [[UInt8]] {
        var variables: [[UInt8]] = []
        // SAFETY: the list ends with NULL, and nothing here changes it.
        var next = unsafe environ
        while true {
            guard let variable = unsafe next.pointee else { return variables }
            unsafe variables.append(bytes(of: variable))
            unsafe next += 1
        }
    }

    /// Forgets an environment variable, so that programs started from here don't see it. Call it before any thread is started.
    public static func removeEnvironment(_ name: String) {
        unsafe unsetenv(name)
    }

    /// Whether a descriptor is a terminal.
    public static func isTerminal(_ descriptor: Int32) -> Bool {
        isatty(descriptor) == 1
    }

    /// Whether a descriptor is the stream to systemd's journal that JOURNAL_STREAM names: that is inherited, and often by programs whose
    /// output goes elsewhere.
    public static func isJournal(_ descriptor: Int32) -> Bool {
        isStream(descriptor, named: environment("JOURNAL_STREAM"))
    }

    /// Whether a descriptor is the file with this device and inode, as `DEVICE:INODE`.
    static func isStream(_ descriptor: Int32, named name: String?) -> Bool {
        var status = stat()
        guard let name, unsafe fstat(descriptor, &status) == 0 else { return false }
        return name == "\(status.st_dev):\(status.st_ino)"
    }

    /// Whether a process of that number exists.
    public static func exists(_ identifier: Int32) -> Bool {
        kill(identifier, 0) == 0 || Glibc.errno == EPERM
    }

    /// Lets go of the terminal and of the directory it was started in: the standard descriptors become /dev/null.
    public static func detach() {
        unsafe chdir("/")
        let null = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
        guard null >= 0 else { return }
        for number in Int32(0)...2 { dup2(null, number) }
        close(null)
    }

    /// How many descriptors this process may have (the soft limit).
    public static var descriptorLimit: Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        return Int(clamping: limit.rlim_cur)
    }

    /// Gives memory back to the system that was freed: the allocator keeps it otherwise, small pieces for ever.
    public static func releaseFreedMemory() { clinux_release_freed_memory() }

    /// The permissions that new files don't get.
    public static func setFileCreationMask(_ mask: UInt32) {
        umask(mask)
    }
}

/// Signals as something to sleep on (signalfd): they no longer interrupt the process.
public struct SignalDescriptor: ~Copyable, Sendable {
    private let descriptor: FileDescriptor

    /// Takes over `signals`. Call it before any thread is started: threads inherit that they are blocked.
    public init(_ signals: [Int32]) throws(SystemError) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        let number = unsafe signalfd(-1, &set, Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK))
        guard number >= 0 else { throw SystemError(operation: "signalfd") }
        descriptor = FileDescriptor(owning: number)
    }

    /// Readable while a signal waits. It belongs to this value.
    public var rawValue: Int32 { descriptor.rawValue }

    /// The next signal that waits, if there is one.
    public func next() -> Int32? { nextArrival()?.signal }

    /// The next signal that waits, with who it is from.
    public func nextArrival() -> Arrival? {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        // SAFETY: read fills one structure of that size or nothing.
        guard unsafe Glibc.read(rawValue, &info, size) == size else { return nil }
        // SI_KERNEL
        return Arrival(signal: Int32(info.ssi_signo), isFromKernel: info.ssi_code == 0x80)
    }

    public static let terminate = SIGTERM
    public static let interrupt = SIGINT
    public static let hangUp = SIGHUP

    /// Broken pipes and connections, and files that may not get longer, are reported by writes alone.
    public static func ignoreBrokenPipes() {
        Glibc.signal(SIGPIPE, SIG_IGN)
        Glibc.signal(SIGXFSZ, SIG_IGN)
    }
}

extension Process {
    /// The directory that relative paths begin at; `/` where it has gone.
    public static var workingDirectory: String {
        guard let text = unsafe getcwd(nil, 0) else { return "/" }
        // SAFETY: getcwd hands over an allocated, terminated text.
        defer { unsafe free(text) }
        return unsafe String(cString: text)
    }
}

extension Process {
    /// Becomes another program, with the same identity, descriptors and environment (execv).
    /// - Returns: why not; otherwise it doesn't return.
    public static func become(_ program: String, _ arguments: [String]) -> SystemError {
        var words: [UnsafeMutablePointer<CChar>?] = unsafe ([program] + arguments).map { unsafe strdup($0) }
        unsafe words.append(nil)
        unsafe execv(program, words)
        let error = SystemError(operation: "execute", subject: program)
        // SAFETY: each was allocated above.
        for index in unsafe words.indices { unsafe free(words[index]) }
        return error
    }
}
