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
    func perform(_ report: SetupReport) throws(SetupError) {
        switch self {
        case .rule(let rule): try PolicyRouting.remove(rule, report)
        case .firewall(let tool, let interface): try Firewall.remove(tool, interface: interface, report)
        case .dns(let method, let interface): try DNSSetup.revert(method, interface: interface, report)
        }
    }
}

extension Undo: LosslessStringConvertible {
    var description: String {
        switch self {
        case .rule(let rule):
            "rule \(rule.family == .v4 ? 4 : 6) \(rule.priority ?? 0) \(rule.table) \(rule.isInverted ? 1 : 0)"
                + " \(rule.mark.map(String.init) ?? "-") \(rule.suppressPrefixLength.map(String.init) ?? "-")"
        case .firewall(let tool, let interface): "firewall \(tool.rawValue) \(interface)"
        case .dns(let method, let interface): "dns \(interface) \(method)"
        }
    }

    init?(_ description: String) {
        let words = description.split(separator: " ").map(String.init)
        switch words.first {
        case "rule":
            guard words.count == 7, let priority = UInt32(words[2]), let table = UInt32(words[3]) else { return nil }
            self = .rule(
                RuleSpecification(
                    family: words[1] == "4" ? .v4 : .v6, priority: priority, mark: UInt32(words[5]), isInverted: words[4] == "1",
                    table: table,
                    suppressPrefixLength: UInt32(words[6])))
        case "firewall":
            guard words.count == 3, let tool = Firewall.Tool(rawValue: words[1]) else { return nil }
            self = .firewall(tool, interface: words[2])
        case "dns":
            guard words.count >= 3, let method = DNSSetup.Method(words[2...].joined(separator: " ")) else { return nil }
            self = .dns(method, interface: words[1])
        default: return nil
        }
    }
}

/// What has been changed so far, in order, kept in a file as well.
struct Rollback {
    private(set) var entries: [Undo] = []
    private let recordPath: String?

    /// - Parameter recordPath: the file that remembers the entries; nil for none.
    init(recordPath: String?) {
        self.recordPath = recordPath
    }

    /// Reads the record that a process left behind; nil if there is none.
    static func left(at path: String) -> Rollback? {
        guard let bytes = try? FileSystem.read(path, limit: 1 << 20) else { return nil }
        var rollback = Rollback(recordPath: path)
        rollback.entries = String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { Undo(String($0)) }
        return rollback
    }

    /// Remembers something. Call it *before* the change: taking back what didn't happen is harmless, forgetting isn't.
    mutating func add(_ undo: Undo) {
        entries.append(undo)
        write()
    }

    /// Takes back the last entries that `belongs` chooses, for a change while the tunnel runs.
    mutating func perform(_ report: SetupReport, where belongs: (Undo) -> Bool) {
        let chosen = entries.filter(belongs)
        entries.removeAll(where: belongs)
        undo(chosen, report)
        write()
    }

    /// Takes everything back, the last first. What can't be is told and doesn't stop the rest.
    mutating func performAll(_ report: SetupReport) {
        let all = entries
        entries = []
        undo(all, report)
        if let recordPath { FileSystem.remove(recordPath) }
    }

    private func undo(_ entries: [Undo], _ report: SetupReport) {
        for entry in entries.reversed() {
            do throws(SetupError) {
                try entry.perform(report)
            } catch {
                report.warning("\(error)")
            }
        }
    }

    private func write() {
        guard let recordPath else { return }
        let text = entries.map { "\($0)\n" }.joined()
        try? FileSystem.replace(recordPath, with: Array(text.utf8), permissions: 0o600)
    }
}
