import NetworkTypes
import SeededRandom
import Testing
import TunnelConfiguration

@testable import MachineState

/// The kernel as far as plans are concerned: what it makes and drops by itself, and what it refuses.
struct KernelModel {
    var state = SystemState()
    private var keepsSecondaries = false
    /// Routes of the kernel's own, by the addresses that bring them.
    var connected: [IPPrefix] { state.addresses.compactMap(\.connectedRoute) }

    struct Refusal: Error { var step: Step }

    init(_ state: SystemState) { self.state = state }

    /// Whether a packet to `destination` leaves through the interface.
    func isInside(_ destination: IPAddress) -> Bool {
        let main = connected + state.routes.filter { $0.table == TunnelRoute.mainTable }.map(\.destination)
        if main.contains(where: { $0.contains(destination) }) { return true }
        return state.rules.contains { rule in
            guard rule.family == destination.family, case .unmarked(let table) = rule.kind else { return false }
            return state.routes.contains { $0.table == table && $0.destination.contains(destination) }
        }
    }

    /// Where the tunnel's own datagrams go: not into the tunnel.
    var keepsOut: Bool {
        AddressFamily.allCases.allSatisfy { family in
            let rules = state.rules.filter { $0.family == family }.sorted()
            for rule in rules {
                switch rule.kind {
                case .exempt(let mark) where mark == state.firewallMark: return true
                case .unmarked(let mark) where mark != state.firewallMark: return false
                default: continue
                }
            }
            return true
        }
    }

    mutating func apply(_ step: Step) throws {
        let refused = Refusal(step: step)
        switch step {
        case .addAddress(let address):
            let isThere =
                address.address.family == .v6
                ? state.addresses.contains { $0.address == address.address } : state.addresses.contains(address)
            guard !isThere else { throw refused }
        case .removeAddress(let address):
            guard state.addresses.contains(address) else { throw refused }
            let isFirst = state.addresses.first { $0.network == address.network && $0.prefixLength == address.prefixLength } == address
            state.apply(step)
            if isFirst, !keepsSecondaries, address.address.family == .v4 {
                state.addresses.removeAll { $0.network == address.network && $0.prefixLength == address.prefixLength }
            }
            // Of IPv6 there is always one of the kernel's own, for the link.
            if address.address.family == .v4, !state.addresses.contains(where: { $0.address.family == .v4 }) {
                state.routes = state.routes.filter { $0.kind == .unreachable || $0.destination.address.family == .v6 }
            }
            return
        case .keepSecondaryAddresses: keepsSecondaries = true
        case .addRoute(let route):
            let clashes =
                route.table == TunnelRoute.mainTable && route.metric == nil && route.destination.address.family == .v4
                && connected.contains(route.destination)
            guard !state.routes.contains(route), !clashes, state.isUp || route.kind == .unreachable else { throw refused }
        case .removeRoute(let route): guard state.routes.contains(route) else { throw refused }
        case .addRule(let rule): guard !state.rules.contains(rule) else { throw refused }
        case .removeRule(let rule): guard state.rules.contains(rule) else { throw refused }
        case .setLink, .setMark, .setFirewall, .setNameServers, .acceptMarkedSources: break
        }
        state.apply(step)
    }
}

/// Random files of the kind that people reload.
enum RandomFile {
    static func text(_ random: inout SplitMix64) -> String {
        func some(_ all: [String], _ most: Int, _ random: inout SplitMix64) -> [String] {
            Array(all.shuffled(using: &random).prefix(Int.random(in: 0...most, using: &random)))
        }
        var text = "[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"
        let addresses = [
            "10.8.0.1/24", "10.8.0.7/24", "10.8.0.1/32", "10.8.0.1/16", "10.9.0.1/24", "fd08::1/64", "fd08::1/128", "fd08::2/64",
            "fd09::1/48",
        ]
        // An IPv6 address is there only once, whatever the length of its prefix: `up` fails.
        var seen: Set<IPAddress> = []
        for address in some(addresses, 4, &random) where address.contains(".") || seen.insert(IPInterfaceAddress(address)!.address).inserted
        {
            text += "Address = \(address)\n"
        }
        if Bool.random(using: &random) { text += "MTU = \([1280, 1380, 1420].randomElement(using: &random)!)\n" }
        if Int.random(in: 0..<3, using: &random) == 0 { text += "FwMark = \([0x77, 0x78].randomElement(using: &random)!)\n" }
        if Int.random(in: 0..<4, using: &random) == 0 { text += "Table = \(["off", "77", "auto", "0"].randomElement(using: &random)!)\n" }
        if Int.random(in: 0..<2, using: &random) == 0 {
            text += "DNS = \(["10.8.0.53", "corp.example", "10.8.0.53, corp.example"].randomElement(using: &random)!)\n"
        }
        text += "[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"
        let allowed = [
            "0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "10.8.0.0/24", "10.8.0.2/32", "10.9.0.0/24", "fd08::/64",
            "fd00::/8",
            "fd08::2/128",
        ]
        for prefix in some(allowed, 5, &random) { text += "AllowedIPs = \(prefix)\n" }
        return text
    }
}

