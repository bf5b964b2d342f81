import MachineState
import NetworkTypes
import SeededRandom
import Testing

@Suite struct SystemRecordTests {
    static var full: SystemState {
        var state = SystemState()
        state.rules = [
            PolicyRule(.v4, .unmarked(51820), priority: 32765), PolicyRule(.v4, .mainWithoutDefault, priority: 32764),
            PolicyRule(.v6, .exempt(119), priority: 100),
        ]
        state.routes = [TunnelRoute(AddressFamily.v6.defaultRoute, table: 51820, kind: .unreachable)]
        state.firewall = FirewallRules(tool: .nft, interface: "wg0", mark: 0, addresses: [])
        state.nameServers = NameServers(method: .resolvconf, servers: [], searchDomains: [])
        state.acceptsMarkedSources = true
        return state
    }

    @Test func `a record is read as it was written`() {
        let text = SystemRecord.text(Self.full)
        #expect(SystemRecord.read(Array(text.utf8), interface: "wg0") == Self.full)
        #expect(SystemRecord.read([], interface: "wg0") == SystemState())
        #expect(SystemRecord.namespace(Array(text.utf8)) == nil)
    }

    @Test func `a record says in which network namespace it is true`() {
        let bytes = Array(SystemRecord.text(Self.full, namespace: 4_026_531_840).utf8)
        #expect(SystemRecord.read(bytes, interface: "wg0") == Self.full && SystemRecord.namespace(bytes) == 4_026_531_840)
        #expect(SystemRecord.text(SystemState(), namespace: 4_026_531_840).isEmpty)
        for bad in ["namespace x\n", "namespace 01\n", "namespace 1 2\n", "namespace 1\nnamespace 1\n"] {
            #expect(SystemRecord.read(Array((SystemRecord.text(Self.full) + bad).utf8), interface: "wg0") == nil)
        }
        #expect(SystemRecord.read(Array("namespace 1\n".utf8), interface: "wg0") == nil)
    }

    @Test func `what goes with the interface isn't written`() {
        var state = SystemState()
        state.addresses = [IPInterfaceAddress("10.8.0.1/24")!]
        state.routes = [TunnelRoute(IPPrefix("10.0.0.0/8")!), TunnelRoute(AddressFamily.v4.defaultRoute, table: 51820)]
        state.firewallMark = 7
        #expect(SystemRecord.text(state).isEmpty)
    }

    @Test(arguments: [
        "x", "rule", "rule 4 1 unmarked", "rule 4 1 unmarked x", "rule 4 -1 unmarked 1", "rule 4 4294967296 unmarked 1",
        "rule 5 1 unmarked 1",
        "rule 4 01 unmarked 1", "rule 4 +1 unmarked 1", "rule 4 1 main-without-default 1", "rule 4 1 unmarked 0", "rule 4  1 unmarked 1",
        "rule 4 1 unmarked 99999999999", "unreachable 4 1", "unreachable ::/0 0", "unreachable ::/0 1 1", "unreachable 10.0.0.1/8 1",
        "unreachable 10.0.0.0 1", "firewall pf", "firewall nft wg1",
        "firewall nft; flush ruleset", "name-servers", "name-servers file /etc/shadow", "name-servers /etc/shadow",
        "dns x file /nonexistent /a",
        "accepts-marked-sources 1", "name-servers file\r", "\tname-servers file", " name-servers file", "name-servers file ",
    ])
    func `one line that isn't ours, and nothing of the record counts`(line: String) {
        let text = SystemRecord.text(Self.full)
        for bad in ["\(line)\n", "\(text)\(line)\n", "\(line)\n\(text)", line] {
            #expect(SystemRecord.read(Array(bad.utf8), interface: "wg0") == nil, "\(bad)")
        }
    }

    @Test func `what is cut, doubled, out of order or not text is none`() {
        let bytes = Array(SystemRecord.text(Self.full).utf8)
        #expect(SystemRecord.read(bytes.dropLast(), interface: "wg0") == nil)
        #expect(SystemRecord.read(bytes + bytes, interface: "wg0") == nil)
        #expect(SystemRecord.read(bytes + [0xff, 0x0a], interface: "wg0") == nil)
        #expect(SystemRecord.read(bytes + [0], interface: "wg0") == nil)
        #expect(SystemRecord.read([UInt8](repeating: 0x0a, count: SystemRecord.maximumSize + 1), interface: "wg0") == nil)
    }

    @Test func `whatever is read is written the same`() {
        var random = SplitMix64(seed: 11)
        let bytes = Array(SystemRecord.text(Self.full, namespace: 4_026_531_840).utf8)
        for _ in 0..<20_000 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: changed.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: changed[place] = UInt8.random(in: 0...127, using: &random)
                case 1: changed.remove(at: place)
                default: changed.insert(bytes.randomElement(using: &random)!, at: place)
                }
            }
            guard let state = SystemRecord.read(changed, interface: "wg0") else { continue }
            #expect(Array(SystemRecord.text(state, namespace: SystemRecord.namespace(changed)).utf8) == changed)
        }
    }
}
