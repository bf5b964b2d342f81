/// Which sizes of packets to try, to find the largest that gets through: a burst of sizes at a time, and the gap closes.
public struct ProbeSizes: Hashable, Sendable {
    /// Sizes in one burst.
    public static let burst = 12

    /// The largest that was answered; nil before one was.
    public private(set) var answered: UInt32?
    /// The smallest that wasn't, above what was answered.
    public private(set) var lost: UInt32?
    private let least: UInt32
    private let most: UInt32

    /// - Parameters:
    ///   - least: one that gets through everywhere, in bytes.
    ///   - most: the interface's MTU.
    public init(least: UInt32, most: UInt32) {
        self.least = min(least, most)
        self.most = most
    }

    /// The sizes of the next burst, the least and the most among them in the first; empty when it is known as well as it need be.
    public var next: [UInt32] {
        guard let answered else { return spread(from: least, to: most) }
        guard let lost, lost - answered > 8 else { return [] }
        return spread(from: answered + 1, to: lost - 1)
    }

    private func spread(from first: UInt32, to last: UInt32) -> [UInt32] {
        guard first < last else { return [first] }
        let steps = min(UInt32(Self.burst - 1), last - first)
        return (0...steps).map { first + (last - first) * $0 / steps }
    }

    /// Takes what came of a burst.
    public mutating func take(_ sizes: [UInt32], answered replies: Set<UInt32>) {
        if let largest = sizes.filter(replies.contains).max() { answered = max(answered ?? 0, largest) }
        guard let answered else { return }
        // A small packet that was lost among larger ones that weren't is only bad luck.
        if let smallest = sizes.filter({ !replies.contains($0) && $0 > answered }).min() { lost = min(lost ?? .max, smallest) }
        if let lost, lost <= answered { self.lost = nil }
    }

    /// What is known now; nil before anything was answered.
    public var result: PathProbe? {
        answered.map { PathProbe(largestAnswered: $0, smallestLost: lost) }
    }
}
