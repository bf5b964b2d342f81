internal import Synchronization

/// Whether a tunnel's setup is over.
final class Stage: Sendable {
    private let entered = Atomic(false)

    var isUp: Bool { entered.load(ordering: .acquiring) }

    func enter() { entered.store(true, ordering: .releasing) }
}
