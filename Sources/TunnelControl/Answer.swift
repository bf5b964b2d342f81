internal import LinuxSystem
internal import NetworkTypes
internal import Synchronization

/// What another thread finds out, for somebody who doesn't wait for ever.
final class Answer<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)

    func give(_ value: Value) { self.value.withLock { $0 = value } }

    /// - Returns: nil if it isn't there in time.
    func wait(for patience: Interval) -> Value? {
        let end = Clock.now + patience
        while true {
            if let found = value.withLock({ $0 }) { return found }
            guard Clock.now < end else { return nil }
            _ = DescriptorPoll.wait([], for: .milliseconds(10))
        }
    }
}
