internal import LinuxSystem
internal import NetworkTypes

/// Something that was changed outside of the interface, and how to take it back.
///
/// What belongs to the interface (addresses, routes) goes with it and needs no entry. Each entry has a line of text, so that
/// a record of them outlives the process: after a crash, `wg-lite down` takes back what is in it.
enum Undo: Hashable, Sendable {
    /// A policy routing rule.
    case rule(RuleSpecification)
    /// The firewall rules of an interface.
    case firewall(Firewall.Tool, interface: String)
    /// The interface's name servers.
    case dns(DNSSetup.Method, interface: String)

    /// Takes it back.
    func perform(in directory: RuntimeDirectory?, _ report: SetupReport) throws(SetupError) {
        switch self {
        case .rule(let rule): try PolicyRouting.remove(rule, report)
        case .firewall(let tool, let interface): try Firewall.remove(tool, interface: interface, report)
        case .dns(let method, let interface): try DNSSetup.revert(method, interface: interface, directory, report)
        }
    }
}

/// A line of the record: words that name things (a table, a priority, a tool), never paths or commands, and each with the only interface
/// that the record may be about. What isn't exactly so isn't read.
extension Undo {
    var recordLine: String {
        switch self {
        case .rule(let rule):
            "rule \(rule.family == .v4 ? 4 : 6) \(rule.priority ?? 0) \(rule.table) \(rule.isInverted ? 1 : 0)"
                + " \(rule.mark.map(String.init) ?? "-") \(rule.suppressPrefixLength.map(String.init) ?? "-")"
        case .firewall(let tool, let interface): "firewall \(tool.rawValue) \(interface)"
        case .dns(let method, let interface): "dns \(method) \(interface)"
        }
    }

    /// Reads a line of the record of `interface`.
    init?(recordLine line: String, interface: String) {
        let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        switch (words.first, words.count) {
        case ("rule", 7):
            guard let family = ["4": AddressFamily.v4, "6": .v6][words[1]], let priority = Self.number(words[2]),
                (1...32766).contains(priority),
                let table = Self.number(words[3]), ["0", "1"].contains(words[4]),
                let mark = Self.optionalNumber(words[5]), let suppressed = Self.optionalNumber(words[6]),
                // Ours come in two forms only.
                (words[4] == "1" && mark == table && suppressed == .some(nil))
                    || (words[4] == "0" && mark == .some(nil) && suppressed == 0 && table == RouteSpecification.mainTable)
            else { return nil }
            self = .rule(
                RuleSpecification(
                    family: family, priority: priority, mark: mark, isInverted: words[4] == "1", table: table,
                    suppressPrefixLength: suppressed))
        case ("firewall", 3):
            guard let tool = Firewall.Tool(rawValue: words[1]), words[2] == interface else { return nil }
            self = .firewall(tool, interface: interface)
        case ("dns", 3):
            guard let method = DNSSetup.Method(rawValue: words[1]), words[2] == interface else { return nil }
            self = .dns(method, interface: interface)
        default: return nil
        }
    }

    /// Digits only, as we write them.
    private static func number(_ word: String) -> UInt32? {
        UInt32(word).flatMap { String($0) == word ? $0 : nil }
    }

    /// `-` for none. The outer nil: neither.
    private static func optionalNumber(_ word: String) -> UInt32?? {
        if word == "-" { return .some(nil) }
        return number(word).map { .some($0) }
    }
}

/// What has been changed so far, in order, kept in a file as well.
struct Rollback {
    private(set) var entries: [Undo] = []
    private let interface: String
    private let directory: RuntimeDirectory?
    /// Bytes of the longest record that is read; ours have a few hundred.
    private static let longestRecord = 1 << 16

    /// - Parameter directory: where the record is kept; nil for none.
    init(interface: String, directory: RuntimeDirectory?) {
        self.interface = interface
        self.directory = directory
    }

    /// Reads the record that a process left behind; nil if there is none.
    /// - Throws: when it isn't one of ours to its last word; nothing of it is carried out then.
    static func left(by interface: String, in directory: RuntimeDirectory) throws(SetupError) -> Rollback? {
        guard let records = directory.records else { return nil }
        let name = RuntimeDirectory.recordName(interface)
        let step = "take back what an earlier process left behind"
        let bytes: [UInt8]
        do throws(SystemError) {
            guard let read = try records.read(name, limit: longestRecord) else { return nil }
            bytes = read
        } catch {
            throw SetupError(step, "\(error)", remedy: "look at that file; if it isn't needed, remove it")
        }
        var rollback = Rollback(interface: interface, directory: directory)
        guard let entries = parse(bytes, interface: interface) else {
            throw SetupError(
                step, "\(records.path(of: name)) isn't a record of \(interface); nothing was changed",
                remedy: "look at that file; if it isn't needed, remove it")
        }
        rollback.entries = entries
        return rollback
    }

    /// The entries of a record; nil when it holds anything else.
    static func parse(_ bytes: [UInt8], interface: String) -> [Undo]? {
        var entries: [Undo] = []
        guard bytes.isEmpty || bytes.last == UInt8(ascii: "\n") else { return nil }
        guard !bytes.isEmpty else { return [] }
        for line in bytes.dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            guard let text = String(validating: line, as: UTF8.self), let entry = Undo(recordLine: text, interface: interface) else {
                return nil
            }
            entries.append(entry)
        }
        return entries
    }

    /// Remembers something. Call it *before* the change: taking back what didn't happen is harmless, forgetting isn't.
    mutating func add(_ undo: Undo) throws(SetupError) {
        entries.append(undo)
        try write()
    }

    /// Takes back the last entries that `belongs` chooses, for a change while the tunnel runs.
    mutating func perform(_ report: SetupReport, where belongs: (Undo) -> Bool) throws(SetupError) {
        let chosen = entries.filter(belongs)
        entries.removeAll(where: belongs)
        undo(chosen, report)
        try write()
    }

    /// Takes everything back, the last first. What can't be is told and doesn't stop the rest.
    mutating func performAll(_ report: SetupReport) {
        let all = entries
        entries = []
        undo(all, report)
        directory?.records?.remove(RuntimeDirectory.recordName(interface))
    }

    private func undo(_ entries: [Undo], _ report: SetupReport) {
        for entry in entries.reversed() {
            do throws(SetupError) {
                try entry.perform(in: directory, report)
            } catch {
                report.warning("\(error)")
            }
        }
    }

    private func write() throws(SetupError) {
        guard let records = directory?.records else { return }
        do throws(SystemError) {
            try records.replace(RuntimeDirectory.recordName(interface), with: Array(entries.map { "\($0.recordLine)\n" }.joined().utf8))
        } catch {
            throw SetupError("record what is changed", error)
        }
    }
}
