/// Text of somebody else's, made fit for a terminal or a line of a log.
///
/// A file, a socket or the network may hold anything: sequences that move the cursor, lines that look like ours, text that runs
/// backwards. What is shown of it goes through here.
public enum TerminalText {
    /// `text` with everything but visible characters and spaces escaped: `\n`, `\t`, `\e`, otherwise `\u{…}`.
    public static func escaped(_ text: String) -> String {
        text.unicodeScalars.contains(where: needsEscape) ? escaped(text, keepingLines: false) : text
    }

    /// The same, but line ends and tabs stay: for text of several lines, each of which is shown on one of its own.
    public static func escapedLines(_ text: String) -> String {
        escaped(text, keepingLines: true)
    }

    private static func escaped(_ text: String, keepingLines: Bool) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            guard needsEscape(scalar), !(keepingLines && (scalar == "\n" || scalar == "\t")) else {
                result.unicodeScalars.append(scalar)
                continue
            }
            switch scalar {
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            case "\u{1b}": result += "\\e"
            default: result += "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
        return result
    }

    /// Controls, marks that change the direction of writing, separators of lines, and what no font shows.
    private static func needsEscape(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20..<0x7f: false
        case 0..<0x20, 0x7f..<0xa0: true
        default:
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: true
            default: false
            }
        }
    }
}
