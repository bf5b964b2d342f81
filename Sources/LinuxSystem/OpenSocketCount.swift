import Synchronization

/// How many sockets there are that were opened with this, for who waits until all are closed: whoever held one last closes it, on whatever
/// thread that is, and before that its port isn't free.
public final class OpenSocketCount: Sendable {
    private let count = Atomic<Int>(0)

    public init() {}

    /// Whether all are closed.
    public var isZero: Bool { count.load(ordering: .acquiring) == 0 }

    func opened() { count.add(1, ordering: .relaxed) }

    func closed() { count.subtract(1, ordering: .releasing) }
}
