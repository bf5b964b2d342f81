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
        case exited(Int32)
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
        _ path: String, _ arguments: [String], name: String? = nil, environment: [String]? = nil, input: Stream = .null,
        output: Stream = .inherited, error: Stream = .inherited, passing: (descriptor: Int32, as: Int32)? = nil, newSession: Bool = false
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
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

        var identifier: pid_t = 0
        let result = unsafe withCStrings([name ?? path] + arguments) { argv in
            // SAFETY: both arrays end with NULL and live across the call, which copies them.
            guard let environment else { return unsafe posix_spawn(&identifier, path, &actions, &attributes, argv, environ) }
            return unsafe withCStrings(environment) { unsafe posix_spawn(&identifier, path, &actions, &attributes, argv, $0) }
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
            return status & 0x7f == 0 ? .exited((status >> 8) & 0xff) : .signalled(status & 0x7f)
        }
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

    /// Runs a program to its end with `input` on its standard input.
    /// - Returns: how it ended, and what it printed on both of its outputs, the first 64 KiB of it.
    public static func run(
        _ path: String, _ arguments: [String], input: [UInt8] = []
    ) throws(SystemError) -> (status: ExitStatus, output: String) {
        var outputPipe = try Pipe()
        var inputPipe = try Pipe()
        let outputEnd = outputPipe.takeReadingEnd()
        let childOutput = outputPipe.takeWritingEnd()
        let childInput = inputPipe.takeReadingEnd()
        let inputEnd = inputPipe.takeWritingEnd()
        let child = try start(
            path, arguments, input: .descriptor(childInput.rawValue), output: .descriptor(childOutput.rawValue),
            error: .descriptor(childOutput.rawValue))
        _ = consume childOutput
        _ = consume childInput
        // What we feed to such programs fits into a pipe (64 KiB), so writing first cannot lock up.
        try? inputEnd.writeAll(input)
        _ = consume inputEnd
        var output: [UInt8] = []
        while let chunk = try? outputEnd.readChunk(), !chunk.isEmpty {
            if output.count < 64 << 10 { output += chunk }
        }
        return (child.wait(), String(decoding: output, as: UTF8.self))
    }

    /// Calls `body` with an array of C strings that ends with NULL.
    private static func withCStrings<R>(_ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> R) -> R {
        var pointers = unsafe strings.map { unsafe strdup($0) }
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

    /// Writes a text to a descriptor of somebody else's; what can't be written is lost.
    public static func write(_ text: String, to descriptor: Int32) {
        let borrowed = FileDescriptor(owning: descriptor)
        try? borrowed.writeAll(Array(text.utf8))
        _ = borrowed.take()
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
