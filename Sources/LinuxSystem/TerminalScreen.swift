internal import CLinuxShims
internal import Glibc

/// A terminal taken over for whole screens: keys come one by one, and what was on it is there again when this value ends, or a fault ends
/// the process. One at a time.
public struct TerminalScreen: ~Copyable {
    /// What came of writing to it.
    public enum Written: Sendable {
        /// The terminal has taken everything.
        case all
        /// Something else became ready before the terminal took everything.
        case interrupted
        /// It has gone.
        case failed
    }

    /// Columns and rows.
    public struct Size: Hashable, Sendable {
        public var columns: Int
        public var rows: Int
    }

    private let output: FileDescriptor

    /// Takes over the terminal that standard input and output are.
    public init() throws(SystemError) {
        let terminal = try Self.opening()
        guard clinux_terminal_enter(0, terminal.rawValue) == 0 else { throw SystemError(operation: "tcsetattr") }
        output = terminal
    }

    /// An opening of our own: a terminal that takes nothing must not hold up the program, and other programs' openings stay as they are.
    private static func opening() throws(SystemError) -> FileDescriptor {
        do throws(SystemError) {
            return try FileDescriptor.open("/proc/self/fd/1", flags: Int32(O_WRONLY | O_NONBLOCK | O_NOCTTY))
        } catch {
            // Somebody else's terminal, after su.
            return try FileDescriptor.duplicate(of: 1)
        }
    }

    deinit {
        clinux_terminal_leave()
    }

    /// Gives the terminal back and stops the process, as Ctrl-Z does; goes on with the screen when the process is continued.
    public func stop() throws(SystemError) {
        clinux_terminal_leave()
        kill(getpid(), SIGSTOP)
        guard clinux_terminal_enter(0, output.rawValue) == 0 else { throw SystemError(operation: "tcsetattr") }
    }

    /// How large it is now; 80 columns and 24 rows where it doesn't say.
    public var size: Size {
        var (columns, rows): (UInt16, UInt16) = (0, 0)
        guard unsafe clinux_terminal_size(output.rawValue, &columns, &rows) == 0, columns > 0, rows > 0 else {
            return Size(columns: 80, rows: 24)
        }
        return Size(columns: Int(columns), rows: Int(rows))
    }

    /// Writes all of a text, unless `other` (a descriptor) becomes readable while the terminal takes nothing.
    public func write(_ text: String, unless other: Int32) -> Written {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            switch unsafe rest.withUnsafeBytes({ unsafe output.send($0) }) {
            case .moved(let count): rest = rest.dropFirst(count)
            case .wouldBlock:
                let ready = DescriptorPoll.wait([.init(output.rawValue, reading: false, writing: true), .init(other)])
                if ready[1] { return .interrupted }
            case .failed: return .failed
            }
        }
        return .all
    }
}

extension SignalDescriptor {
    /// The terminal has another size.
    public static let resized = SIGWINCH
    /// A terminal's Ctrl-\, or somebody who wants a core dump.
    public static let quit = SIGQUIT
    /// Somebody asks the process to stop for a while.
    public static let stop = SIGTSTP
}
