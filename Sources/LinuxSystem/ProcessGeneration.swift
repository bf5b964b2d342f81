internal import CLinuxShims

/// Which process, of those that fork(2) copied from one another, something was made in.
///
/// A child shares its parent's events, pollers and sockets: what it signals, takes out or reads there its parent feels. So whoever has such
/// remembers where it was made, and leaves it alone in a child. It counts pthread_atfork's calls, so it doesn't see a bare clone(2).
public struct ProcessGeneration: Hashable, Sendable {
    private let count: UInt32

    /// The calling process.
    public init() {
        clinux_count_forks()
        count = clinux_fork_count()
    }

    /// Whether this still is that process, and not a child.
    public var isCurrent: Bool { count == clinux_fork_count() }
}
