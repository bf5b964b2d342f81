/// A JSON value, to be written. Objects keep their order, so that the same state is the same text.
public indirect enum JSON: Sendable {
    case null
    case bool(Bool)
    /// Whole and not negative, as all numbers here are.
    case number(UInt64)
    case string(String)
    case array([JSON])
    /// Nobody looks whether a name stands twice.
    case object([(String, JSON)])

    /// On one line.
    public var text: String {
        var text = ""
        write(into: &text, indent: nil)
        return text
    }

    /// With a line an entry.
    public var indented: String {
        var text = ""
        write(into: &text, indent: 0)
        return text
    }

    private func write(into text: inout String, indent: Int?) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .number(let value): text += String(value)
        case .string(let value): Self.write(value, into: &text)
        case .array(let values): Self.write(values, "[", "]", into: &text, indent) { $0.write(into: &$1, indent: $2) }
        case .object(let members):
            Self.write(members, "{", "}", into: &text, indent) { member, text, indent in
                Self.write(member.0, into: &text)
                text += indent == nil ? ":" : ": "
                member.1.write(into: &text, indent: indent)
            }
        }
    }

    private static func write<Item>(
        _ items: [Item], _ open: String, _ close: String, into text: inout String, _ indent: Int?,
        _ body: (Item, inout String, Int?) -> Void
    ) {
        text += open
        for (index, item) in items.enumerated() {
            if index > 0 { text += "," }
            if let indent { text += "\n" + String(repeating: " ", count: 2 * (indent + 1)) }
            body(item, &text, indent.map { $0 + 1 })
        }
        if let indent, !items.isEmpty { text += "\n" + String(repeating: " ", count: 2 * indent) }
        text += close
    }

    private static func write(_ string: String, into text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
