import NetworkTypes
import SeededRandom
import Testing

@testable import TunnelCore

/// The obvious router: a list of prefixes, searched from end to end.
struct LinearRouter {
    private(set) var entries: [IPPrefix: UInt32] = [:]

    mutating func insert(_ prefix: IPPrefix, peer: UInt32) {
        entries[prefix] = peer
    }

    mutating func remove(_ prefix: IPPrefix, peer: UInt32) {
        if entries[prefix] == peer { entries[prefix] = nil }
    }

    mutating func removeAll(of peer: UInt32) {
        entries = entries.filter { $0.value != peer }
    }

    func lookup(_ address: IPAddress) -> UInt32? {
        entries.filter { $0.key.contains(address) }.max { $0.key.length < $1.key.length }?.value
    }

    func prefixes(of peer: UInt32) -> [IPPrefix] {
        entries.filter { $0.value == peer }.map(\.key)
    }
}

@Suite struct AllowedIPsTests {
    static func prefix(_ text: String) throws -> IPPrefix {
        try #require(IPPrefix(text))
    }

    static func address(_ text: String) throws -> IPAddress {
        try #require(IPAddress(text))
    }

    /// Prefixes close to each other, so that they nest, fork and replace each other often.
    static func randomPrefix(using random: inout SplitMix64) -> IPPrefix {
        if Bool.random(using: &random) {
            let address = IPv4Address(rawValue: 0x0a00_0000 | UInt32.random(in: 0 ... .max, using: &random) & 0x0003_0303)
            return IPPrefix(.v4(address), length: [0, 8, 14, 15, 16, 22, 23, 24, 30, 31, 32].randomElement(using: &random)!)
        }
        let high = 0xfd00_0000_0000_0000 | UInt64.random(in: 0...3, using: &random)
        let low = UInt64.random(in: 0...3, using: &random) << 62 | UInt64.random(in: 0...3, using: &random)
        return IPPrefix(
            .v6(IPv6Address(high: high, low: low)),
            length: [0, 8, 62, 63, 64, 65, 66, 126, 127, 128].randomElement(using: &random)!)
    }

