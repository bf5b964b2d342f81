internal import CLinuxShims
internal import Glibc

/// A program that this one started. Descriptors that were opened here close in it, but for those that it is given.
public struct ChildProcess: Sendable {
    /// What a standard descriptor of the child is.
    public enum Stream: Sendable {
        /// The same as ours.
        case inherited
        /// /dev/null.
        case null
        /// An open descriptor of ours.
        case descriptor(Int32)
    }

    /// How a child ended.
    public enum ExitStatus: Hashable, Sendable {
        /// With this status, 0 to 255.
        case exited(Int32)
        /// By this signal.
        case signalled(Int32)

        public var isSuccess: Bool { self == .exited(0) }
    }

    /// The process number; valid until ``wait()`` has returned.
    public let identifier: Int32

    /// Starts a program. Its signals have their default actions and none is blocked, whatever holds here.
    /// - Parameters:
    ///   - path: the program's file.
    ///   - arguments: without the name, which is `name` or the path.
    ///   - environment: `NAME=value` each; nil for ours.
    ///   - passing: an open descriptor to hand on, and the number that the child finds it under.
    ///   - newSession: whether it leaves our terminal and process group.
    public static func start(
        _ path: String, _ arguments: [String], name: String? = nil, environment: [[UInt8]]? = nil, input: Stream = .null,
        output: Stream = .inherited, error: Stream = .inherited, passing: (descriptor: Int32, as: Int32)? = nil, newSession: Bool = false,
        ownGroup: Bool = false, directory: String? = nil
    ) throws(SystemError) -> ChildProcess {
        try start(
            path, bytes: arguments.map { Array($0.utf8) }, name: name, environment: environment, input: input, output: output, error: error,
            passing: passing, newSession: newSession, ownGroup: ownGroup, directory: directory)
    }

    /// The same with arguments that need not be text.
    /// - Parameters:
    ///   - ownGroup: whether it leads a process group, so that ``end()`` reaches what it started.
    ///   - directory: where it begins; nil for ours.
    public static func start(
        _ path: String, bytes arguments: [[UInt8]], name: String? = nil, environment: [[UInt8]]? = nil, input: Stream = .null,
        output: Stream = .inherited, error: Stream = .inherited, passing: (descriptor: Int32, as: Int32)? = nil, newSession: Bool = false,
        ownGroup: Bool = false, directory: String? = nil
    ) throws(SystemError) -> ChildProcess {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for (number, stream) in [(Int32(0), input), (1, output), (2, error)] {
            switch stream {
            case .inherited: break
            case .null: unsafe posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
            case .descriptor(let descriptor): unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, number)
            }
        }
        if let passing { unsafe posix_spawn_file_actions_adddup2(&actions, passing.descriptor, passing.as) }

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        var all = sigset_t()
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        var flags = Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)
        if newSession { flags |= Int32(CLINUX_POSIX_SPAWN_SETSID) }
        if ownGroup { flags |= Int32(CLINUX_POSIX_SPAWN_SETPGROUP) }
        if let directory, FileSystem.status(directory)?.isDirectory ?? false { unsafe clinux_spawn_directory(&actions, directory) }
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

        var identifier: pid_t = 0
        let result = unsafe withCStrings([Array((name ?? path).utf8)] + arguments) { argv in
            // SAFETY: both arrays end with NULL and live across the call, which copies them.
            guard let environment else { return unsafe posix_spawn(&identifier, path, &actions, &attributes, argv, environ) }
            return unsafe withCStrings(environment) {
                unsafe posix_spawn(&identifier, path, &actions, &attributes, argv, $0)
            }
        }
        guard result == 0 else { throw SystemError(errno: result, operation: "start", subject: path) }
        return ChildProcess(identifier: identifier)
    }

    /// Waits until it has ended. Call it once.
    public func wait() -> ExitStatus {
        var status: Int32 = 0
        while true {
            let result = unsafe waitpid(identifier, &status, 0)
            if result < 0 && Glibc.errno == EINTR { continue }
            // Only a child that somebody else waited for is not found, and then its status is lost.
            guard result == identifier else { return .exited(127) }
            return Self.status(status)
        }
    }

    static func status(_ status: Int32) -> ExitStatus {
        status & 0x7f == 0 ? .exited((status >> 8) & 0xff) : .signalled(status & 0x7f)
    }

    /// How it ended, if it has; call it until it says so.
    func statusIfEnded() -> ExitStatus? {
        var status: Int32 = 0
        let result = unsafe waitpid(identifier, &status, WNOHANG)
        if result == 0 || result < 0 && Glibc.errno == EINTR { return nil }
        return result == identifier ? Self.status(status) : .exited(127)
    }

    /// Sends it a signal.
    public func signal(_ number: Int32) {
        kill(identifier, number)
    }

    /// The file of a program: the first of PATH's directories, and the system's own, that has it.
    public static func find(_ name: String) -> String? {
        var directories = (Process.environment("PATH") ?? "").split(separator: ":").map(String.init)
        directories += ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        return directories.lazy.filter { $0.hasPrefix("/") }.map { "\($0)/\(name)" }.first { unsafe access($0, X_OK) == 0 }
    }

    /// Calls `body` with an array of C strings that ends with NULL.
    static func withCStrings<R>(_ strings: [[UInt8]], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> R) -> R {
        // SAFETY: each text is copied with a terminator behind it; strdup reads no further.
        var pointers = unsafe strings.map { text in
            unsafe (text + [0]).withUnsafeBufferPointer { unsafe $0.withMemoryRebound(to: CChar.self) { unsafe strdup($0.baseAddress!) } }
        }
        unsafe pointers.append(nil)
        defer { for i in unsafe pointers.indices { unsafe free(pointers[i]) } }
        return unsafe pointers.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress!) }
    }
}

