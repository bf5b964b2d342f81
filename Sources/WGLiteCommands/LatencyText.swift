/// How long packets stayed in the tunnel, and in which stages, in a person's words.
struct LatencyText {
    private let counters: [(name: String, value: UInt64)]

    /// - Parameter counters: a tunnel's own figures; other implementations have none.
    init(_ counters: [(name: String, value: UInt64)]) {
        self.counters = counters
    }

    /// A line for each direction that packets have gone.
    var lines: [String] {
        [("out", "on their way out"), ("in", "on their way in")].compactMap { direction, words in
            guard let median = value("latency_\(direction)_50_ns"), let most = value("latency_\(direction)_99_ns") else { return nil }
            return "  packets \(words) take \(Self.text(median)), 99 % at most \(Self.text(most)): \(shares(direction))"
        }
    }

    private func value(_ name: String) -> UInt64? {
        counters.first { $0.name == name }?.value
    }

    /// The stages and their shares of the time, in the order in which a packet meets them.
    private func shares(_ direction: String) -> String {
        let prefix = "time_\(direction)_"
        let stages = counters.filter { $0.name.hasPrefix(prefix) }
        let total = max(1, stages.reduce(0) { $0 + $1.value })
        return stages.map { stage in
            let name = stage.name.dropFirst(prefix.count).split(separator: "_").first ?? ""
            return "\(name) \((stage.value * 100 + total / 2) / total) %"
        }.joined(separator: ", ")
    }

    /// Nanoseconds in the unit that suits them, to two figures or more.
    static func text(_ nanoseconds: UInt64) -> String {
        switch nanoseconds {
        case ..<1000: "\(nanoseconds) ns"
        case ..<10_000_000: "\((nanoseconds + 500) / 1000) µs"
        default: "\((nanoseconds + 500_000) / 1_000_000) ms"
        }
    }
}
