internal import NetworkTypes

/// When to look whether others took away what the tunnel needs, as a function of time: a moment after the first news; while news goes on,
/// ever later, since each look starts programs and lists routes.
struct LookPace: Hashable, Sendable {
    /// A flush comes as many events: one look a moment later sees all of it.
    static let shortest = Interval.milliseconds(100)
    static let longest = Interval.milliseconds(3200)

    /// When to look; nil while there is nothing new.
    private(set) var due: Instant?
    private var pause = shortest
    private var last: Instant?

    /// There is news.
    mutating func hear(at now: Instant) {
        guard due == nil else { return }
        // It was quiet for as long as news may wait: this is a first one again.
        if let last, now.since(last) >= pause { pause = Self.shortest }
        due = now + pause
    }

    /// A look begins, which sees all that was heard so far.
    mutating func look(at now: Instant) {
        due = nil
        last = now
        pause = min(pause + pause, Self.longest)
    }
}
