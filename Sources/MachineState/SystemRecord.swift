internal import NetworkTypes

/// What of a tunnel's state outlives its interface, written down so that it can be taken back when the process was killed.
///
/// A line each, of words that name things: a family, a number, a tool. Never a path or a command. Reading accepts exactly what writing
/// makes; one line that isn't so, and the whole record is refused.
public enum SystemRecord {
    /// Bytes of the longest record that makes sense; ours have a few hundred.
    public static let maximumSize = 1 << 14

    /// The lines for what `state` leaves behind without its interface.
    /// - Parameter namespace: the inode of the network namespace in which that is; nil where it isn't known.
    public static func text(_ state: SystemState, namespace: UInt64? = nil) -> String {
        var lines: [String] = []
        for rule in state.rules.sorted() {
            let head = "rule \(word(rule.family)) \(rule.priority)"
            switch rule.kind {
            case .unmarked(let mark): lines.append("\(head) unmarked \(mark)")
            case .mainWithoutDefault: lines.append("\(head) main-without-default")
            case .exempt(let mark): lines.append("\(head) exempt \(mark)")
            }
        }
        for route in state.routes.sorted() where route.kind == .unreachable {
            lines.append("unreachable \(route.destination) \(route.table)")
        }
        if let firewall = state.firewall { lines.append("firewall \(firewall.tool.rawValue)") }
        if let nameServers = state.nameServers { lines.append("name-servers \(nameServers.method.rawValue)") }
        if state.acceptsMarkedSources { lines.append("accepts-marked-sources") }
        if let namespace, !lines.isEmpty { lines.append("namespace \(namespace)") }
        return lines.map { "\($0)\n" }.joined()
    }

    /// In which network namespace what a record says is; nil where it doesn't say.
    public static func namespace(_ bytes: [UInt8]) -> UInt64? {
        guard let last = String(decoding: bytes.suffix(64), as: UTF8.self).split(separator: "\n").last else { return nil }
        let words = last.split(separator: " ")
        return words.first == "namespace" ? words.last.flatMap { UInt64($0) } : nil
    }

    /// Reads a record.
    /// - Parameter interface: whose it is.
    /// - Returns: what the tunnel may have left; nil where a byte isn't as it was written.
    public static func read(_ bytes: [UInt8], interface: String) -> SystemState? {
        guard bytes.count <= maximumSize, let text = String(validating: bytes, as: UTF8.self) else { return nil }
        var state = SystemState()
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            switch (words.first, words.count) {
            case ("rule", 4...5):
                guard let family = family(words[1]), let priority = UInt32(words[2]), let kind = kind(words[3...]) else { return nil }
                state.rules.insert(PolicyRule(family, kind, priority: priority))
            case ("unreachable", 3):
                guard let destination = IPPrefix(words[1]), let table = UInt32(words[2]), table > 0 else { return nil }
                state.routes.insert(TunnelRoute(destination, table: table, kind: .unreachable))
            case ("firewall", 2):
                guard let tool = FirewallRules.Tool(rawValue: words[1]) else { return nil }
                state.firewall = FirewallRules(tool: tool, interface: interface, mark: 0, addresses: [])
            case ("name-servers", 2):
                guard let method = NameServers.Method(rawValue: words[1]) else { return nil }
                state.nameServers = NameServers(method: method, servers: [], searchDomains: [])
            case ("accepts-marked-sources", 1): state.acceptsMarkedSources = true
            case ("namespace", 2): break
            default: return nil
            }
        }
        // Signs, leading zeros, double spaces, other orders: whoever writes so isn't us.
        return Array(self.text(state, namespace: namespace(bytes)).utf8) == bytes ? state : nil
    }

    private static func word(_ family: AddressFamily) -> String { family == .v4 ? "4" : "6" }

    private static func family(_ word: String) -> AddressFamily? { ["4": .v4, "6": .v6][word] }

    private static func kind(_ words: ArraySlice<String>) -> PolicyRule.Kind? {
        let number = words.count == 2 ? UInt32(words.last ?? "") : nil
        return switch (words.first, number) {
        case ("unmarked", let mark?) where mark > 0: .unmarked(mark)
        case ("exempt", let mark?) where mark > 0: .exempt(mark)
        case ("main-without-default", nil) where words.count == 1: .mainWithoutDefault
        default: nil
        }
    }
}
