internal import LinuxSystem

/// Nanoseconds that a piece of work takes, best of several rounds: what disturbs a measurement only ever makes it longer.
func nanoseconds(each count: Int, rounds: Int = 5, _ body: () -> Void) -> Double {
    var best = Double.infinity
    for _ in 0..<rounds {
        let start = Clock.monotonicNanoseconds
        body()
        best = min(best, Double(Clock.monotonicNanoseconds - start) / Double(count))
    }
    return best
}

/// `value` with one digit behind the point, in `width` columns.
func column(_ value: Double, _ width: Int = 12) -> String {
    let tenths = Int((value * 10).rounded())
    return column("\(tenths / 10).\(tenths % 10)", width)
}

/// `text` to the right of `width` columns.
func column(_ text: String, _ width: Int = 12) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
}
