internal import NetworkTypes
internal import TunnelCore
internal import WireGuardCrypto

/// The figures as lines of words, as they go over the control channel. Lines whose first word is unknown are passed over, so that a later
/// version can say more.
///
/// ```
/// at UNIX_NANOSECONDS INTERVAL_NANOSECONDS
/// stage out|in NAME PACKETS BYTES BATCHES NANOSECONDS SIZE,… TIME,…
/// latency out|in COUNT,…
/// queue NAME USED CAPACITY LOSSES
/// offload NAME true|false DETAIL
/// drop REASON COUNT [PEER in hexadecimal]
/// ```
extension PathFigures {
    /// Lines of words, for whoever asks over the control socket; private to one version.
    public var text: String {
        var lines = ["at \(unixNanoseconds) \(interval.nanoseconds)"]
        for direction in PathDirection.allCases {
            for (name, stage) in zip(direction.stageNames, self[direction].stages) {
                let words: [UInt64] = [stage.packets, stage.bytes, stage.batches, stage.time.nanoseconds]
                lines.append(
                    "stage \(direction.word) \(name) \(words.map { "\($0)" }.joined(separator: " ")) "
                        + "\(Self.list(stage.batchSizes.counts)) \(Self.list(stage.times.counts))")
            }
            lines.append("latency \(direction.word) \(Self.list(self[direction].latency.counts))")
        }
        lines += queues.map { "queue \($0.name) \($0.used) \($0.capacity) \($0.losses)" }
        lines += offloads.map { "offload \($0.name) \($0.isInUse) \($0.detail)" }
        lines += drops.map { "drop \($0.reason.name) \($0.count)\($0.peer.map { " \($0.hexadecimal)" } ?? "")" }
        return lines.map { "\($0)\n" }.joined()
    }

    /// Reads what ``text`` wrote; nil for anything else.
    public init?(text: String) {
        var figures: PathFigures?
        // By bytes: to Swift a return before a line end makes another character of it.
        for line in text.utf8.split(separator: UInt8(ascii: "\n")).map(Substring.init) {
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            if words.first == "at", words.count == 3, let now = UInt64(words[1]), let interval = UInt64(words[2]) {
                figures = PathFigures(unixNanoseconds: now, interval: Interval(nanoseconds: interval))
                continue
            }
            guard var current = figures, current.take(words) else { return nil }
            figures = current
        }
        guard let figures else { return nil }
        self = figures
    }

    /// Takes a line in; false if it can't be.
    private mutating func take(_ words: [Substring]) -> Bool {
        switch words.first {
        case "stage":
            guard words.count == 9, let direction = PathDirection(word: words[1]),
                let stage = direction.stageNames.firstIndex(of: String(words[2])), let figures = StageFigures(words[3...])
            else { return false }
            self[direction].stages[stage] = figures
        case "latency":
            guard words.count == 3, let direction = PathDirection(word: words[1]),
                let counts: InlineArray<36, UInt64> = Self.counts(words[2])
            else { return false }
            self[direction].latency.counts = counts
        case "queue":
            guard words.count == 5, let used = UInt64(words[2]), let capacity = UInt64(words[3]), let losses = UInt64(words[4]) else {
                return false
            }
            queues.append(QueueFigures(name: String(words[1]), used: used, capacity: capacity, losses: losses))
        case "offload":
            guard words.count >= 4, let isInUse = Bool(String(words[2])) else { return false }
            offloads.append(
                OffloadFigures(name: String(words[1]), isInUse: isInUse, detail: words[3...].joined(separator: " ")))
        case "drop":
            guard words.count == 3 || words.count == 4, let count = UInt64(words[2]) else { return false }
            // One that only another version knows.
            guard let reason = DropReason(name: words[1]) else { return true }
            let peer = words.count == 4 ? PublicKey(hexadecimal: words[3]) : nil
            guard words.count == 3 || peer != nil else { return false }
            drops.append(DropFigures(reason, peer: peer, count: count))
        default: break
        }
        return true
    }

    private static func list<let count: Int>(_ counts: InlineArray<count, UInt64>) -> String {
        // Most buckets at the end are empty.
        let end = counts.indices.last { counts[$0] != 0 }.map { $0 + 1 } ?? 0
        return end == 0 ? "0" : (0..<end).map { "\(counts[$0])" }.joined(separator: ",")
    }

    fileprivate static func counts<let count: Int>(_ word: Substring) -> InlineArray<count, UInt64>? {
        var counts = InlineArray<count, UInt64>(repeating: 0)
        for (index, number) in word.split(separator: ",", omittingEmptySubsequences: false).enumerated() {
            guard index < count, let value = UInt64(number) else { return nil }
            counts[index] = value
        }
        return counts
    }
}

extension StageFigures {
    fileprivate init?(_ words: ArraySlice<Substring>) {
        let numbers = words.prefix(4).compactMap { UInt64($0) }
        guard words.count == 6, numbers.count == 4,
            let sizes: InlineArray<9, UInt64> = PathFigures.counts(words[words.startIndex + 4]),
            let times: InlineArray<36, UInt64> = PathFigures.counts(words[words.startIndex + 5])
        else { return nil }
        (packets, bytes, batches) = (numbers[0], numbers[1], numbers[2])
        time = Interval(nanoseconds: numbers[3])
        batchSizes.counts = sizes
        self.times.counts = times
    }
}

extension PathDirection {
    /// Reads ``word``.
    public init?(word: some StringProtocol) {
        guard let direction = Self.allCases.first(where: { $0.word == word }) else { return nil }
        self = direction
    }
}

extension PublicKey {
    /// 64 digits.
    var hexadecimal: String {
        unsafe withUnsafeBytes { bytes in
            unsafe bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }

    init?(hexadecimal text: some StringProtocol) {
        let digits = text.utf8.map { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count == 2 * Self.count, !digits.contains(nil) else { return nil }
        self.init(bytes: InlineArray { UInt8(digits[2 * $0]! << 4 | digits[2 * $0 + 1]!) })
    }
}
