internal import Glibc
public import NetworkTypes

extension NetworkNamespace {
    /// Does `body` while no other thread, of all processes of the calling thread's namespace, does such: with an advisory lock on the namespace's
    /// file, which goes with its holder.
    ///
    /// Anybody in the namespace can hold it for ever, which must not stop others: after `limit` it goes on without.
    public static func inTurn<Value, Failure: Error>(
        waitingAtMost limit: Interval, _ body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        // Without /proc there are no turns.
        let number = (try? FileDescriptor.open("/proc/thread-self/ns/net", flags: O_RDONLY))?.take() ?? -1
        defer { if number >= 0 { close(number) } }
        let end = Clock.now + limit
        var pause = Interval.milliseconds(1)
        while number >= 0, flock(number, LOCK_EX | LOCK_NB) != 0, Clock.now < end {
            SystemThread.sleep(pause)
            pause = min(Interval(nanoseconds: pause.nanoseconds * 2), .milliseconds(20))
        }
        return try body()
    }
}