/// Two ends of a pipe: what is written to the one can be read from the other. Both close with it, unless taken before.
public struct Pipe: ~Copyable, Sendable {
    private var reading: FileDescriptor?
    private var writing: FileDescriptor?

    public init() throws(SystemError) {
        var ends: (Int32, Int32) = (0, 0)
        let result = unsafe withUnsafeMutablePointer(to: &ends) { pointer in
            // SAFETY: a tuple of two Int32 has the layout of the array that pipe2 fills.
            unsafe pointer.withMemoryRebound(to: Int32.self, capacity: 2) { unsafe clinux_pipe($0) }
        }
        guard result == 0 else { throw SystemError(operation: "pipe") }
        reading = FileDescriptor(owning: ends.0)
        writing = FileDescriptor(owning: ends.1)
    }

    /// The end to read from. Take it once.
    public mutating func takeReadingEnd() -> FileDescriptor {
        reading.take()!
    }

    /// The end to write to. Take it once.
    public mutating func takeWritingEnd() -> FileDescriptor {
        writing.take()!
    }
}

extension FileDescriptor {
    /// Writes all of `bytes`; for blocking descriptors.
    public func writeAll(_ bytes: [UInt8]) throws(SystemError) {
        var offset = 0
        while offset < bytes.count {
            var result: Result<Int, SystemError> = .success(0)
            unsafe bytes.withUnsafeBytes { buffer in
                do throws(SystemError) {
                    unsafe result = .success(try write(UnsafeRawBufferPointer(rebasing: buffer[offset...])))
                } catch {
                    result = .failure(error)
                }
            }
            offset += try result.get()
        }
    }

    /// Writes a text to a descriptor of somebody else's, and waits for its reader even where somebody made it non-blocking.
    /// - Returns: whether all of it was written; what can't be is lost.
    @discardableResult
    public static func write(_ text: String, to descriptor: Int32) -> Bool {
        failure(ofWriting: text, to: descriptor) == nil
    }

    /// The same.
    /// - Returns: why not all of it was written; nil where it was.
    public static func failure(ofWriting text: String, to descriptor: Int32) -> SystemError? {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            // SAFETY: the kernel reads at most `count` bytes of the array, alive across the call.
            switch TransferResult(unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }) {
            case .moved(let count): rest = rest.dropFirst(count)
            case .wouldBlock: _ = DescriptorPoll.wait([.init(descriptor, reading: false, writing: true)])
            case .failed(EINTR): continue
            case .failed(let errno): return SystemError(errno: errno, operation: "write")
            }
        }
        return nil
    }

    /// Reads up to 4 KiB; empty at the end.
    public func readChunk() throws(SystemError) -> [UInt8] {
        var result: Result<Int, SystemError> = .success(0)
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
            do throws(SystemError) {
                // SAFETY: as many bytes are initialized as read returns.
                count = unsafe try read(into: UnsafeMutableRawBufferPointer(buffer))
            } catch {
                result = .failure(error)
            }
        }
        _ = try result.get()
        return bytes
    }
}
