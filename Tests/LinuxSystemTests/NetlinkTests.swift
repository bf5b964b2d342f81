import LinuxSystem
import NetworkTypes
import Testing

@Suite struct NetlinkTests {
    /// A TUN interface that lives as long as the descriptor.
    private func makeTun(_ name: String) throws -> TunDescriptor {
        let tun = try TunDescriptor()
        let made = try tun.attach(name: name, flags: [.tun, .noPacketInformation])
        try #require(made == name)
        return tun
    }

    @Test func `a new namespace has the loopback interface and nothing else`() throws {
        try inNewNamespace {
            var netlink = try NetlinkSocket()
            let links = try netlink.links()
            #expect(links.map(\.name) == ["lo"])
            #expect(links[0].isLoopback && !links[0].isUp && links[0].kind == nil)
        }
    }

    @Test func `what is changed of a link is what the kernel reports afterwards`() throws {
        try inNewNamespace {
            let tun = try makeTun("probe0")
            var netlink = try NetlinkSocket()
            let link = try #require(try netlink.link(named: "probe0"))
            #expect(link.kind == "tun" && link.hasCarrier && link.tun?.isTun == true && link.tun?.isPersistent == false)
            let alias = "a \"quoted\" alias; ünïcode " + String(repeating: "x", count: 227)
            #expect(alias.utf8.count == 255)
            try netlink.changeLink(link.index, LinkChange(isUp: true, mtu: 1380, alias: alias, transmitQueueLength: 777))
            try netlink.addAlternativeName("a name longer than fifteen bytes".replacing(" ", with: "-"), toLink: link.index)
            var changed = try #require(try netlink.link(index: link.index))
            #expect(changed.isUp && changed.mtu == 1380 && changed.alias == alias && changed.transmitQueueLength == 777)
            #expect(changed.alternativeNames == ["a-name-longer-than-fifteen-bytes"])
            #expect(try netlink.link(named: "a-name-longer-than-fifteen-bytes")?.index == link.index)
            try netlink.removeAlternativeName("a-name-longer-than-fifteen-bytes", fromLink: link.index)
            try netlink.changeLink(link.index, LinkChange(isUp: false, name: "probe1", alias: ""))
            changed = try #require(try netlink.link(index: link.index))
            #expect(!changed.isUp && changed.name == "probe1" && (changed.alias ?? "").isEmpty && changed.alternativeNames.isEmpty)
            #expect(try netlink.link(named: "probe0") == nil)
            #expect(try tun.attachment().name == "probe1")
        }
    }

    @Test func `an error carries the errno, what was done to what, and the kernel's explanation`() throws {
        try inNewNamespace {
            let tun = try makeTun("probe0")
            var netlink = try NetlinkSocket()
            let link = try #require(try netlink.link(named: "probe0"))
            let error = #expect(throws: SystemError.self) { try netlink.changeLink(link.index, LinkChange(mtu: 5)) }
            #expect(error?.name == "EINVAL" && error?.detail == "mtu less than device minimum", "\(String(describing: error))")
            let gone = #expect(throws: SystemError.self) { try netlink.deleteLink(4711) }
            #expect(gone?.name == "ENODEV" && gone.map { "\($0)" }?.contains("delete interface 4711") == true)
            _ = consume tun
            // A child that another test starts has a copy of the descriptor until it has executed its program.
            for _ in 0..<200 where try netlink.link(named: "probe0") != nil { SystemThread.sleep(.milliseconds(10)) }
            #expect(try netlink.link(named: "probe0") == nil, "a transient interface goes with its descriptor")
        }
    }

    @Test(arguments: ["10.8.0.1/24", "fd08::1/64"])
    func `addresses come, are listed and go`(_ text: String) throws {
        try inNewNamespace {
            let tun = try makeTun("probe0")
            var netlink = try NetlinkSocket()
            let index = try #require(try netlink.link(named: "probe0")).index
            let address = try #require(IPInterfaceAddress(text))
            try netlink.addAddress(address, toLink: index)
            let listed = try netlink.addresses(ofLink: index)
            #expect(listed.map(\.address) == [address] && listed.allSatisfy { !$0.isTentative })
            #expect(#expect(throws: SystemError.self) { try netlink.addAddress(address, toLink: index) }?.name == "EEXIST")
            try netlink.removeAddress(address, fromLink: index)
            #expect(try netlink.addresses(ofLink: index).isEmpty)
            #expect(#expect(throws: SystemError.self) { try netlink.removeAddress(address, fromLink: index) }?.name == "EADDRNOTAVAIL")
            _ = consume tun
        }
    }

