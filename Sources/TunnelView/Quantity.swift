/// Numbers for people, short: three digits where it can be, with the unit that suits them.
public enum Quantity {
    /// `0`, `7`, `123`, `1.23k`, `45.6M`.
    public static func count(_ value: Double) -> String {
        guard value.isFinite, value > 0 else { return "0" }
        if value < 10, value != value.rounded() { return fixed(value, 1) }
        if value < 999.5 { return "\(Int(value.rounded()))" }
        var scaled = value
        var unit = 0
        let units = ["", "k", "M", "G", "T", "P", "E"]
        while scaled >= 999.5, unit < units.count - 1 {
            scaled /= 1000
            unit += 1
        }
        return digits(scaled) + units[unit]
    }

    /// Bits a second: `0 b/s`, `1.23 Mb/s`.
    public static func bitRate(bytesPerSecond: Double) -> String {
        let text = count(bytesPerSecond * 8)
        guard let last = text.last, last.isLetter else { return "\(text) b/s" }
        return "\(text.dropLast()) \(last)b/s"
    }

    /// Bytes: `0 B`, `1.23 MB`.
    public static func bytes(_ value: UInt64) -> String {
        let text = count(Double(value))
        guard let last = text.last, last.isLetter else { return "\(text) B" }
        return "\(text.dropLast()) \(last)B"
    }

    /// A time: `85 ns`, `1.2 µs`, `12 ms`, `3.4 s`.
    public static func time(nanoseconds: Double) -> String {
        switch nanoseconds {
        case ..<999.5: "\(Int(max(0, nanoseconds).rounded())) ns"
        case ..<999_500: "\(digits(nanoseconds / 1000)) µs"
        case ..<999_500_000: "\(digits(nanoseconds / 1e6)) ms"
        default: "\(digits(nanoseconds / 1e9)) s"
        }
    }

    /// A share: `0 %`, `0.3 %`, `45 %`.
    public static func share(_ value: Double) -> String {
        let percent = value.isFinite ? max(0, value * 100) : 0
        return percent > 0 && percent < 9.95 ? "\(fixed(percent, 1)) %" : "\(Int(percent.rounded())) %"
    }

    /// Three digits, as many of them behind the point as that leaves.
    private static func digits(_ value: Double) -> String {
        value < 9.995 ? fixed(value, 2) : value < 99.95 ? fixed(value, 1) : "\(Int(value.rounded()))"
    }

    private static func fixed(_ value: Double, _ decimals: Int) -> String {
        let scale = decimals == 1 ? 10 : 100
        let scaled = Int((value * Double(scale)).rounded())
        let rest = "\(scaled % scale)"
        return "\(scaled / scale)." + String(repeating: "0", count: decimals - rest.count) + rest
    }
}
