internal import LinuxSystem
internal import Synchronization
internal import WireGuardCrypto

/// Carries out what takes its time (hooks, names, other programs), one operation after the other, on a thread of its own that is kept.
///
/// Whoever begins an operation goes on, is told by a descriptor when it has ended, and can give it up at any time.
final class OperationThread<Result: Sendable>: Sendable {
    private struct State: ~Copyable {
        var operation: (@Sendable (Cancellation) -> Result)?
        var isUnderWay = false
        var result: Result?
        var isStopping = false
        var thread: SystemThread?
    }

    /// What an operation uses of the stack where it works with keys, generously.
    private static var stackByteCount: Int { 64 << 10 }

    private let state = Mutex(State())
    private let begun: EventDescriptor
    private let ended: EventDescriptor
    /// One for all operations, made before anything can run short: taking down must always be possible.
    private let cancellation: Cancellation

    /// - Parameters:
    ///   - name: the thread's, at most 15 bytes.
    ///   - kept: the capabilities that it keeps, with none to gain; nil: it keeps all, and what its programs bring.
    init(name: String = "wg-operation", keeping kept: CapabilitySet? = nil) throws(SystemError) {
        begun = try EventDescriptor()
        ended = try EventDescriptor()
        cancellation = try Cancellation()
        try state.withLock { (state) throws(SystemError) in
            state.thread = try SystemThread(name: name) { [self] in
                if let kept { SystemThread.giveUpPrivileges(but: kept) }
                run()
            }
        }
    }

    /// Readable when an operation has ended. It belongs to this object.
    var descriptor: Int32 { ended.rawValue }

    /// Whether one is under way.
    var isBusy: Bool { state.withLock { $0.isUnderWay } }

    /// Begins an operation. One at a time.
    func begin(_ operation: @escaping @Sendable (Cancellation) -> Result) {
        state.withLock { state in
            precondition(!state.isUnderWay, "one operation at a time")
            cancellation.reset()
            state.isUnderWay = true
            state.operation = operation
        }
        begun.signal()
    }

    /// Asks the operation that is under way, if there is one, to end.
    /// - Parameter forGood: it needn't take back what it did: what begins next does that.
    func cancel(forGood: Bool = false) {
        state.withLock { state in
            guard state.isUnderWay else { return }
            if forGood { cancellation.abandon() } else { cancellation.cancel() }
        }
    }

    /// Asks what takes back what was done to end, if it is under way.
    func abandonUndoing() {
        state.withLock { if $0.isUnderWay { cancellation.abandonUndoing() } }
    }

    /// What the operation that has ended came to; nil while it goes on.
    func takeResult() -> Result? {
        ended.clear()
        return state.withLock { state in
            guard let result = state.result else { return nil }
            state.result = nil
            state.isUnderWay = false
            return result
        }
    }

    /// Ends the thread, with the operation that is under way.
    func stop() {
        cancel()
        let thread = state.withLock { state in
            state.isStopping = true
            return state.thread.take()
        }
        begun.signal()
        thread?.join()
    }

    /// Ends the thread without waiting for the operation that is under way: the kernel may hold it for ever (a file system that doesn't answer).
    /// It ends with the process then.
    func leave() {
        cancel(forGood: true)
        let isUnderWay = state.withLock { state in
            state.isStopping = true
            return state.isUnderWay && state.result == nil
        }
        let thread = state.withLock { $0.thread.take() }
        begun.signal()
        if isUnderWay { thread?.detach() } else { thread?.join() }
    }

    private func run() {
        while true {
            _ = begun.wait(for: nil)
            begun.clear()
            let (operation, isStopping) = state.withLock { ($0.operation.take(), $0.isStopping) }
            if let operation {
                let result = operation(cancellation)
                // A file was read, and keys compared.
                wipeDeadStack(Self.stackByteCount)
                state.withLock { $0.result = result }
                ended.signal()
            }
            if isStopping { return }
        }
    }
}
