import Testing

@testable import TunAdapter

@Suite struct AdapterIdentityTests {
    private func identity(pool: String, name: String, queueCount: Int = 1) -> AdapterIdentity {
        AdapterIdentity(pool: pool, name: name, guid: .random(), queueCount: queueCount)
    }

    @Test(arguments: [
        ("p", "n"), ("org.example.demo", "Büro (West)"), ("a:b:c", "::::"), ("TA1", "TA1 TA1"), ("\"quoted\\", "back\\slash \" '"),
        ("%s%n", "%d%d%d%d %s"), ("../../etc", "../../../proc/1"), ("🦊", "👩‍👩‍👧‍👦 family"), ("é", "é "), ("a b", " leading and trailing "),
        (String(repeating: "p", count: 96), String(repeating: "n", count: 127)),
        (String(repeating: "😀", count: 24), String(repeating: "😀", count: 31) + "abc"),
    ])
    func `every permitted pool and name survive the alias, within 255 bytes`(_ pool: String, _ name: String) throws {
        try AdapterIdentity.checkPool(pool)
        try AdapterIdentity.checkName(name)
        let original = identity(pool: pool, name: name, queueCount: 255)
        let alias = try #require(original.alias)
        #expect(alias.utf8.count <= 255)
        let read = try #require(AdapterIdentity(alias: alias))
        #expect(read == original && read.pool.utf8.elementsEqual(pool.utf8))
        #expect(read.name(interfaceName: "tun9") == (original.displayName ?? "tun9"))
    }

    @Test func `a name that is an interface's follows the interface`() throws {
        let alias = try #require(identity(pool: "p", name: "demo0").alias)
        let read = try #require(AdapterIdentity(alias: alias))
        #expect(read.name(interfaceName: "demo7") == "demo7")
    }

    @Test func `an alias that was cut off or changed is not ours, and reading one never traps`() throws {
        var generator = SplitMix64(seed: 20_261_124)
        let alias = try #require(identity(pool: "org.example.demo", name: "Ein Büro").alias)
        let bytes = Array(alias.utf8)
        for length in 0..<bytes.count {
            let cut = AdapterIdentity(alias: String(decoding: bytes[..<length], as: UTF8.self))
            // A cut inside of the name leaves a shorter name; anything else leaves nothing.
            #expect(cut == nil || cut?.pool == "org.example.demo")
        }
        for _ in 0..<20_000 {
            var changed = bytes
            for _ in 0...Int(generator.next() % 4) { changed[Int(generator.next() % UInt64(bytes.count))] = UInt8(generator.next() & 0xff) }
            let text = String(decoding: changed, as: UTF8.self)
            if let read = AdapterIdentity(alias: text) { #expect(read.alias == text) }
        }
    }

    @Test(arguments: ["", "a hand-written note", "TA1", "TA1zz01AAAAAAAAAAAAAAAAAAAAAA:p:", "TA10000AAAAAAAAAAAAAAAAAAAAAA::"])
    func `other aliases are not ours`(_ alias: String) {
        #expect(AdapterIdentity(alias: alias) == nil)
    }

    @Test(arguments: ["", String(repeating: "x", count: 128), "line\nfeed", "nul\0", "esc\u{1b}[31m", "c1\u{85}", "del\u{7f}"])
    func `names out of their limits are refused`(_ name: String) {
        #expect(code { try AdapterIdentity.checkName(name) } == .invalidParameter)
    }

    @Test func `limits count bytes, not characters`() {
        #expect(code { try AdapterIdentity.checkName(String(repeating: "ü", count: 63)) } == nil)
        #expect(code { try AdapterIdentity.checkName(String(repeating: "ü", count: 64)) } == .invalidParameter)
        #expect(code { try AdapterIdentity.checkPool(String(repeating: "ü", count: 48)) } == nil)
        #expect(code { try AdapterIdentity.checkPool(String(repeating: "ü", count: 49)) } == .invalidParameter)
    }

    @Test func `derived interface names are valid and differ from attempt to attempt`() {
        for name in ["My Office", "Ä Ö Ü", "a/b:c d", String(repeating: "long ", count: 20), "%d", "..", "🦊 🦊"] {
            let identity = identity(pool: "p", name: name)
            let names = (0..<8).map { identity.derivedInterfaceName(attempt: $0) }
            #expect(Set(names).count == 8 && names.allSatisfy { $0.utf8.count <= 15 && !$0.contains("/") }, "\(names)")
        }
    }

    @Test func `a GUID reads back what it writes`() throws {
        for _ in 0..<1000 {
            let guid = AdapterGUID.random()
            #expect(AdapterGUID(guid.description) == guid)
            #expect(AdapterGUID(compactText: guid.compactText.utf8) == guid)
            #expect(guid.high >> 12 & 0xf == 4 && guid.low >> 62 == 2)
        }
        let known = try #require(AdapterGUID("DEADBABE-CAFE-BEEF-0123-456789ABCDEF"))
        #expect(known.high == 0xdead_babe_cafe_beef && known.low == 0x0123_4567_89ab_cdef)
        #expect(known.description == "{deadbabe-cafe-beef-0123-456789abcdef}")
        for bad in [
            "", "{}", "deadbabe-cafe-beef-0123-456789abcde", "+eadbabe-cafe-beef-0123-456789abcdef", "deadbabecafebeef0123456789abcdef",
        ] {
            #expect(AdapterGUID(bad) == nil)
        }
    }

    @Test func `a LUID has NET_LUID's layout`() {
        let luid = AdapterLUID(interfaceIndex: 0x12_3456)
        #expect(luid.rawValue == 0x0035_1234_5600_0000)
        #expect(luid.interfaceType == 53 && luid.interfaceIndex == 0x12_3456)
    }
}

/// A generator from a seed (Steele, Lea and Flood, 2014).
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
