/// One problem of a configuration file: where it is, what it is, and what to write instead.
public struct ConfigurationDiagnostic: Error, Hashable, Sendable {
    /// Whether the file can be used in spite of it.
    public enum Severity: Hashable, Sendable, Comparable {
        /// The file works, but probably not as its author thinks.
        case warning
        /// The file cannot be used.
        case error
    }

    public var severity: Severity
    /// What the file is called, as the user wrote it.
    public var file: String
    /// The line, counted from 1; nil for a problem of the whole file.
    public var line: Int?
    /// The column of the first character, counted from 1 in characters.
    public var column: Int?
    /// How many characters the problem spans.
    public var length: Int
    /// What is wrong, beginning with the key: `AllowedIPs: "10.8.0.2/33" is not a prefix: IPv4 lengths end at 32`.
    public var message: String
    /// What to do about it, if there is more to say.
    public var suggestion: String?
    /// The line it is about; a secret in it is blotted out.
    public var sourceLine: String?

    /// The problem in one line, as compilers write it: `file:line:column: message`.
    public var summary: String {
        var place = file
        if let line { place += ":\(line)" }
        if let column { place += ":\(column)" }
        return "\(place): \(severity == .warning ? "warning: " : "")\(message)"
    }
}

extension ConfigurationDiagnostic: CustomStringConvertible {
    /// The summary, the source line with a caret under what is wrong, and the suggestion.
    public var description: String {
        var text = summary
        if let line, let column, let sourceLine {
            let number = String(line)
            let gutter = String(repeating: " ", count: number.count)
            // Tabs stay tabs, so that the caret stands under its character whatever their width.
            let indent = String(sourceLine.prefix(column - 1).map { $0 == "\t" ? "\t" : " " })
            text += "\n  \(number) | \(sourceLine)"
            text += "\n  \(gutter) | \(indent)^\(String(repeating: "~", count: max(0, length - 1)))"
        }
        if let suggestion { text += "\n  \(suggestion)" }
        return text
    }
}

extension ConfigurationDiagnostic {
    /// A problem of a span of `source`. What may be a secret by where it stands is blotted out; a problem of the whole file tells nothing
    /// of its lines.
    init(_ severity: Severity, _ message: String, at span: SourceSpan?, in source: SourceText, suggestion: String? = nil) {
        self.init(severity: severity, file: source.name, length: 0, message: message, suggestion: suggestion)
        guard let span else { return }
        var line = Array(source.line(span.line))
        let shortest = Self.shortestSecret(in: line)
        (self.message, self.suggestion) = (Self.blotted(message, shortest), suggestion.map { Self.blotted($0, shortest) })
        Self.blotKeys(in: &line, from: shortest)
        while let last = line.last, isSpace(last), line.count > span.bytes.upperBound { line.removeLast() }
        self.line = span.line
        column = line.prefix(span.bytes.lowerBound).text.count + 1
        length = max(1, line[span.bytes].text.count)
        // A line may be as long as a file: of a long one there is nothing to see with a caret under it.
        sourceLine = line.count <= Self.longestShownLine ? line[...].text : nil
    }

    /// How long a run of a key's letters is that a line must not show: where a secret may stand, what is left of a damaged key as well; in
    /// the value of another setting only a whole key, written there by mistake; nil where keys are public.
    private static func shortestSecret(in line: [UInt8]) -> Int? {
        guard let key = ConfigurationKey(line.prefix { $0 != UInt8(ascii: "=") }.trimmed) else { return 24 }
        if key == .publicKey { return nil }
        return key.isSecret ? 24 : KeyText.base64Size - 1
    }

    /// Blots out what is or may be a secret of a line that is kept: the values of keys that are secret, and whole keys in comments.
    static func blotSecrets(in line: inout [UInt8]) {
        let key = ConfigurationKey(line.prefix { $0 != UInt8(ascii: "=") }.trimmed)
        if key != .publicKey { blotKeys(in: &line, from: KeyText.base64Size - 1) }
    }

    private static func blotted(_ text: String, _ shortest: Int?) -> String {
        var bytes = Array(text.utf8)
        blotKeys(in: &bytes, from: shortest)
        return bytes[...].text
    }

    /// Blots out runs of key letters of that length, and the value of a secret's own key.
    private static func blotKeys(in line: inout [UInt8], from shortest: Int?) {
        guard let shortest else { return }
        var start = line.startIndex
        for i in line.startIndex...line.endIndex {
            if i < line.endIndex, isKeyLetter(line[i]) { continue }
            if i - start >= shortest { for j in start..<i { line[j] = UInt8(ascii: "*") } }
            start = i + 1
        }
        // The value of a secret's own key goes even if it is shorter.
        let name = line.prefix { $0 != UInt8(ascii: "=") }
        guard ConfigurationKey(name.trimmed)?.isSecret ?? false else { return }
        for i in name.endIndex..<line.endIndex where i > name.endIndex && !isSpace(line[i]) { line[i] = UInt8(ascii: "*") }
    }

    private static let longestShownLine = 1000

    private static func isKeyLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "+"), UInt8(ascii: "/"):
            true
        default: false
        }
    }
}
