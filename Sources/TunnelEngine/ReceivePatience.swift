internal import NetworkTypes

/// Whether a socket that is said to be readable is worth asking: one that is ready again and again and gives nothing is left alone for a
/// moment each time, so that no fault of the system keeps a processor busy.
///
/// Datagrams with a wrong UDP checksum look the same: somebody who sends them can make us pause. So the pauses are short.
struct ReceivePatience {
    /// So often in a row it may give nothing.
    static let fruitlessTurns = 64
    static let pause = Interval.milliseconds(50)
    /// From so many pauses on, a second, it is worth a line in the log where the kernel gives no reason.
    static let pausesWorthTelling = 20

    enum Verdict: Hashable {
        case goOn
        /// Leave it alone until ``pausedUntil``.
        case pause(isWorthTelling: Bool)
        /// It gives datagrams again, and somebody was told that it doesn't.
        case over
    }

    /// When to ask it again; nil while it is asked whenever it is ready.
    private(set) var pausedUntil: Instant?
    private var fruitless = 0
    private var pauses = 0
    private var isTold = false

    /// The socket was ready and was asked.
    /// - Parameters:
    ///   - wasFruitful: whether anything came of it: datagrams, or errors of earlier sends.
    ///   - error: the errno of a receive that failed, else 0.
    ///   - now: the time.
    mutating func asked(wasFruitful: Bool, error: Int32, at now: Instant) -> Verdict {
        guard !wasFruitful else {
            defer { self = ReceivePatience() }
            return isTold ? .over : .goOn
        }
        fruitless += 1
        guard fruitless >= Self.fruitlessTurns || pauses > 0 else { return .goOn }
        fruitless = 0
        pauses += 1
        pausedUntil = now + Self.pause
        let isWorthTelling = !isTold && (error != 0 || pauses >= Self.pausesWorthTelling)
        isTold = isTold || isWorthTelling
        return .pause(isWorthTelling: isWorthTelling)
    }

    /// Whether the pause is over; then it is asked again.
    mutating func resumes(at now: Instant) -> Bool {
        guard let end = pausedUntil, now >= end else { return false }
        pausedUntil = nil
        return true
    }
}
