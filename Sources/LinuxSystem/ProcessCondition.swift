internal import Glibc

/// What a process is doing, as /proc shows it. Source: proc_pid_stat(5), proc_pid_status(5).
public enum ProcessCondition: Hashable, Sendable {
    /// It runs, or waits for something.
    case running
    /// It stands still, stopped by a signal or a debugger.
    case stopped
    /// It was killed, crashed or ends by itself, and hasn't let go of all its files yet: sockets of it are still connected to, and nobody answers.
    case ending
    /// It has let go of everything and is only not waited for yet.
    case ended

    /// - Parameters:
    ///   - stat: `/proc/PID/stat`.
    ///   - status: `/proc/PID/status`, which tells of SIGKILL from the moment in which it was sent.
    /// - Returns: nil for anything else.
    public init?(stat: String, status: String) {
        // The name, in parentheses, may have any characters in it.
        guard let close = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: close)...].split(whereSeparator: \.isWhitespace)
        guard fields.count > 17, let flags = UInt32(fields[6]), let threads = Int(fields[17]) else { return nil }
        if fields[0] == "Z" || fields[0] == "X" {
            // The first thread has ended; the files are let go of with the last one.
            self = threads > 1 ? .ending : .ended
        } else if flags & Self.exiting != 0 || Self.isKilled(status) || status.contains("\nCoreDumping:\t1") {
            self = .ending
        } else {
            self = fields[0] == "T" || fields[0] == "t" ? .stopped : .running
        }
    }

    /// What a process is doing now; nil where there is none.
    public init?(of identifier: Int32) {
        guard let status = try? FileSystem.read("/proc/\(identifier)/status", limit: 1 << 16),
            let stat = try? FileSystem.read("/proc/\(identifier)/stat", limit: 4096)
        else { return nil }
        self.init(stat: String(decoding: stat, as: UTF8.self), status: String(decoding: status, as: UTF8.self))
    }

    /// PF_EXITING of the kernel's flags of a thread.
    private static let exiting: UInt32 = 0x4

    private static func isKilled(_ status: String) -> Bool {
        status.split(separator: "\n").contains { line in
            // The name's line can't look like these: in it a line end is escaped.
            guard line.hasPrefix("ShdPnd:") || line.hasPrefix("SigPnd:"), let pending = line.split(whereSeparator: \.isWhitespace).last,
                let signals = UInt64(pending, radix: 16)
            else { return false }
            return signals & 1 << (SIGKILL - 1) != 0
        }
    }
}
