public import NetworkTypes
internal import Synchronization

/// Hands what is to be written to a thread of its own: whoever has something to say never waits for those who read it.
///
/// A pipe, a terminal or a socket that nobody reads blocks its writers. Making it non-blocking would do so for every other program with
/// the same open file (the shell's terminal), so the writing happens where blocking harms nobody. What finds no room meanwhile is dropped
/// and counted, and the count stands where the dropped ones would have stood.
public final class OutputQueue<Item: Sendable>: Sendable {
    /// What the thread is given.
    public enum Entry: Sendable {
        case item(Item)
        /// So many were dropped here.
        case dropped(Int)
    }

    private let shared: Shared

    /// - Parameters:
    ///   - name: the thread's, at most 15 bytes.
    ///   - write: writes one entry, on that thread, which has no privileges; it may block.
    public init(name: String, _ write: @escaping @Sendable (Entry) -> Void) throws(SystemError) {
        let shared = try Shared()
        self.shared = shared
        // Never joined: one that is blocked for ever ends with the process.
        try SystemThread(name: name, stackSize: 256 << 10) {
            SystemThread.giveUpPrivileges()
            shared.run(write)
        }.detach()
    }

    deinit {
        shared.state.withLock { $0.isOver = true }
        shared.filled.signal()
    }

    /// Hands over an item: any thread, at once.
    /// - Parameter limit: how many may wait; beyond that it is dropped.
    public func offer(_ item: Item, limit: Int) {
        shared.state.withLock { $0.offer(item, limit: limit) }
        shared.filled.signal()
    }

    /// Waits until everything has been written.
    /// - Parameter patience: how long at most; not at all while nothing has moved since somebody waited in vain.
    /// - Returns: whether it has.
    @discardableResult
    public func drain(within patience: Interval) -> Bool {
        let end = Clock.now + patience
        while true {
            let (isEmpty, isStuck) = shared.state.withLock { ($0.isEmpty, $0.isStuck) }
            if isEmpty { return true }
            let now = Clock.now
            guard !isStuck, now < end else {
                shared.state.withLock { $0.isStuck = true }
                return false
            }
            // Others may wait too and take the signal: looked at again soon.
            if shared.written.wait(for: min(end.since(now), .milliseconds(20))) { shared.written.clear() }
        }
    }

    private struct State {
        var entries: [Entry] = []
        var dropped = 0
        var isWriting = false
        var isStuck = false
        var isOver = false

        var isEmpty: Bool { entries.isEmpty && dropped == 0 && !isWriting }

        mutating func offer(_ item: Item, limit: Int) {
            guard entries.count < limit else {
                dropped += 1
                return
            }
            noteDropped()
            entries.append(.item(item))
        }

        mutating func take() -> Entry? {
            if entries.isEmpty { noteDropped() }
            guard !entries.isEmpty else { return nil }
            isWriting = true
            return entries.removeFirst()
        }

        private mutating func noteDropped() {
            guard dropped > 0 else { return }
            entries.append(.dropped(dropped))
            dropped = 0
        }
    }

    private final class Shared: Sendable {
        let state = Mutex(State())
        let filled: EventDescriptor
        let written: EventDescriptor

        init() throws(SystemError) {
            filled = try EventDescriptor()
            written = try EventDescriptor()
        }

        func run(_ write: (Entry) -> Void) {
            while true {
                _ = filled.wait(for: nil)
                filled.clear()
                while let entry = state.withLock({ $0.take() }) {
                    write(entry)
                    state.withLock { state in
                        state.isWriting = false
                        state.isStuck = false
                    }
                    written.signal()
                }
                if state.withLock({ $0.isOver }) { return }
            }
        }
    }
}
