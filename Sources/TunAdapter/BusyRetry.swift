internal import LinuxSystem
internal import NetworkTypes

/// Asks again for a while when an adapter is busy, because a queue or lock that was closed can outlive its closing for a moment.
///
/// A child process has copies of all descriptors of its parent from fork(2), or posix_spawn(3), to its execve(2), close-on-exec or not. What
/// a thread closes in between stays open until then: mostly for microseconds, for tens of milliseconds when the program to execute
/// must be read from a disk. So a program that starts others would find an adapter busy that it just made, or whose session it just ended.
enum BusyRetry {
    /// Pauses between the tries: 255 ms together, which is how much later a refusal comes that is final.
    private static let pauses: [Interval] = (0..<8).map { .milliseconds(1 << $0) }

    /// - Returns: what `body` does, at the latest on the ninth try.
    /// - Throws: every other error than `busy` at once, and `busy` when the last try still throws it.
    static func run<Result: ~Copyable>(_ body: () throws(AdapterError) -> Result) throws(AdapterError) -> Result {
        for pause in pauses {
            do throws(AdapterError) {
                return try body()
            } catch {
                guard error.code == .busy else { throw error }
            }
            SystemThread.sleep(pause)
        }
        return try body()
    }
}
