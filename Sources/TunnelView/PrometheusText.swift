/// Prometheus' text format: metrics with their help and type, each with its samples.
///
/// Source: "Exposition formats", prometheus.io, text format 0.0.4. Samples of one metric have to stand together.
public struct PrometheusText: Sendable {
    /// What a metric's values mean.
    public enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    /// The text so far.
    public private(set) var text = ""

    /// Nothing yet.
    public init() {}

    /// The media type to serve it as.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Begins a metric; its samples follow.
    public mutating func metric(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    /// A sample of the metric begun last.
    public mutating func sample(_ name: String, _ labels: [(String, String)] = [], _ value: UInt64) {
        sample(name, labels, text: "\(value)")
    }

    /// A sample in seconds.
    /// - Parameter nanoseconds: the value.
    public mutating func sample(_ name: String, _ labels: [(String, String)] = [], nanoseconds: UInt64) {
        sample(name, labels, text: Self.seconds(nanoseconds))
    }

    private mutating func sample(_ name: String, _ labels: [(String, String)], text value: String) {
        text += name
        if !labels.isEmpty { text += "{" + labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",") + "}" }
        text += " \(value)\n"
    }

    /// The samples of one histogram.
    /// - Parameters:
    ///   - buckets: upper bounds, as they are written, each with the count of its bucket alone; the last has no bound.
    ///   - sum: as it is written.
    public mutating func histogram(_ name: String, _ labels: [(String, String)], buckets: [(bound: String?, count: UInt64)], sum: String) {
        var total: UInt64 = 0
        for (bound, count) in buckets {
            total += count
            if let bound { sample("\(name)_bucket", labels + [("le", bound)], total) }
        }
        sample("\(name)_bucket", labels + [("le", "+Inf")], total)
        sample("\(name)_sum", labels, text: sum)
        sample("\(name)_count", labels, total)
    }

    /// Nanoseconds as a decimal number of seconds, without rounding.
    static func seconds(_ nanoseconds: UInt64) -> String {
        let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        guard rest > 0 else { return "\(whole)" }
        var digits = "\(1_000_000_000 + rest)".dropFirst()
        while digits.last == "0" { digits = digits.dropLast() }
        return "\(whole).\(digits)"
    }

    /// A label's value: backslash, quotation mark and line end are escaped.
    static func escaped(_ value: String) -> String {
        guard value.utf8.contains(where: { [UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "\n")].contains($0) }) else {
            return value
        }
        var escaped = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
