public import NetworkTypes

extension FirewallRules {
    /// The family and name of the table. nft's names have no `+` and `=`, interfaces' no `/`.
    public static func nftTable(tunnel: String) -> String {
        "inet wg-lite-" + tunnel.replacing("+", with: "/2b").replacing("=", with: "/3d")
    }

    /// What marks our rules in iptables.
    public static func comment(tunnel: String) -> String { "wg-lite rule for \(tunnel)" }

    /// The names of the tables in which a tunnel's rules are: its own, or those of iptables.
    public static func tables(tunnel: String) -> Set<String> {
        [String(nftTable(tunnel: tunnel).dropFirst("inet ".count)), "raw", "mangle"]
    }

    /// What of the rules is in a listing: all of it, something else that has to go all the same, or nothing.
    ///
    /// A record knows only that there are rules; then they are what is listed.
    private func observed(_ count: Int, of wanted: Int) -> FirewallRules? {
        if count == 0 { return nil }
        return mark == 0 || count >= wanted ? self : FirewallRules(tool: tool, interface: interface, mark: 0, addresses: [])
    }

    /// What of the rules is in the table.
    /// - Parameter listing: what `nft list table` printed of it.
    public func observed(nftListing listing: String) -> FirewallRules {
        let lines = listing.split(separator: "\n")
        let rules = lines.count { $0.hasPrefix("\t\t") && !$0.hasPrefix("\t\ttype ") }
        // A table without rules is something that has to go.
        return observed(rules + 1, of: addresses.count + 2 + 1) ?? self
    }

    /// What of the rules is in what iptables-save and ip6tables-save printed.
    public func observed(iptablesListings listings: [(family: AddressFamily, text: String)], tunnel: String) -> FirewallRules? {
        let comment = "--comment \"\(Self.comment(tunnel: tunnel))\""
        let found = listings.reduce(0) { $0 + $1.text.split(separator: "\n").count { $0.hasPrefix("-A ") && $0.contains(comment) } }
        return observed(found, of: listings.reduce(0) { $0 + iptablesRules(tunnel: tunnel, $1.family).values.joined().count })
    }

    /// What nft reads to make the rules in one transaction: there is no moment without them, whatever was there before.
    public func nftText(tunnel: String) -> String {
        let table = Self.nftTable(tunnel: tunnel)
        var text = Self.nftRemoval(tunnel: tunnel)
        text += """
            add table \(table)
            add chain \(table) preraw { type filter hook prerouting priority -300; }
            add chain \(table) premangle { type filter hook prerouting priority -150; }
            add chain \(table) postmangle { type filter hook postrouting priority -150; }

            """
        for address in addresses {
            let family = address.family == .v4 ? "ip" : "ip6"
            // By its index, since it may be renamed, and by its name: of a process that was killed the rule stays, and another program's
            // tunnel of that name has another index.
            let elsewhere = "iif != \"\(interface)\" iifname != \"\(interface)\""
            text += "add rule \(table) preraw \(elsewhere) \(family) daddr \(address) fib saddr type != local drop\n"
        }
        text += "add rule \(table) postmangle meta l4proto udp meta mark \(mark) ct mark set meta mark\n"
        text += "add rule \(table) premangle meta l4proto udp meta mark set ct mark\n"
        return text
    }

    /// What nft reads to remove them, whether they are there or not: nothing has to be listed first.
    public static func nftRemoval(tunnel: String) -> String {
        let table = nftTable(tunnel: tunnel)
        return "add table \(table)\ndelete table \(table)\n"
    }

    /// What iptables-restore reads, or ip6tables-restore, to exchange the rules of one family: in each table in one transaction.
    /// - Parameters:
    ///   - saved: what iptables-save printed: the rules that are there.
    ///   - rules: those that there will be; nil for none.
    /// - Returns: nil when there is nothing to change.
    public static func iptablesText(
        replacing saved: String, with rules: FirewallRules?, tunnel: String, _ family: AddressFamily
    ) -> String? {
        let new = rules?.iptablesRules(tunnel: tunnel, family) ?? [:]
        var old: [String: [Substring]] = [:]
        var table = ""
        for line in saved.split(separator: "\n") {
            if line.hasPrefix("*") { table = String(line.dropFirst()) }
            if line.hasPrefix("-A "), line.contains("--comment \"\(comment(tunnel: tunnel))\"") {
                old[table, default: []].append(line.dropFirst(3))
            }
        }
        let text = Set(old.keys).union(new.keys).sorted().map { table in
            let lines = (old[table] ?? []).map { "-D \($0)\n" } + (new[table] ?? []).map { "-I \($0)\n" }
            return "*\(table)\n\(lines.joined())COMMIT\n"
        }
        return text.isEmpty ? nil : text.joined()
    }

    private func iptablesRules(tunnel: String, _ family: AddressFamily) -> [String: [String]] {
        let marker = "-m comment --comment \"\(Self.comment(tunnel: tunnel))\""
        let own = addresses.filter { $0.family == family }
        return [
            "raw": own.map { "PREROUTING ! -i \(interface) -d \($0) -m addrtype ! --src-type LOCAL -j DROP \(marker)" },
            "mangle": [
                "POSTROUTING -m mark --mark \(mark) -p udp -j CONNMARK --save-mark \(marker)",
                "PREROUTING -p udp -j CONNMARK --restore-mark \(marker)",
            ],
        ].filter { !$0.value.isEmpty }
    }
}
