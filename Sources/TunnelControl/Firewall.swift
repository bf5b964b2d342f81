internal import LinuxSystem
internal import NetworkTypes

/// The firewall rules of a tunnel with a default route: packets to the tunnel's own addresses are dropped unless they come out of
/// the tunnel, and the tunnel's mark is kept with its connections. Source: wg-quick(8).
enum Firewall {
    enum Tool: String, Hashable, Sendable {
        case nft, iptables
    }

    /// The tool that is there, the newer one first.
    static var tool: Tool? {
        if ChildProcess.find("nft") != nil { return .nft }
        return ChildProcess.find("iptables-restore") != nil ? .iptables : nil
    }

    /// Adds the rules of one family.
    static func add(
        _ family: AddressFamily, interface: String, mark: UInt32, addresses: [IPInterfaceAddress], _ rollback: inout Rollback,
        tool: Tool? = Self.tool, _ report: SetupReport
    ) throws(SetupError) {
        guard let tool else {
            return report.warning(
                "neither nft nor iptables is installed: packets to the tunnel's addresses from other networks aren't dropped")
        }
        let own = addresses.map(\.address).filter { $0.family == family }
        let undo = Undo.firewall(tool, interface: interface)
        if !rollback.entries.contains(undo) { try rollback.add(undo) }
        switch tool {
        case .nft:
            let text = nftRules(family, interface: interface, mark: mark, own)
            report.command("nft -f - <<< \"\(text)\"")
            try run("nft", ["-f", "-"], text, step: "add the firewall rules")
        case .iptables:
            let text = iptablesRules(interface: interface, mark: mark, own)
            let program = family == .v4 ? "iptables-restore" : "ip6tables-restore"
            report.command("\(program) -n <<< \"\(text)\"")
            try run(program, ["-n"], text, step: "add the firewall rules")
        }
    }

    /// Removes the rules of both families.
    static func remove(_ tool: Tool, interface: String, _ report: SetupReport) throws(SetupError) {
        switch tool {
        case .nft:
            for family in ["ip", "ip6"] {
                guard let program = ChildProcess.find("nft"),
                    let listing = try? ChildProcess.run(program, ["list", "table", family, table(interface)]), listing.status.isSuccess
                else { continue }
                report.command("nft delete table \(family) \(table(interface))")
                try run("nft", ["delete", "table", family, table(interface)], "", step: "remove the firewall rules")
            }
        case .iptables:
            for program in ["iptables", "ip6tables"] { try removeIptables(program, interface, report) }
        }
    }

    static func table(_ interface: String) -> String { "wg-lite-\(interface)" }

    static func nftRules(_ family: AddressFamily, interface: String, mark: UInt32, _ own: [IPAddress]) -> String {
        let protocolName = family == .v4 ? "ip" : "ip6"
        let table = "\(protocolName) \(table(interface))"
        var text = """
            add table \(table)
            add chain \(table) preraw { type filter hook prerouting priority -300; }
            add chain \(table) premangle { type filter hook prerouting priority -150; }
            add chain \(table) postmangle { type filter hook postrouting priority -150; }

            """
        for address in own {
            text += "add rule \(table) preraw iifname != \"\(interface)\" \(protocolName) daddr \(address) fib saddr type != local drop\n"
        }
        text += "add rule \(table) postmangle meta l4proto udp mark \(mark) ct mark set mark\n"
        text += "add rule \(table) premangle meta l4proto udp meta mark set ct mark\n"
        return text
    }

    private static func comment(_ interface: String) -> String { "wg-lite rule for \(interface)" }

    static func iptablesRules(interface: String, mark: UInt32, _ own: [IPAddress]) -> String {
        let marker = "-m comment --comment \"\(comment(interface))\""
        var text = "*raw\n"
        for address in own {
            text += "-I PREROUTING ! -i \(interface) -d \(address) -m addrtype ! --src-type LOCAL -j DROP \(marker)\n"
        }
        text += "COMMIT\n*mangle\n-I POSTROUTING -m mark --mark \(mark) -p udp -j CONNMARK --save-mark \(marker)\n"
        text += "-I PREROUTING -p udp -j CONNMARK --restore-mark \(marker)\nCOMMIT\n"
        return text
    }

    private static func removeIptables(_ name: String, _ interface: String, _ report: SetupReport) throws(SetupError) {
        guard let save = ChildProcess.find("\(name)-save"), let saved = try? ChildProcess.run(save, []) else { return }
        var text = ""
        var found = false
        for line in saved.output.split(separator: "\n") {
            if line.hasPrefix("*") || line == "COMMIT" {
                text += "\(line)\n"
            } else if line.hasPrefix("-A "), line.contains("--comment \"\(comment(interface))\"") {
                text += "-D \(line.dropFirst(3))\n"
                found = true
            }
        }
        guard found else { return }
        report.command("\(name)-restore -n <<< \"\(text)\"")
        try run("\(name)-restore", ["-n"], text, step: "remove the firewall rules")
    }

    private static func run(_ name: String, _ arguments: [String], _ input: String, step: String) throws(SetupError) {
        guard let program = ChildProcess.find(name) else { throw SetupError(step, "\(name) is not installed") }
        let result: (status: ChildProcess.ExitStatus, output: String)
        do throws(SystemError) {
            result = try ChildProcess.run(program, arguments, input: Array(input.utf8))
        } catch {
            throw SetupError(step, error)
        }
        guard result.status.isSuccess else {
            throw SetupError(step, "\(name) says: \(result.output.split(separator: "\n").first.map(String.init) ?? "nothing")")
        }
    }
}
