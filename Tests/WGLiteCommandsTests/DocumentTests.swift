import ArgumentParser
import Foundation
import Testing

@testable import WGLiteCommands

/// What the documents name: each command, option and script must be there.
@Suite struct DocumentTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// README, the articles and the examples of the tree, and the manual pages as they are written.
    private static let documents: [(name: String, text: String)] = {
        let found = ["Sources", "configs"].flatMap { directory in
            (FileManager.default.subpaths(atPath: root.appendingPathComponent(directory).path) ?? []).map { "\(directory)/\($0)" }
        }
        let paths = ["README.md"] + found.filter { $0.hasSuffix(".md") || $0.hasPrefix("configs/") }.sorted()
        let files = paths.compactMap { path in
            (try? String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)).map { (path, $0) }
        }
        let pages = ManualPage.commands.map { ("wg-lite-\($0._commandName)", $0.configuration.discussion) }
        return files + pages + [("wg-lite", WGLiteCommand.overview)]
    }()

    /// What stands in a document between two backticks or on a line, from `word` on.
    private static func uses(of word: String, in text: String) -> [Substring] {
        var found: [Substring] = []
        for line in text.split(separator: "\n") {
            for span in line.split(separator: "`") {
                for range in span.ranges(of: word) {
                    let isFirst = range.lowerBound == span.startIndex
                    if isFirst || " (/;|\"".contains(span[span.index(before: range.lowerBound)]) { found.append(span[range.upperBound...]) }
                }
            }
        }
        return found
    }

    /// What follows the program's name in code between two backticks.
    private static func code(in text: String) -> [Substring] {
        var found: [Substring] = []
        for line in text.split(separator: "\n") {
            let spans = line.split(separator: "`", omittingEmptySubsequences: false)
            for (position, span) in spans.enumerated() where !position.isMultiple(of: 2) {
                for name in ["wg-lite ", "sudo wg-lite "] where span.hasPrefix(name) { found.append(span.dropFirst(name.count)) }
            }
        }
        return found
    }

    /// Options among words, up to what another program is handed, a comment, or the next command.
    private static func options(in words: Substring) -> [Substring] {
        let own = words.prefix { !"|;&#,()".contains($0) }.split(separator: " ").prefix { $0 != "--" }
        return own.filter { $0.hasPrefix("--") }.map { $0.prefix { $0 == "-" || $0.isLetter } }
    }

    @Test func `every command and option that a document names is one of the program's`() throws {
        var count = 0
        for (name, text) in Self.documents {
            for use in Self.uses(of: "wg-lite ", in: text) {
                let command = use.prefix { $0.isLowercase && $0.isASCII }
                let rest = use.dropFirst(command.count)
                // Device names have digits, sentences go on with other words.
                guard let described = ManualPage.commands.first(where: { $0._commandName == command }),
                    rest.first.map({ " |\n".contains($0) }) ?? true
                else { continue }
                count += 1
                let help = WGLiteCommand.helpMessage(for: described, columns: 1000)
                for option in Self.options(in: rest) {
                    #expect(help.contains("\(option) ") || help.contains("\(option)\n"), "\(name): wg-lite \(command) has no \(option)")
                }
            }
            // What is code as a whole begins with a command or a device's name, which has a digit.
            for code in Self.code(in: text) {
                let first = code.prefix { $0.isLowercase || $0.isNumber }
                guard !first.isEmpty, !first.contains(where: \.isNumber) else { continue }
                #expect(WGLiteCommand.commandNames.contains(String(first)), "\(name): there is no wg-lite \(first)")
            }
        }
        #expect(count > 60)
    }

    @Test func `every script that a document names is there, and has the options`() throws {
        var count = 0
        for (name, text) in Self.documents {
            for use in Self.uses(of: "scripts/", in: text) {
                let script = use.prefix { $0.isLetter || $0.isNumber || "-._".contains($0) }
                guard let first = script.first, first.isLetter, !use.dropFirst(script.count).hasPrefix("*") else { continue }
                let path = String(script.last == "." ? script.dropLast() : script)
                let written = try? String(contentsOf: Self.root.appendingPathComponent("scripts/\(path)"), encoding: .utf8)
                guard let written else {
                    Issue.record("\(name): there is no scripts/\(path)")
                    continue
                }
                count += 1
                for option in Self.options(in: use.dropFirst(script.count)) {
                    #expect(written.contains(option), "\(name): scripts/\(path) has no \(option)")
                }
            }
        }
        #expect(count > 50)
    }
}
