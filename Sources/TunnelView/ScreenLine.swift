/// A line of a terminal's screen: texts, each in a style.
public struct ScreenLine: Hashable, Sendable {
    /// How a text looks.
    public enum Style: Hashable, Sendable {
        /// Without colours warnings and what is bad are bold, and what is quiet or good is plain.
        case plain, bold, quiet, good, warning, bad, inverse
    }

    struct Piece: Hashable, Sendable {
        var text: String
        var style: Style
    }

    private(set) var pieces: [Piece] = []

    public init(_ text: String = "", _ style: Style = .plain) {
        add(text, style)
    }

    /// Adds to its end.
    mutating func add(_ text: String, _ style: Style = .plain) {
        if !text.isEmpty { pieces.append(Piece(text: text, style: style)) }
    }

    /// Without styles.
    public var text: String { pieces.map(\.text).joined() }

    /// Columns that it takes.
    public var width: Int { pieces.reduce(0) { $0 + Self.width(of: $1.text) } }

    /// As it goes to a terminal, at most `columns` wide.
    public func rendered(columns: Int, isColoured: Bool) -> String {
        var line = ""
        var left = columns
        for piece in pieces where left > 0 {
            let text = Self.clipped(piece.text, to: left)
            left -= Self.width(of: text)
            let code = Self.code(piece.style, isColoured: isColoured)
            line += code.isEmpty ? text : "\u{1b}[\(code)m\(text)\u{1b}[0m"
        }
        return line
    }

    private static func code(_ style: Style, isColoured: Bool) -> String {
        switch style {
        case .plain: ""
        case .bold: "1"
        case .inverse: "7"
        case .quiet: isColoured ? "2" : ""
        case .good: isColoured ? "32" : ""
        case .warning: isColoured ? "33" : "1"
        case .bad: isColoured ? "31" : "1"
        }
    }

    // MARK: Widths

    /// Columns that a text takes on a terminal.
    static func width(of text: String) -> Int {
        text.unicodeScalars.reduce(0) { $0 + width(of: $1) }
    }

    private static func width(of scalar: Unicode.Scalar) -> Int {
        if scalar.value < 0x300 { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: break
        }
        switch scalar.value {
        // East Asian scripts, their full forms, and emoji.
        case 0x1100..<0x1160, 0x2e80..<0x303f, 0x3041..<0xa4d0, 0xac00..<0xd7a4, 0xf900..<0xfb00, 0xfe30..<0xfe70, 0xff00..<0xff61,
            0xffe0..<0xffe7, 0x1f300..<0x1f650, 0x1f680..<0x1f700, 0x1f900..<0x1fb00, 0x20000..<0x3fffe:
            return 2
        default: return 1
        }
    }

    /// As much of a text as fits.
    static func clipped(_ text: String, to columns: Int) -> String {
        guard width(of: text) > columns else { return text }
        var clipped = ""
        var left = columns - 1
        for character in text {
            let width = width(of: String(character))
            guard width <= left else { break }
            clipped.append(character)
            left -= width
        }
        return columns > 0 ? clipped + "…" : ""
    }

    /// A text in a field of exactly `columns`.
    static func field(_ text: String, _ columns: Int, right: Bool = false) -> String {
        let text = clipped(text, to: columns)
        let space = String(repeating: " ", count: max(0, columns - width(of: text)))
        return right ? space + text : text + space
    }
}
