internal import NetworkTypes
internal import TunnelCore
internal import WireGuardCrypto

/// Holds back that a peer's endpoint is routed into the tunnel until it has been so for a moment: while a tunnel comes up its routes are
/// there before those that lead around it.
struct LoopNews {
    static let patience = Interval.seconds(1)

    private var waiting: [(news: PathNews, due: Instant)] = []

    /// When ``take(at:)`` has something to tell; nil while it hasn't.
    var due: Instant? { waiting.first?.due }

    /// Takes in what was found at `now`.
    /// - Returns: what is to be told at once.
    mutating func add(_ news: [PathNews], at now: Instant) -> [PathNews] {
        news.filter { item in
            switch item.kind {
            case .loopBegins:
                waiting.append((item, now + Self.patience))
                return false
            case .loopEnds:
                let before = waiting.count
                waiting.removeAll { $0.news.publicKey == item.publicKey }
                return waiting.count == before
            case .sendingFails, .sendingWorks:
                return true
            }
        }
    }

    /// What has been so for long enough.
    mutating func take(at now: Instant) -> [PathNews] {
        let count = waiting.prefix { $0.due <= now }.count
        defer { waiting.removeFirst(count) }
        return waiting.prefix(count).map(\.news)
    }
}
