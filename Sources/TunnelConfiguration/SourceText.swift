/// A stretch of one line of a configuration file.
public struct SourceSpan: Hashable, Sendable {
    /// The line, counted from 1.
    public var line: Int
    /// The bytes of the line, counted from 0.
    public var bytes: Range<Int>
}

/// A value with the place it was read from.
public struct Located<Value> {
    public var value: Value
    /// Where it is written: the value without its key, of a list the one entry.
    public var span: SourceSpan

    init(_ value: Value, at span: SourceSpan) {
        self.value = value
        self.span = span
    }
}

extension Located: Sendable where Value: Sendable {}
extension Located: Equatable where Value: Equatable {}
extension Located: Hashable where Value: Hashable {}

/// A file's lines as they were written, to read from, to point into and to edit without disturbing the rest.
struct SourceText: Sendable {
    /// What diagnostics call the file.
    let name: String
    /// All of it.
    let text: SecretText
    /// Where the lines stand, without their `\n`.
    private let ranges: [Range<Int>]
    let endsWithNewline: Bool
    /// Whether a byte order mark stands in front.
    let hasByteOrderMark: Bool
    /// Whether lines end as in files of other systems: with a carriage return.
    let hasCarriageReturns: Bool

    init(name: String, bytes: [UInt8]) {
        self.name = name
        // Editors of other systems put a byte order mark first; it belongs to no line.
        hasByteOrderMark = bytes.starts(with: Self.byteOrderMark)
        let content = bytes.dropFirst(hasByteOrderMark ? Self.byteOrderMark.count : 0)
        endsWithNewline = content.last == UInt8(ascii: "\n")
        var lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        ranges = lines.map(\.indices)
        hasCarriageReturns = lines.first?.last == UInt8(ascii: "\r")
        text = SecretText(bytes)
    }

    static let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]

    /// The numbers of the lines, from 1.
    var lineNumbers: Range<Int> { 1..<(ranges.count + 1) }

    /// The same lines, each of what `body` makes of it in place; it may not change its length.
    func mapping(_ body: (inout [UInt8]) -> Void) -> SourceText {
        var bytes = hasByteOrderMark ? Self.byteOrderMark : []
        // Without growing: what is copied has secrets until `body` has seen it.
        bytes.reserveCapacity((ranges.last?.upperBound ?? 0) + 1)
        for number in lineNumbers {
            var line = Array(line(number))
            body(&line)
            bytes += line
            bytes.append(UInt8(ascii: "\n"))
        }
        if !endsWithNewline, !ranges.isEmpty { bytes.removeLast() }
        return SourceText(name: name, bytes: bytes)
    }

    /// The line with this number, from 1.
    func line(_ number: Int) -> ArraySlice<UInt8> {
        text.bytes[ranges[number - 1]]
    }

    /// The bytes of a span.
    func bytes(_ span: SourceSpan) -> ArraySlice<UInt8> {
        let line = line(span.line)
        return line[(line.startIndex + span.bytes.lowerBound)..<(line.startIndex + span.bytes.upperBound)]
    }
}

/// What both of WireGuard's readers call white space.
func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0d).contains(byte)
}

extension ArraySlice<UInt8> {
    /// Without white space at either end.
    var trimmed: ArraySlice<UInt8> {
        guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
            return self[startIndex..<startIndex]
        }
        return self[first...last]
    }

    var text: String {
        String(decoding: self, as: UTF8.self)
    }

    /// Whether it is `text` but for the case of ASCII letters.
    func equalsIgnoringCase(_ text: String) -> Bool {
        count == text.utf8.count && zip(self, text.utf8).allSatisfy { lowercased($0) == lowercased($1) }
    }
}

func lowercased(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}