@Suite struct PlanTests {
    static let facts = SystemFacts(interface: "wg0", firewallTool: .nft)

    private func file(_ text: String) -> ConfigurationFile { ConfigurationFile(text: Array(text.utf8), name: "wg0.conf") }

    /// The steps from `owned` in a kernel to what `text` asks for.
    /// - Parameter others: the place of somebody else's first rule.
    private func plan(_ text: String, _ kernel: KernelModel, owned: SystemState, others: UInt32? = nil) throws -> Plan {
        var facts = Self.facts
        for family in AddressFamily.allCases {
            let own = kernel.state.rules.filter { $0.family == family }.map(\.priority)
            facts.firstPriority[family] = (own + [others].compactMap { $0 }).filter { $0 > 0 }.min()
        }
        let desired = try DesiredState.of(file(text), facts: facts, owned: owned, observed: kernel.state)
        return Plan(from: kernel.state, owned: owned, to: desired)
    }

    private func up(_ text: String, _ kernel: inout KernelModel, others: UInt32? = nil) throws -> SystemState {
        let plan = try plan(text, kernel, owned: SystemState(), others: others)
        for step in plan.steps { try kernel.apply(step) }
        return plan.owned
    }

    /// States compared as a person would: the order of addresses and the places of rules don't matter.
    private func same(_ a: SystemState, _ b: SystemState) -> Bool {
        func plain(_ state: SystemState) -> SystemState {
            var state = state
            state.addresses.sort { ("\($0)") < ("\($1)") }
            state.rules = Set(state.rules.map { PolicyRule($0.family, $0.kind, priority: 1) })
            state.firewall?.addresses.sort()
            return state
        }
        return plain(a) == plain(b)
    }

    static let probes = [
        "10.8.0.2", "10.8.0.99", "10.9.0.5", "10.77.0.1", "198.51.100.7", "fd08::2", "fd08::99", "fd77::1", "2001:db8::7",
    ].map { IPAddress($0)! }