    @Test(arguments: [("10.8.0.1/24", "10.99.0.0/16", "10.99.1.2"), ("fd08::1/64", "fd99::/48", "fd99::1:2")])
    func `routes come, lead where they say, and go`(_ own: String, _ far: String, _ host: String) throws {
        try inNewNamespace {
            let tun = try makeTun("probe0")
            var netlink = try NetlinkSocket()
            let index = try #require(try netlink.link(named: "probe0")).index
            let address = try #require(IPInterfaceAddress(own))
            let destination = try #require(IPAddress(host))
            try netlink.addAddress(address, toLink: index)
            var route = RouteSpecification(
                destination: try #require(IPPrefix(far)), link: index, table: 51820, metric: 77, source: address.address)
            let down = #expect(throws: SystemError.self) { try netlink.addRoute(route) }
            #expect(down?.name == "ENETDOWN" || down?.name == "EINVAL", "\(String(describing: down))")
            try netlink.changeLink(index, LinkChange(isUp: true, mtu: 1420))
            #expect(try netlink.routes(family: address.address.family, table: 51820).isEmpty)
            try netlink.addRoute(route)
            #expect(#expect(throws: SystemError.self) { try netlink.addRoute(route) }?.name == "EEXIST")
            try netlink.replaceRoute(route)
            let listed = try netlink.routes(family: address.address.family, table: 51820)
            #expect(listed.map(\.destination) == [route.destination] && listed.map(\.link) == [index])
            #expect(listed.map(\.metric) == [77] && listed.map(\.source) == [address.address])
            #expect(try netlink.route(to: destination) == nil, "nothing leads to the table yet")

            route.table = RouteSpecification.mainTable
            route.mtu = 1300
            try netlink.addRoute(route)
            let found = try #require(try netlink.route(to: destination))
            #expect(found.link == index && found.source == address.address && found.mtu == 1300 && !found.isOwn)
            #expect(try netlink.route(to: address.address)?.isOwn ?? false)
            try netlink.removeRoute(route)
            #expect(try netlink.route(to: destination) == nil)
            #expect(#expect(throws: SystemError.self) { try netlink.removeRoute(route) }?.name == "ESRCH")
            _ = consume tun
        }
    }

    @Test(arguments: [AddressFamily.v4, .v6])
    func `rules come, are listed as they were written, and go`(_ family: AddressFamily) throws {
        try inNewNamespace {
            var netlink = try NetlinkSocket()
            let before = try netlink.rules(family: family)
            let rules = [
                RuleSpecification(family: family, priority: 4000, mark: 51820, isInverted: true, table: 51820),
                RuleSpecification(family: family, priority: 4001, mark: 0x10, mask: 0xf0, table: 300),
                RuleSpecification(family: family, priority: 4002, table: RouteSpecification.mainTable, suppressPrefixLength: 0),
            ]
            for rule in rules { try netlink.addRule(rule) }
            #expect(#expect(throws: SystemError.self) { try netlink.addRule(rules[1]) }?.name == "EEXIST")
            let listed = try netlink.rules(family: family).filter { (4000...4002).contains($0.priority ?? 0) }
            #expect(listed.map(\.isInverted) == [true, false, false])
            #expect(listed.map(\.mark) == [51820, 0x10, nil] && listed.map(\.table) == [51820, 300, 254])
            #expect(listed.map(\.mask) == [0xffff_ffff, 0xf0, nil] && listed.map(\.suppressPrefixLength) == [nil, nil, 0])
            for rule in rules { try netlink.removeRule(rule) }
            #expect(try netlink.rules(family: family) == before)
            #expect(#expect(throws: SystemError.self) { try netlink.removeRule(rules[0]) }?.name == "ENOENT")
        }
    }

    @Test func `a monitor hears what happens to links, in order`() throws {
        try inNewNamespace {
            let monitor = try NetlinkMonitor(.links)
            #expect(try monitor.events().isEmpty)
            let tun = try makeTun("probe0")
            var netlink = try NetlinkSocket()
            let index = try #require(try netlink.link(named: "probe0")).index
            try netlink.changeLink(index, LinkChange(isUp: true, mtu: 1350))
            try netlink.deleteLink(index)
            _ = consume tun
            let events = try monitor.events()
            var changes: [LinkInfo] = []
            for case .linkChanged(let link) in events where link.index == index { changes.append(link) }
            #expect(changes.contains { $0.isUp && $0.mtu == 1350 })
            #expect(events.contains { if case .linkRemoved(let link) = $0 { link.index == index } else { false } })
        }
    }

    @Test func `a monitor of the packet filter hears what goes, and of which table`() throws {
        try inNewNamespace {
            let nft = try #require(ChildProcess.find("nft"), "the test needs nft")
            let monitor = try FirewallMonitor()
            func say(_ text: String) throws {
                let completion = try ChildProcess.run(nft, ["-f", "-"], input: Array(text.utf8))
                #expect(completion.isSuccess, "\(completion.output)")
            }
            #expect(try FirewallTables.all().isEmpty)
            try say("add table inet a\nadd chain inet a c\nadd rule inet a c drop\nadd table ip b\n")
            #expect(try monitor.removals() == FirewallMonitor.Removals())
            let tables = try FirewallTables.all()
            #expect(Set(tables.map { "\($0.family) \($0.name)" }) == ["1 a", "2 b"] && tables.allSatisfy { $0.handle > 0 })
            // What is made anew is another.
            try say("delete table ip b\nadd table ip b\n")
            let again = try FirewallTables.all()
            #expect(tables.intersection(again).map(\.name) == ["a"] && again.count == 2)
            #expect(try monitor.removals().tables == ["b"])
            try say("flush chain inet a c\n")
            #expect(try monitor.removals().tables == ["a"])
            try say("flush ruleset\n")
            let removals = try monitor.removals()
            #expect(removals.tables == ["a", "b"] && !removals.hasMissed)
        }
    }

    @Test func `many links are listed completely`() throws {
        try inNewNamespace {
            var tuns: [Int32] = []
            for i in 0..<200 { tuns.append(try makeTun("probe\(i)").descriptor.duplicate().take()) }
            var netlink = try NetlinkSocket()
            #expect(try netlink.links().count == 201)
            for tun in tuns { _ = FileDescriptor(owning: tun) }
            // A child that another test starts just now holds copies of all descriptors until it has executed its program.
            let start = Clock.now
            while try netlink.links().count > 1, Clock.now.since(start) < .seconds(10) { SystemThread.yield() }
            #expect(try netlink.links().count == 1)
        }
    }
}
