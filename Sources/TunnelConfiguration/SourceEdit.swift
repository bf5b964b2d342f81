/// Changes to the lines of a file, collected against their original numbers.
struct SourceEdit {
    private let file: ConfigurationFile
    private var source: SourceText { file.source }
    private var replaced: [Int: SecretText] = [:]
    private var removed: Set<Int> = []
    private var inserted: [Int: [SecretText]] = [:]
    private var appended: [SecretText] = []

    init(_ file: ConfigurationFile) {
        self.file = file
    }

    /// Gives `key` a value in these sections, which count as one: its last line changes in place, other lines of it go, a missing one is
    /// added to the last of them.
    mutating func set(_ key: ConfigurationKey, to value: SecretText?, in sections: [Int]) {
        let lines = sections.flatMap { file.sections[$0].settings.filter { $0.key == key } }
        for setting in lines.dropLast() { removed.insert(setting.line) }
        if let last = lines.last {
            guard let value else {
                _ = removed.insert(last.line)
                return
            }
            replace(last.span, with: value)
        } else if let value {
            insert(key, value, in: sections)
        }
    }

    /// Changes the entries of a list that stands in these sections; those that stay keep their lines.
    /// - Parameters:
    ///   - entries: where the list's entries stand now.
    ///   - gone: which of them go, by their places in `entries`.
    ///   - new: what comes, behind the last that stays.
    mutating func change(
        _ key: ConfigurationKey, entries: [SourceSpan], removing gone: Set<Int>, adding new: [String], in sections: [Int]
    ) {
        guard !gone.isEmpty || !new.isEmpty else { return }
        let settings = sections.flatMap { file.sections[$0].settings.filter { $0.key == key } }
        let places = Dictionary(grouping: entries.indices) { entries[$0].line }
        let keepers = settings.filter { places[$0.line, default: []].contains { !gone.contains($0) } }
        // New ones go to the last line that keeps some, else in the place of the last.
        let target = (keepers.last ?? settings.last)?.line
        for setting in settings {
            let own = places[setting.line, default: []]
            let kept = own.filter { !gone.contains($0) }
            let coming = setting.line == target ? new : []
            guard kept.count < own.count || !coming.isEmpty else { continue }
            let text = source.bytes(setting.span).text
            let staying =
                kept.count < own.count ? kept.map { source.bytes(entries[$0]).trimmed.text } : text.isEmpty ? [] : [text]
            if staying.isEmpty, coming.isEmpty {
                removed.insert(setting.line)
            } else {
                replace(setting.span, with: SecretText((staying + coming).joined(separator: ", ")))
            }
        }
        if target == nil { insert(key, SecretText(new.joined(separator: ", ")), in: sections) }
    }

    /// Removes a section with the comments directly above its header, but not those above the next one.
    mutating func remove(section: Int) {
        let first = firstLine(file.sections[section].headerLine, after: section > 0 ? file.sections[section - 1].lastLine : 0)
        let next = section + 1 < file.sections.count ? file.sections[section + 1].headerLine : nil
        let end = ([next].compactMap { $0 } + file.unknownHeaders.filter { $0 > first }).min()
        removed.formUnion(first..<(end.map { firstLine($0, after: file.sections[section].lastLine) } ?? source.lineNumbers.upperBound))
    }

    mutating func append(lines: [SecretText]) {
        appended += lines
    }

    private mutating func replace(_ span: SourceSpan, with value: SecretText) {
        let line = source.line(span.line)
        replaced[span.line] = SecretText(
            joining: [line.prefix(span.bytes.lowerBound), value.bytes[...], line.dropFirst(span.bytes.upperBound)])
    }

    private mutating func insert(_ key: ConfigurationKey, _ value: SecretText, in sections: [Int]) {
        guard let last = sections.last else { return }
        inserted[file.sections[last].lastLine, default: []].append(SecretText(setting: key, to: value))
    }

    /// The header's line, or that of the first comment that belongs to it.
    private func firstLine(_ header: Int, after floor: Int) -> Int {
        var line = header
        while line - 1 > floor, source.line(line - 1).trimmed.first == UInt8(ascii: "#") { line -= 1 }
        return line
    }

    func result() -> SecretText {
        var parts: [ArraySlice<UInt8>] = source.hasByteOrderMark ? [SourceText.byteOrderMark[...]] : []
        let newline: ArraySlice<UInt8> = [UInt8(ascii: "\n")]
        let end: ArraySlice<UInt8> = source.hasCarriageReturns ? [UInt8(ascii: "\r"), UInt8(ascii: "\n")] : newline
        for number in source.lineNumbers {
            if !removed.contains(number) { parts += [replaced[number].map { $0.bytes[...] } ?? source.line(number), newline] }
            for line in inserted[number] ?? [] { parts += [line.bytes[...], end] }
        }
        for line in appended { parts += [line.bytes[...], end] }
        let isOpen = !source.endsWithNewline && appended.isEmpty && inserted[source.lineNumbers.count] == nil && !source.lineNumbers.isEmpty
        if isOpen, parts.last == newline { parts.removeLast() }
        return SecretText(joining: parts)
    }
}

extension SecretText {
    /// A line of a file.
    init(setting key: ConfigurationKey, to value: SecretText) {
        self.init(joining: [Array("\(key.rawValue) = ".utf8)[...], value.bytes[...]])
    }
}
