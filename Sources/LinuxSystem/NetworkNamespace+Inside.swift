internal import Synchronization

extension NetworkNamespace {
    /// Does `body` in this namespace, on a thread of its own, and waits for it: the calling thread stays where it is.
    /// - Throws: EPERM without CAP_SYS_ADMIN, here and in the user namespace that owns it; EINVAL when it is no network namespace; EAGAIN
    ///   when the system allows no more threads.
    /// - Returns: what `body` returned or threw.
    public func inside<Value: ~Copyable & Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) throws(SystemError) -> Result<Value, Failure> {
        let number = descriptor.rawValue
        let outcome = Outcome<Value, Failure>()
        // It is waited for, so that the descriptor is open as long as it is needed.
        let thread = try SystemThread(name: "namespace") {
            do throws(SystemError) {
                try Self.enter(number)
            } catch {
                return outcome.refuse(error)
            }
            do throws(Failure) {
                outcome.finish(.success(try body()))
            } catch {
                outcome.finish(.failure(error))
            }
        }
        thread.join()
        return try outcome.take()
    }

    /// What a thread leaves for the one that waits for it.
    private final class Outcome<Value: ~Copyable & Sendable, Failure: Error>: Sendable {
        private let result = Mutex<Result<Value, Failure>?>(nil)
        private let refusal = Mutex<SystemError?>(nil)

        func refuse(_ error: SystemError) { refusal.withLock { $0 = error } }

        func finish(_ value: consuming sending Result<Value, Failure>) {
            var value: Result<Value, Failure>? = consume value
            result.withLock { $0 = value.take() }
        }

        func take() throws(SystemError) -> Result<Value, Failure> {
            if let error = refusal.withLock({ $0 }) { throw error }
            return result.withLock { $0.take() }!
        }
    }
}
