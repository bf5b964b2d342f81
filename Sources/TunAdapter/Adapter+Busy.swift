internal import LinuxSystem
internal import NetworkTypes
import Synchronization

/// What is closed can outlive its closing for a moment.
///
/// A child process has copies of all descriptors of its parent from fork(2), or posix_spawn(3), to its execve(2), close-on-exec or not. What
/// another thread closes in between stays open until then: mostly for microseconds, for tens of milliseconds when the program to execute
/// must be read from a disk. So a program that starts others would find an adapter busy that it just made, or whose session it just ended.
extension Adapter {
    /// Pauses before asking again: 255 ms together, which is how much later a refusal comes that is final.
    static let busyPauses: [Interval] = (0..<8).map { .milliseconds(1 << $0) }

    /// Does `body` with the state locked, and again after a pause while it finds the adapter busy because of somebody else.
    func withStateWhenFree<Value: ~Copyable & Sendable>(
        _ body: (inout State) throws(AdapterError) -> Value
    ) throws(AdapterError) -> Value {
        for pause in Self.busyPauses {
            do throws(AdapterError) {
                return try locked { state throws(AdapterError) in try body(&state) }
            } catch {
                guard error.code == .busy, !hasSession else { throw error }
            }
            SystemThread.sleep(pause)
        }
        return try locked { state throws(AdapterError) in try body(&state) }
    }

    /// Whether this handle's session runs.
    private var hasSession: Bool {
        locked { state in state.session.session.map { !$0.hasEnded } ?? false }
    }
}