    @Test(arguments: 0..<20) func `a reload makes what a fresh up would, never lets go of what both have, and a failure anywhere is undone`(
        hundred: Int
    ) throws {
        for seed in UInt64(hundred * 25)..<UInt64(hundred * 25 + 25) {
            var random = SplitMix64(seed: seed)
            let (old, new) = (RandomFile.text(&random), RandomFile.text(&random))
            // Somebody else's rules may stand so far in front that there is hardly room before them.
            let others = ([nil, nil, 2, 3, 4, 100] as [UInt32?]).randomElement(using: &random)!
            var kernel = KernelModel(SystemState())
            // An interface of a hook's making: its route stays, whatever is reloaded.
            let owned = try up(old, &kernel, others: others)
            let hooks = TunnelRoute(AddressFamily.v4.defaultRoute, table: 20)
            if kernel.state.addresses.contains(where: { $0.address.family == .v4 }) { kernel.state.routes.insert(hooks) }
            let before = kernel
            let plan = try plan(new, kernel, owned: owned, others: others)

            var fresh = KernelModel(SystemState())
            _ = try up(new, &fresh, others: others)
            let kept = before.state.routes.contains(hooks)
            let both = Self.probes.filter { before.isInside($0) && fresh.isInside($0) }
            func told() -> String {
                "\(old)\n\(new)\n" + plan.steps.compactMap { $0.command(interface: "wg0", tunnel: "wg0") }.joined(separator: "\n")
            }
            for step in plan.steps {
                do { try kernel.apply(step) } catch {
                    Issue.record("seed \(seed): refused \(step):\n\(told())")
                    return
                }
                for probe in both { #expect(kernel.isInside(probe), "seed \(seed): \(probe) leaves in clear after \(step):\n\(told())") }
                #expect(kernel.keepsOut, "seed \(seed): own datagrams enter the tunnel after \(step):\n\(told())")
                for address in before.state.addresses where fresh.state.addresses.contains(address) {
                    #expect(kernel.state.addresses.contains(address), "seed \(seed): \(address) is missing after \(step)")
                }
            }
            var expected = fresh.state
            if kept { expected.routes.insert(hooks) }
            #expect(!kept || kernel.state.routes.contains(hooks), "seed \(seed): the hook's route is gone")
            kernel.state.routes.remove(hooks)
            expected.routes.remove(hooks)
            #expect(same(kernel.state, expected), "seed \(seed):\n\(old)\n\(new)\n\(kernel.state)\n\(expected)")
            // Doing it again changes nothing.
            #expect(try self.plan(new, kernel, owned: plan.owned, others: others).steps == [], "seed \(seed)")

            for count in plan.steps.indices {
                var kernel = before
                for step in plan.steps[..<count] { try kernel.apply(step) }
                // A route can't come back before the address has gone that brought the same with it.
                for step in plan.steps[..<count].reversed().compactMap(\.inverse) { try? kernel.apply(step) }
                // That, and what the kernel dropped by itself on the way: the executor looks once more.
                for step in try self.plan(old, kernel, owned: owned, others: others).steps { try kernel.apply(step) }
                #expect(same(kernel.state, before.state), "seed \(seed): undone after \(count) steps:\n\(old)\n\(new)")
                #expect(try self.plan(old, kernel, owned: owned, others: others).steps == [], "seed \(seed)")
            }
            // And down leaves nothing.
            var down = Plan(from: kernel.state.outliving, owned: plan.owned.outliving, to: SystemState()).steps
            while let step = down.popLast() { kernel.state.apply(step) }
            #expect(kernel.state.outliving == SystemState(), "seed \(seed)")
        }
    }

    @Test(arguments: [1, 2, 3, 32766, 49999] as [UInt32])
    func `a full tunnel's rules come before everybody's, the local network's first, and its record says where`(others: UInt32) throws {
        var kernel = KernelModel(SystemState())
        let owned = try up(
            "[Interface]\nAddress = 10.8.0.1/24\n[Peer]\nPublicKey = \(Self.peer)\nAllowedIPs = 0.0.0.0/0\n", &kernel, others: others)
        let rules = owned.rules.sorted()
        #expect(rules.map { $0.kind } == [PolicyRule.Kind.mainWithoutDefault, .unmarked(51820)])
        #expect(rules.map(\.priority) == [others > 1 ? others - 2 : 0, others - 1])
        let record = Array(SystemRecord.text(owned.outliving).utf8)
        #expect(SystemRecord.read(record, interface: "wg0")?.rules == owned.rules)
    }

    static let peer = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="

    @Test func `a full tunnel's traffic is switched over last`() throws {
        var kernel = KernelModel(SystemState())
        let text =
            "[Interface]\nAddress = 10.8.0.1/24\n[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\nAllowedIPs = 0.0.0.0/0\n"
        let steps = try plan(text, kernel, owned: SystemState()).steps
        #expect(
            steps.compactMap { $0.command(interface: "wg0", tunnel: "wg0")?.split(separator: "\n").first } == [
                "ip -4 address add 10.8.0.1/24 dev wg0", "ip link set mtu 1420 up dev wg0",
                "ip -4 route add unreachable 0.0.0.0/0 table 51820 metric 4294967295", "ip -4 route add 0.0.0.0/0 dev wg0 table 51820",
                "wg set wg0 fwmark 51820", "sysctl -q net.ipv4.conf.all.src_valid_mark=1", "nft -f - <<< \"add table inet wg-lite-wg0",
                "ip -4 rule add table main suppress_prefixlength 0 priority 32764",
                "ip -4 rule add not fwmark 51820 table 51820 priority 32765",
            ])
        // Killed: the interface is gone, the rest holds the traffic back until it is up again, and then nothing of it is made twice.
        let owned = try up(text, &kernel)
        let left = kernel.state.outliving
        let again = Plan(
            from: left, owned: owned.outliving, to: try DesiredState.of(file(text), facts: Self.facts, owned: left, observed: left))
        #expect(!again.steps.contains { if case .removeRule = $0 { true } else { false } })
        #expect(!again.steps.contains { if case .addRule = $0 { true } else { false } })
    }

    @Test func `the main table, named, gets no second route beside the one that an address brings`() throws {
        let text =
            "[Interface]\nAddress = 10.8.0.1/24, fd08::1/64\nTable = 0\n[Peer]\n"
            + "PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\nAllowedIPs = 10.8.0.0/24, 10.8.0.0/16, fd08::/64\n"
        let desired = try DesiredState.of(file(text), facts: Self.facts)
        #expect(desired.routes == [TunnelRoute(IPPrefix("10.8.0.0/16")!), TunnelRoute(IPPrefix("fd08::/64")!)])
    }

    @Test func `what can't be done as written is said before anything is changed`() {
        #expect(throws: UnmetDemand.noSuchTable("nope")) {
            try plan("[Interface]\nTable = nope\n", KernelModel(SystemState()), owned: SystemState())
        }
        #expect(throws: UnmetDemand.mtuTooSmall(1279, IPInterfaceAddress("fd08::1/64")!)) {
            try plan("[Interface]\nMTU = 1279\nAddress = fd08::1/64\n", KernelModel(SystemState()), owned: SystemState())
        }
    }
}
