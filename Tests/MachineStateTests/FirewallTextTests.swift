import NetworkTypes
import Testing

@testable import MachineState

@Suite struct FirewallTextTests {
    @Test func `every interface name becomes a name that nft takes, and no two the same one`() {
        let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./\\")
        // What an interface that a file names may consist of.
        let letters = ["a", "Z", "0", "_", "-", ".", "+", "=", "2b", "3d"]
        var names: Set<String> = []
        var count = 0
        for first in letters {
            for second in letters {
                for third in letters {
                    let table = FirewallRules.nftTable(tunnel: first + second + third)
                    #expect(table.hasPrefix("inet wg-lite-"))
                    #expect(Set(table.dropFirst("inet ".count)).isSubset(of: allowed), "\(table)")
                    names.insert(table)
                    count += 1
                }
            }
        }
        // Only what is spelt the same, as a and 2b are in no other way, is the same.
        let spelt = Set(letters.flatMap { a in letters.flatMap { b in letters.map { a + b + $0 } } })
        #expect(names.count == spelt.count)
        #expect(count == letters.count * letters.count * letters.count)
    }

    private static let rules = FirewallRules(
        tool: .nft, interface: "wa", mark: 51820, addresses: [IPAddress("10.8.0.1")!, IPAddress("fd08::1")!])
    /// As `nft list table inet wg-lite-wa` prints it.
    private static let listing = """
        table inet wg-lite-wa {
        \tchain preraw {
        \t\ttype filter hook prerouting priority raw; policy accept;
        \t\tiif != "wa" iifname != "wa" ip daddr 10.8.0.1 fib saddr type != local drop
        \t\tiif != "wa" iifname != "wa" ip6 daddr fd08::1 fib saddr type != local drop
        \t}

        \tchain premangle {
        \t\ttype filter hook prerouting priority mangle; policy accept;
        \t\tmeta l4proto udp meta mark set ct mark
        \t}

        \tchain postmangle {
        \t\ttype filter hook postrouting priority mangle; policy accept;
        \t\tmeta l4proto udp meta mark 0x0000ca6c ct mark set meta mark
        \t}
        }
        """

    @Test func `rules of which one is missing are others, and are made anew`() {
        let rules = Self.rules
        #expect(rules.observed(nftListing: Self.listing) == rules)
        var lines = Self.listing.split(separator: "\n")
        lines.removeAll { $0.contains("daddr 10.8.0.1") }
        let rest = rules.observed(nftListing: lines.joined(separator: "\n"))
        #expect(rest != rules)
        var (observed, owned) = (SystemState(), SystemState())
        (observed.firewall, owned.firewall) = (rest, rules)
        #expect(Plan(from: observed, owned: owned, to: owned).steps == [.setFirewall(from: rules, to: rules)])
        #expect(Plan(from: observed, owned: owned, to: SystemState()).steps == [.setFirewall(from: rules, to: nil)])
        // A failure brings all of them back, not the part that others had left.
        var desired = owned
        desired.firewall?.addresses = [IPAddress("10.8.0.7")!]
        let plan = Plan(from: observed, owned: owned, to: desired)
        #expect(plan.steps.compactMap(\.inverse) == [.setFirewall(from: desired.firewall, to: rules)])
        #expect(plan.observed.firewall == rules)
        // Of a table that was emptied the table is left.
        #expect(rules.observed(nftListing: "table inet wg-lite-wa {\n}") == rest)
    }

    @Test func `a record's rules are what is listed`() {
        let recorded = FirewallRules(tool: .nft, interface: "wa", mark: 0, addresses: [])
        #expect(recorded.observed(nftListing: Self.listing) == recorded)
        #expect(recorded.observed(nftListing: "table inet wg-lite-wa {\n}") == recorded)
    }

    @Test func `iptables' rules are counted in both families`() throws {
        var rules = Self.rules
        rules.tool = .iptables
        func listing(_ family: AddressFamily) throws -> String {
            let text = try #require(FirewallRules.iptablesText(replacing: "", with: rules, tunnel: "wa", family))
            return text.replacing("\n-I ", with: "\n-A ")
        }
        let (v4, v6) = (try listing(.v4), try listing(.v6))
        #expect(rules.observed(iptablesListings: [(.v4, v4), (.v6, v6)], tunnel: "wa") == rules)
        #expect(rules.observed(iptablesListings: [(.v4, v4)], tunnel: "wa") == rules)
        let part = rules.observed(iptablesListings: [(.v4, v4), (.v6, "*raw\nCOMMIT\n")], tunnel: "wa")
        #expect(part != nil && part != rules)
        #expect(rules.observed(iptablesListings: [(.v4, ""), (.v6, "")], tunnel: "wa") == nil)
        #expect(rules.observed(iptablesListings: [(.v4, v4.replacing("for wa", with: "for wb"))], tunnel: "wa") == nil)
    }
}
