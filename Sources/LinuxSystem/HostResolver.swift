internal import NetworkTypes
internal import Synchronization

/// Looks names up on one thread of its own, which is kept: whoever asks can stop waiting at any time, the system's resolver can't.
public final class HostResolver: Sendable {
    /// A name and a service, as ``HostLookup/resolve(host:service:)`` takes them.
    public struct Question: Hashable, Sendable {
        public var host: String
        public var service: String

        public init(host: String, service: String) {
            self.host = host
            self.service = service
        }
    }

    private struct State: ~Copyable {
        var number: UInt64 = 0
        var question: Question?
        var answer: (number: UInt64, outcome: HostLookup.Outcome)?
        var isBusy = false
        var isStopping = false
        var isBegun = false
        var thread: SystemThread?
    }

    private let state = Mutex(State())
    private let asked: EventDescriptor
    private let answered: EventDescriptor
    private let lookUp: @Sendable (Question) -> HostLookup.Outcome

    /// - Parameter lookUp: the resolver; the system's unless told otherwise.
    public init(
        lookUp: @escaping @Sendable (Question) -> HostLookup.Outcome = { HostLookup.resolve(host: $0.host, service: $0.service) }
    ) throws(SystemError) {
        asked = try EventDescriptor()
        answered = try EventDescriptor()
        self.lookUp = lookUp
    }

    /// Looks a name up, for one caller at a time.
    /// - Parameter cancelled: a descriptor that is readable when it is not wanted any more; negative for none.
    /// - Returns: nil when that came first.
    public func resolve(_ question: Question, cancelledBy cancelled: Int32) throws(SystemError) -> HostLookup.Outcome? {
        try begin()
        let number = state.withLock { state in
            state.number += 1
            state.question = question
            state.answer = nil
            return state.number
        }
        asked.signal()
        while true {
            let ready = DescriptorPoll.wait([.init(answered.rawValue), .init(cancelled)])
            answered.clear()
            if let answer = state.withLock({ $0.answer }), answer.number == number { return answer.outcome }
            if ready[1] {
                state.withLock { $0.question = nil }
                return nil
            }
        }
    }

    /// A thread that nobody needed so far is none.
    private func begin() throws(SystemError) {
        try state.withLock { (state) throws(SystemError) in
            guard !state.isBegun else { return }
            state.thread = try SystemThread(name: "wg-resolver") { [self] in
                // It parses what a name server says.
                SystemThread.giveUpPrivileges()
                run()
            }
            state.isBegun = true
        }
    }

    /// Ends the thread. One that is still in the system's resolver, which nothing interrupts, ends with the process.
    public func stop() {
        let isBusy = state.withLock { state in
            state.isStopping = true
            return state.isBusy
        }
        let thread = state.withLock { $0.thread.take() }
        asked.signal()
        if isBusy { thread?.detach() } else { thread?.join() }
    }

    private func run() {
        while true {
            _ = asked.wait(for: nil)
            asked.clear()
            let (question, number, isStopping) = state.withLock { state in
                defer { state.question = nil }
                state.isBusy = state.question != nil && !state.isStopping
                return (state.question, state.number, state.isStopping)
            }
            if isStopping { return }
            guard let question else { continue }
            let outcome = lookUp(question)
            let wantsEnd = state.withLock { state in
                state.answer = (number, outcome)
                state.isBusy = false
                return state.isStopping
            }
            if wantsEnd { return }
            answered.signal()
        }
    }
}
