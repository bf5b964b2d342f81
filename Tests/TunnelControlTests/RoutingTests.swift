import LinuxSystem
import NetworkTypes
import Testing
import TunnelConfiguration

@testable import TunnelControl

@Suite(.enabled(if: mayMakeNamespaces, "needs root for network namespaces")) struct RoutingTests {
    /// Two joined interfaces, `t` with 10.5.0.1/24.
    static func makeLink() throws {
        try ip("link add name t type veth peer name u")
        try ip("link set u up")
        try LinkSetup.addAddress(IPInterfaceAddress("10.5.0.1/24")!, to: "t", .silent)
        try LinkSetup.addAddress(IPInterfaceAddress("fd05::1/64")!, to: "t", .silent)
        try LinkSetup.bringUp("t", mtu: 1380, .silent)
    }

    @Test func `an interface gets its addresses, MTU and state; doing it twice is no failure`() throws {
        try inNamespace {
            try Self.makeLink()
            try LinkSetup.addAddress(IPInterfaceAddress("10.5.0.1/24")!, to: "t", .silent)
            #expect(try Set(LinkSetup.addresses(of: "t").map(\.description)) == ["10.5.0.1/24", "fd05::1/64"])
            #expect(try LinkSetup.mtu(of: "t") == 1380)
            try LinkSetup.removeAddress(IPInterfaceAddress("10.5.0.1/24")!, from: "t", .silent)
            try LinkSetup.removeAddress(IPInterfaceAddress("10.5.0.1/24")!, from: "t", .silent)
            #expect(try LinkSetup.addresses(of: "t").map(\.description) == ["fd05::1/64"])
            #expect(throws: SetupError.self) { try LinkSetup.index(of: "nothing") }
        }
    }

    @Test func `a route that the interface's own network covers is not added again, others are`() throws {
        try inNamespace {
            try Self.makeLink()
            func add(_ text: String, table: UInt32? = nil) throws -> RouteSpecification? {
                let covered = table == nil ? try CoveredDestinations(of: "t") : nil
                return try RouteSetup.add(IPPrefix(text)!, table: table, interface: "t", covered: covered, .silent)
            }
            #expect(try add("10.5.0.2/32") == nil)
            #expect(try add("10.5.0.0/24") == nil)
            let route = try #require(try add("10.6.0.0/16"))
            #expect(try ip("route show 10.6.0.0/16").contains("dev t"))
            #expect(try add("10.5.0.2/32", table: 777) != nil)
            #expect(try ip("route show table 777").contains("10.5.0.2 dev t"))
            try RouteSetup.remove(route, interface: "t", .silent)
            try RouteSetup.remove(route, interface: "t", .silent)
            #expect(try ip("route show 10.6.0.0/16") == "")
        }
    }

    @Test func `a route that somebody else has is an error that names it`() throws {
        try inNamespace {
            try Self.makeLink()
            try ip("address add 192.0.2.1/24 dev u")
            try ip("route add 10.6.0.0/16 via 192.0.2.2")
            #expect(throws: SetupError.self) {
                try RouteSetup.add(IPPrefix("10.6.0.0/16")!, table: nil, interface: "t", covered: nil, .silent)
            }
        }
    }

    @Test(arguments: ["0.0.0.0/0", "::/0"]) func `rules for a default route are exactly removed, others' stay`(destination: String) throws {
        try inNamespace {
            try Self.makeLink()
            let prefix = IPPrefix(destination)!
            let option = prefix.address.bitWidth == 32 ? "-4" : "-6"
            // Somebody else's rules that look the same but for their place.
            try ip("\(option) rule add priority 100 not fwmark 51820 table 51820")
            try ip("\(option) rule add priority 101 table main suppress_prefixlength 0")
            let before = try ip("\(option) rule show")
            var rollback = Rollback(interface: "t", directory: nil)
            let route = try PolicyRouting.add(prefix, table: 51820, interface: "t", &rollback, .silent)
            #expect(route?.table == 51820)
            let rules = try ip("\(option) rule show").split(separator: "\n").map(String.init)
            #expect(rules.count == before.split(separator: "\n").count + 2)
            #expect(rules[1].contains("suppress_prefixlength 0") && rules[2].contains("not from all fwmark 0xca6c lookup 51820"))
            #expect(rollback.entries.count == 2)
            rollback.performAll(.silent)
            #expect(try ip("\(option) rule show") == before)
            for entry in rollback.entries { try entry.perform(in: nil, .silent) }
        }
    }

    @Test func `the first table without routes is taken`() throws {
        try inNamespace {
            try Self.makeLink()
            #expect(try PolicyRouting.freeTable() == 51820)
            try ip("route add 10.6.0.0/16 dev t table 51820")
            try ip("-6 route add fd06::/64 dev t table 51821")
            #expect(try PolicyRouting.freeTable() == 51822)
        }
    }

    @Test func `the MTU comes from the routes to the endpoints, else from the default route, else is 1420`() throws {
        try inNamespace {
            #expect(LinkSetup.automaticMTU(endpoints: []) == 1420)
            try Self.makeLink()
            try ip("address add 192.0.2.1/24 dev u")
            try ip("link set u mtu 1492")
            #expect(LinkSetup.automaticMTU(endpoints: [Endpoint("192.0.2.7:1")!]) == 1412)
            #expect(LinkSetup.automaticMTU(endpoints: [Endpoint("192.0.2.7:1")!, Endpoint("10.5.0.9:1")!]) == 1300)
            #expect(LinkSetup.automaticMTU(endpoints: [Endpoint("203.0.113.1:1")!]) == 1420)
            try ip("route add 192.0.2.99 dev u mtu 1400")
            #expect(LinkSetup.automaticMTU(endpoints: [Endpoint("192.0.2.99:1")!]) == 1320)
            try ip("route add default via 192.0.2.2")
            #expect(LinkSetup.automaticMTU(endpoints: []) == 1412)
        }
    }

    @Test(.enabled(if: ChildProcess.find("nft") != nil, "nft is not installed")) func `firewall rules of both families come and go`() throws
    {
        try inNamespace {
            try Self.makeLink()
            let nft = ChildProcess.find("nft")!
            var rollback = Rollback(interface: "t", directory: nil)
            let addresses = [IPInterfaceAddress("10.5.0.1/24")!, IPInterfaceAddress("fd05::1/64")!]
            for family in AddressFamily.both {
                try Firewall.add(family, interface: "t", mark: 51820, addresses: addresses, &rollback, .silent)
            }
            let listing = try ChildProcess.run(nft, ["list", "ruleset"]).output
            #expect(listing.contains("table ip wg-lite-t") && listing.contains("table ip6 wg-lite-t"))
            #expect(listing.contains("ip daddr 10.5.0.1 fib saddr type != local drop"))
            #expect(listing.contains("ip6 daddr fd05::1 fib saddr type != local drop"))
            #expect(rollback.entries == [.firewall(.nft, interface: "t")])
            rollback.performAll(.silent)
            #expect(try ChildProcess.run(nft, ["list", "ruleset"]).output == "")
        }
    }

    @Test(.enabled(if: ChildProcess.find("iptables-restore") != nil, "iptables is not installed"))
    func `where there is no nft, iptables gets the same rules and loses them again`() throws {
        try inNamespace {
            try Self.makeLink()
            let save = ChildProcess.find("iptables-save")!
            func own() throws -> [Substring] {
                try ChildProcess.run(save, []).output.split(separator: "\n").filter { $0.contains("wg-lite rule for t") }
            }
            var rollback = Rollback(interface: "t", directory: nil)
            let addresses = [IPInterfaceAddress("10.5.0.1/24")!, IPInterfaceAddress("fd05::1/64")!]
            for family in AddressFamily.both {
                try Firewall.add(family, interface: "t", mark: 51820, addresses: addresses, &rollback, tool: .iptables, .silent)
            }
            #expect(try own().count == 3)
            #expect(rollback.entries == [.firewall(.iptables, interface: "t")])
            rollback.performAll(.silent)
            #expect(try own().isEmpty)
        }
    }
}

@Suite struct RouteDestinationTests {
    @Test func `destinations come once, the longest first`() {
        let file = parse("[Peer]\nAllowedIPs = 0.0.0.0/0, 10.0.0.0/8, 10.1.0.0/16, fd00::/8\n[Peer]\nAllowedIPs = 10.1.0.0/16, 10.2.0.5/16")
        #expect(
            RouteSetup.destinations(of: file).map(\.description) == ["10.1.0.0/16", "10.2.0.0/16", "10.0.0.0/8", "fd00::/8", "0.0.0.0/0"])
    }

    @Test func `tables have numbers and names`() throws {
        #expect(try RouteSetup.table(of: .automatic) == nil)
        #expect(try RouteSetup.table(of: .number(7)) == 7)
        #expect(try RouteSetup.table(of: .named("main")) == 254)
        #expect(throws: SetupError.self) { try RouteSetup.table(of: .named("no-such-table")) }
    }
}
