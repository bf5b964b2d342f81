internal import NetworkTypes

/// When to ask the routing table about all peers, as a function of time: at once when there is news, and once more when it has settled.
///
/// The second look is needed: the kernel tells of an IPv4 route's end before it takes the route away (fib_table_delete), and of a link's
/// before its routes go (__dev_notify_flags), so that a quick first look can still be answered with what is just going.
struct RoutePace: Hashable, Sendable {
    /// How long after the last news the last look is.
    static let settling = Interval.milliseconds(100)
    /// The least time between two looks: a change of the network is many messages. After a look that cost much it is ``restFactor``
    /// times as long as the processor time that it took.
    static let shortestRest = Interval.milliseconds(50)
    static let restFactor: UInt64 = 4

    /// When to look; nil while nothing is new.
    private(set) var due: Instant?
    private var settled: Instant?
    private var notBefore: Instant?

    /// Whether more news would bring the next look no nearer.
    var isAwake: Bool { due != nil && due != settled }

    /// There is news.
    mutating func hear(at now: Instant) {
        let next = max(now, notBefore ?? now)
        due = min(due ?? next, next)
        settled = now + Self.settling
    }

    /// A look is over, which saw everything that was told until it began.
    mutating func looked(from start: Instant, to end: Instant, processorTime: Interval) {
        let next = end + max(Self.shortestRest, Interval(nanoseconds: processorTime.nanoseconds * Self.restFactor))
        notBefore = next
        if let settled, start < settled {
            due = max(settled, next)
            self.settled = due
        } else {
            due = nil
            settled = nil
        }
    }
}
