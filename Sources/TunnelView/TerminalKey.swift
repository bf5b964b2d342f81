/// A key that a terminal sends.
public enum TerminalKey: Hashable, Sendable {
    /// What prints, of ASCII.
    case character(Character)
    /// Enter is also Ctrl-J, and Escape the backspace key.
    case up, down, pageUp, pageDown, home, end, enter, escape, tab
    /// Ctrl-C and Ctrl-D.
    case interrupt
    /// Ctrl-Z.
    case suspend
    /// Ctrl-L.
    case redraw

    /// The keys that bytes read from a terminal stand for. A sequence comes in one piece; what isn't known of them is passed over.
    public static func keys(in bytes: [UInt8]) -> [TerminalKey] {
        var keys: [TerminalKey] = []
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            switch byte {
            case 0x1b: if let key = sequence(&rest) { keys.append(key) }
            case 0x03, 0x04: keys.append(.interrupt)
            case 0x0c: keys.append(.redraw)
            case 0x1a: keys.append(.suspend)
            case 0x09: keys.append(.tab)
            case 0x0a, 0x0d: keys.append(.enter)
            case 0x08, 0x7f: keys.append(.escape)
            case 0x20..<0x7f: keys.append(.character(Character(Unicode.Scalar(byte))))
            default: break
            }
        }
        return keys
    }

    /// What follows an escape character; alone it is the key of that name.
    private static func sequence(_ rest: inout ArraySlice<UInt8>) -> TerminalKey? {
        guard let kind = rest.first, kind == UInt8(ascii: "[") || kind == UInt8(ascii: "O") else { return .escape }
        rest.removeFirst()
        var digits = ""
        while let byte = rest.popFirst() {
            switch Character(Unicode.Scalar(byte)) {
            case "A": return .up
            case "B": return .down
            case "H": return .home
            case "F": return .end
            case "~":
                switch digits {
                case "1", "7": return .home
                case "4", "8": return .end
                case "5": return .pageUp
                case "6": return .pageDown
                default: return nil
                }
            case let character where character.isNumber || character == ";": digits.append(character)
            default: return nil
            }
        }
        return nil
    }
}
