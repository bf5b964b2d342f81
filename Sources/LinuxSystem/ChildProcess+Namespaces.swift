internal import CLinuxShims
internal import Glibc

/// What signals do in a program when it begins, to be handed on to those that it starts.
public struct InheritedSignals: Sendable {
    fileprivate let mask: sigset_t
    fileprivate let ignoresBrokenPipes: Bool

    /// As they are now: before this program changes them.
    public init() {
        var mask = sigset_t()
        unsafe pthread_sigmask(SIG_SETMASK, nil, &mask)
        self.mask = mask
        var action = sigaction()
        unsafe sigaction(SIGPIPE, nil, &action)
        // SAFETY: without SA_SIGINFO the union holds the plain handler, of which only the number matters.
        ignoresBrokenPipes = unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
    }
}

extension ChildProcess {
    /// Where a program starts: descriptors of another process's namespaces.
    public struct Place: Sendable {
        /// Descriptors of namespaces; -1: this process's own.
        public var user: Int32
        public var network: Int32
        public var mounts: Int32
        /// The directory that `/` is there.
        public var root: Int32

        public init(user: Int32, network: Int32, mounts: Int32, root: Int32) {
            (self.user, self.network, self.mounts, self.root) = (user, network, mounts, root)
        }
    }

    /// Starts a program in other namespaces: with this process's identity, directory, terminal and standard descriptors, and no others. It is
    /// killed when this process ends, or the thread that called.
    /// - Parameters:
    ///   - arguments: its name, sought in PATH without a slash, first.
    ///   - environment: `NAME=value` each.
    ///   - signals: what signals do in it.
    /// - Throws: ENOENT or EACCES with the operation `start` when the program can't be executed.
    public static func start(
        _ arguments: [[UInt8]], environment: [[UInt8]], in place: Place, signals: InheritedSignals
    ) throws(SystemError) -> ChildProcess {
        let directory = try FileDescriptor.open(".", flags: Int32(CLINUX_O_PATH) | O_DIRECTORY)
        let path = Process.workingDirectory
        var mask = signals.mask
        var step: UnsafePointer<CChar>?
        let identifier = unsafe path.withCString { path in
            var place = unsafe clinux_place(
                user: place.user, network: place.network, mounts: place.mounts, root: place.root, directory: path,
                directory_descriptor: directory.rawValue)
            // SAFETY: everything lives across the call; the child has copies.
            return unsafe withCStrings(arguments) { argv in
                unsafe withCStrings(environment) { variables in
                    unsafe clinux_start_in(&place, argv[0], argv, variables, &mask, signals.ignoresBrokenPipes ? 1 : 0, &step)
                }
            }
        }
        guard identifier > 0 else {
            let errno = Glibc.errno
            // SAFETY: a constant text.
            let operation = unsafe step.map { unsafe String(cString: $0) } ?? "start"
            throw SystemError(errno: errno, operation: operation, subject: String(decoding: arguments.first ?? [], as: UTF8.self))
        }
        return ChildProcess(identifier: identifier)
    }

    /// Something that happened to a child.
    public enum Change: Hashable, Sendable {
        /// It is over and forgotten.
        case ended(ExitStatus)
        /// A signal stopped it.
        case stopped(Int32)
        /// SIGCONT let it go on.
        case continued
    }

    /// The next thing that happened to any child, without waiting; a child that ended is forgotten with it.
    public static func nextChange() -> (identifier: Int32, change: Change)? {
        var status: Int32 = 0
        var result: Int32
        repeat { result = unsafe waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED) } while result < 0 && Glibc.errno == EINTR
        guard result > 0 else { return nil }
        if status == 0xffff { return (result, .continued) }
        if status & 0xff == 0x7f { return (result, .stopped((status >> 8) & 0xff)) }
        return (result, .ended(Self.status(status)))
    }
}

extension Process {
    /// From now on orphans among this process's descendants are its children.
    public static func becomeSubreaper() {
        clinux_become_subreaper()
    }

    /// Whether this process has a controlling terminal, whose job control can continue it.
    public static var hasTerminal: Bool {
        (try? FileDescriptor.open("/dev/tty", flags: O_RDWR | O_NOCTTY)) != nil
    }

    /// Stops this process, all threads of it, until somebody continues it in a shell's foreground or background.
    ///
    /// Continued in the foreground it gives the terminal back to the process group that had it: a shell among our children is in one of its own,
    /// and would be stopped at once, or end, when it reads what is no longer its own.
    public static func stop() {
        // SIGSTOP to this thread: what is sent to the process another one may take, a moment after this one has gone on.
        guard let terminal = try? FileDescriptor.open("/dev/tty", flags: O_RDWR | O_NOCTTY) else {
            raise(SIGSTOP)
            return
        }
        let foreground = tcgetpgrp(terminal.rawValue)
        raise(SIGSTOP)
        guard foreground > 0, foreground != getpgrp(), tcgetpgrp(terminal.rawValue) == getpgrp() else { return }
        tcsetpgrp(terminal.rawValue, foreground)
    }

    /// Ends this process as `signal` ends one that does nothing about it, so that whoever waits for it sees that; without a core file.
    public static func end(by signal: Int32) -> Never {
        clinux_leave_no_core()
        Glibc.signal(signal, SIG_DFL)
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, signal)
        kill(getpid(), signal)
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
        // A signal that ends nobody: its number is told as shells do.
        exit(128 + signal)
    }

    /// Sends a process a signal.
    public static func signal(_ process: Int32, _ number: Int32) {
        kill(process, number)
    }

    /// The group that files which this process makes get.
    public static var effectiveGroup: UInt32 { getegid() }
}

extension SignalDescriptor {
    /// A signal, and who it is from.
    public struct Arrival: Hashable, Sendable {
        public var signal: Int32
        /// Whether it was the kernel's: then a terminal sent it to the whole process group, and everybody in it has got it.
        public var isFromKernel: Bool
    }

    /// Signals by their numbers, for those who don't import the C library.
    public static let user1 = SIGUSR1
    public static let user2 = SIGUSR2
    public static let child = SIGCHLD
    public static let `continue` = SIGCONT
    public static let kill = SIGKILL
}