    @Test(arguments: [1 as UInt64, 2, 3, 4]) func `the trie routes as a linear search does`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var trie = AllowedIPs()
        var reference = LinearRouter()
        for step in 0..<3000 {
            let prefix = Self.randomPrefix(using: &random)
            let peer = UInt32.random(in: 0..<6, using: &random)
            // Phases of growth and of shrinking, so that the trie becomes large and empty in turn.
            switch Int.random(in: 0..<100, using: &random) + (step / 500 % 2 == 0 ? 0 : 35) {
            case ..<60:
                trie.insert(prefix, peer: peer)
                reference.insert(prefix, peer: peer)
            case 133...:
                trie.removeAll(of: peer)
                reference.removeAll(of: peer)
            default:
                trie.remove(prefix, peer: peer)
                reference.remove(prefix, peer: peer)
            }
            #expect(trie.count == reference.entries.count, "seed \(seed), step \(step)")
            for _ in 0..<4 {
                let address = Self.randomPrefix(using: &random).address
                #expect(trie.lookup(address) == reference.lookup(address), "seed \(seed), step \(step), \(address)")
            }
            if step.isMultiple(of: 100) {
                for peer in 0..<7 as Range<UInt32> {
                    #expect(trie.prefixes(of: peer).sorted() == reference.prefixes(of: peer).sorted(), "seed \(seed), step \(step)")
                }
            }
        }
        for peer in 0..<6 as Range<UInt32> { trie.removeAll(of: peer) }
        #expect(trie.count == 0)
        #expect(trie.rootV4 == AllowedIPs.none && trie.rootV6 == AllowedIPs.none, "forks go with their branches")
    }

    @Test func `the longest prefix decides, and families do not mix`() throws {
        var trie = AllowedIPs()
        for (peer, text) in ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "::/0", "a00::/8", "::a01:203"].enumerated() {
            trie.insert(try Self.prefix(text), peer: UInt32(peer))
        }
        for (text, peer) in [
            ("9.255.255.255", 0), ("10.0.0.0", 1), ("10.2.0.0", 1), ("10.1.0.0", 2), ("10.1.2.2", 2), ("10.1.2.3", 3), ("11.0.0.0", 0),
            ("255.255.255.255", 0), ("0.0.0.0", 0), ("::", 4), ("a00::", 5), ("aff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 5), ("b00::", 4),
            ("::a01:203", 6), ("::a01:202", 4), ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 4),
        ] as [(String, UInt32)] {
            #expect(try trie.lookup(Self.address(text)) == peer, "\(text)")
        }
    }

    @Test func `what a lookup remembers is forgotten with every change, and families do not mix there`() throws {
        var trie = AllowedIPs()
        for number in 0..<20 as Range<UInt32> { trie.insert(try Self.prefix("172.16.\(number).0/24"), peer: 100 + number) }
        // The same bits as key: 10.1.2.3 and the upper bits of a01:203::.
        let (v4, v6) = (try Self.address("10.1.2.3"), try Self.address("a01:203::"))
        func expect(_ first: UInt32?, _ second: UInt32?) {
            for _ in 0..<3 {
                #expect(trie.lookup(v4) == first)
                #expect(trie.lookup(v6) == second)
            }
        }
        expect(nil, nil)
        trie.insert(try Self.prefix("10.0.0.0/8"), peer: 1)
        expect(1, nil)
        trie.insert(try Self.prefix("a00::/8"), peer: 2)
        expect(1, 2)
        trie.insert(try Self.prefix("10.1.2.3"), peer: 3)
        expect(3, 2)
        trie.insert(try Self.prefix("10.1.2.3"), peer: 4)
        expect(4, 2)
        trie.remove(try Self.prefix("10.1.2.3"), peer: 4)
        expect(1, 2)
        trie.removeAll(of: 2)
        expect(1, nil)
        // Few prefixes again.
        for number in 0..<20 as Range<UInt32> { trie.removeAll(of: 100 + number) }
        expect(1, nil)
        trie.removeAll(of: 1)
        expect(nil, nil)
    }

    @Test func `a prefix that moves is taken from the peer that had it`() throws {
        var trie = AllowedIPs()
        let (wide, narrow) = (try Self.prefix("10.0.0.0/8"), try Self.prefix("10.1.0.0/16"))
        trie.insert(wide, peer: 1)
        trie.insert(narrow, peer: 1)
        trie.insert(narrow, peer: 2)
        #expect(trie.prefixes(of: 1) == [wide] && trie.prefixes(of: 2) == [narrow] && trie.count == 2)
        trie.remove(narrow, peer: 1)
        #expect(try trie.lookup(Self.address("10.1.0.1")) == 2, "it is no longer the first one's to remove")
        trie.removeAll(of: 2)
        #expect(try trie.lookup(Self.address("10.1.0.1")) == 1)
    }

    @Test func `prefixes are listed in the order in which they were given`() throws {
        var trie = AllowedIPs()
        let all = try ["10.9.0.0/16", "::/0", "10.0.0.0/8", "fd00::1/128", "0.0.0.0/0"].map(Self.prefix)
        for prefix in all { trie.insert(prefix, peer: 3) }
        trie.insert(all[1], peer: 3)
        #expect(trie.prefixes(of: 3) == all)
        trie.remove(all[2], peer: 3)
        #expect(trie.prefixes(of: 3) == Array(all[..<2]) + Array(all[3...]))
        #expect(trie.prefixes(of: 0).isEmpty && trie.prefixes(of: 99).isEmpty)
    }

    @Test func `the generation changes with every change of a route, and only then`() throws {
        var trie = AllowedIPs()
        let prefix = try Self.prefix("10.0.0.0/8")
        var seen = trie.generation
        func changed() -> Bool {
            defer { seen = trie.generation }
            return trie.generation != seen
        }
        trie.insert(prefix, peer: 1)
        #expect(changed())
        trie.insert(prefix, peer: 1)
        #expect(!changed())
        trie.insert(prefix, peer: 2)
        #expect(changed())
        trie.remove(prefix, peer: 1)
        #expect(!changed())
        _ = try trie.lookup(Self.address("10.0.0.1"))
        #expect(!changed())
        trie.remove(prefix, peer: 2)
        #expect(changed())
    }

    @Test func `nodes are used again`() throws {
        var random = SplitMix64(seed: 9)
        var trie = AllowedIPs()
        var most = 0
        for round in 0..<20 {
            for _ in 0..<300 { trie.insert(Self.randomPrefix(using: &random), peer: 0) }
            trie.removeAll(of: 0)
            if round == 4 { most = trie.used }
        }
        #expect(trie.used <= most * 2, "\(trie.used) after \(most)")
    }
}
