internal import NetworkTypes
internal import WireGuardCrypto

/// Reads the lines of a configuration file, collecting values and problems.
struct ConfigurationReader {
    var file: ConfigurationFile
    /// The section being read; nil before the first and inside an unknown one.
    private var section: ConfigurationSection?
    /// Whether lines are skipped because their section's name is not known.
    private var skips = false

    init(source: SourceText) {
        file = ConfigurationFile(source: source)
    }

    mutating func read(isReadableByOthers: Bool) -> ConfigurationFile {
        if isReadableByOthers {
            report(
                .warning, "others can read this file, and the private key in it", at: nil, suggestion: "chmod o= \(file.source.name)")
        }
        for number in file.source.lineNumbers { read(line: number) }
        file.check()
        return file
    }

    private mutating func read(line number: Int) {
        let line = file.source.line(number)
        let stripped = line.prefix { $0 != UInt8(ascii: "#") }.trimmed
        guard !stripped.isEmpty else { return }
        if stripped.first == UInt8(ascii: "[") {
            begin(stripped, at: span(stripped, number))
            return
        }
        guard !skips else { return }
        guard let equals = stripped.firstIndex(of: UInt8(ascii: "=")) else {
            report(
                .error, "\(ConfigurationValue.quoted(stripped)) is not a setting", at: span(stripped, number),
                suggestion: "write KEY = VALUE")
            return
        }
        let name = stripped[..<equals].trimmed
        guard let key = ConfigurationKey(name) else {
            reportUnknown(name, at: name.isEmpty ? span(stripped, number) : span(name, number))
            return
        }
        guard let section else {
            report(
                .error, "\(key.rawValue) stands before any section", at: span(name, number),
                suggestion: "write [\(key.section.rawValue)] above it")
            return
        }
        guard key.section == section else {
            report(
                .error, "\(key.rawValue) belongs in [\(key.section.rawValue)], not in [\(section.rawValue)]", at: span(name, number))
            return
        }
        // In a hook, # is the shell's: wg-quick hands it the whole rest of the line.
        let value = key.isHook ? line[(equals + 1)...].trimmed : stripped[(equals + 1)...].trimmed
        let setting = SourceSetting(key: key, span: span(value, number))
        if !key.accumulates, let earlier = file.sections.last!.settings.first(where: { $0.key == key }) {
            report(.warning, "\(key.rawValue) replaces the one in line \(earlier.line)", at: span(name, number))
        }
        file.sections[file.sections.count - 1].settings.append(setting)
        guard !value.isEmpty else {
            if key.hasDefault { return readDefault(of: key, at: span(name, number)) }
            let severity: ConfigurationDiagnostic.Severity = key.accumulates ? .warning : .error
            report(severity, "\(key.rawValue) has no value", at: span(name, number))
            return
        }
        read(setting, value)
    }

    private mutating func begin(_ header: ArraySlice<UInt8>, at span: SourceSpan) {
        let name = header.filter { !isSpace($0) }[...]
        skips = false
        guard let kind = ConfigurationSection.allCases.first(where: { name.equalsIgnoringCase("[\($0.rawValue)]") }) else {
            let bare = name.filter { $0 != UInt8(ascii: "[") && $0 != UInt8(ascii: "]") }[...].text
            let near = NearMiss.nearest(to: bare, among: ConfigurationSection.allCases.map(\.rawValue))
            report(
                .error, "there is no section \(header.text)", at: span,
                suggestion: near.map { "did you mean [\($0)]?" } ?? "the sections are [Interface] and [Peer]")
            skips = true
            section = nil
            file.unknownHeaders.append(span.line)
            return
        }
        section = kind
        file.sections.append(SourceSection(kind: kind, headerLine: span.line))
        if kind == .peer { file.peers.append(PeerConfiguration(header: span)) }
    }

    private mutating func reportUnknown(_ name: ArraySlice<UInt8>, at span: SourceSpan) {
        guard !name.isEmpty else { return report(.error, "there is no key before `=`", at: span) }
        // The nearest name of this section, unless one of the other section is meant letter by letter.
        let here = ConfigurationKey.allCases.filter { section == nil || $0.section == section }.map(\.rawValue)
        let near =
            NearMiss.nearest(to: name.text, among: here)
            ?? NearMiss.nearest(to: name.text, among: ConfigurationKey.allCases.map(\.rawValue))
        report(
            .error, "there is no key \(ConfigurationValue.quoted(name))\(section.map { " in [\($0.rawValue)]" } ?? "")", at: span,
            suggestion: near.map { "did you mean \($0)?" } ?? "the keys here are \(here.joined(separator: ", "))")
    }

    // MARK: Reporting

    func span(_ slice: ArraySlice<UInt8>, _ number: Int) -> SourceSpan {
        let start = file.source.line(number).startIndex
        return SourceSpan(line: number, bytes: (slice.startIndex - start)..<(slice.endIndex - start))
    }

    mutating func report(
        _ severity: ConfigurationDiagnostic.Severity, _ message: String, at span: SourceSpan?, suggestion: String? = nil
    ) {
        file.report(severity, message, at: span, suggestion: suggestion)
    }
}
