import NetworkTypes
import Testing
import TunnelCore
import WireGuardCrypto

@testable import TunnelConfiguration

func parse(_ text: String, name: String = "wg0.conf") -> ConfigurationFile {
    ConfigurationFile(text: Array(text.utf8), name: name)
}

@Suite struct ConfigurationFileTests {
    static let whole = """
        # office
        [interface]
        PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk= # ours
        listenport=51820
        FWMARK = 0xca6c
        Address = 10.8.0.1/24, fd08::1/64
        Address = 10.9.0.1
        DNS = 10.8.0.53, example.org fd08::53
        MTU = 1380
        Table = 1234
        PreUp = echo up # %i
        PostUp = iptables -A FORWARD -i %i -j ACCEPT; echo "a=b"
        PostUp = true
        PreDown = true
        PostDown = false
        SaveConfig = true

        [Peer]
        PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
        PresharedKey = FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=
        AllowedIPs = 10.8.0.2/32,fd08::2/128
        AllowedIPs = 192.0.2.0/24
        Endpoint = vpn.example.org:51820
        PersistentKeepalive = 25

        [Peer]
        PublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=
        Endpoint = [2001:db8::7]:51821
        PersistentKeepalive = off
        AllowedIPs = 0.0.0.0/0, ::/0
        """

    @Test func `every key of wg-quick is read`() throws {
        let file = parse(Self.whole)
        #expect(file.diagnostics.isEmpty)
        let interface = file.interface
        #expect(interface.privateKey != nil)
        #expect(interface.listenPort?.value == 51820)
        #expect(interface.firewallMark?.value == 51820)
        #expect(interface.addresses.map(\.value.description) == ["10.8.0.1/24", "fd08::1/64", "10.9.0.1/32"])
        #expect(interface.dnsServers.map(\.value.description) == ["10.8.0.53", "fd08::53"])
        #expect(interface.dnsSearchDomains.map(\.value) == ["example.org"])
        #expect(interface.mtu?.value == 1380)
        #expect(interface.table?.value == .number(1234))
        #expect(interface.preUp.map(\.value) == ["echo up # %i"])
        #expect(interface.postUp.map(\.value) == ["iptables -A FORWARD -i %i -j ACCEPT; echo \"a=b\"", "true"])
        #expect(interface.preDown.map(\.value) == ["true"])
        #expect(interface.postDown.map(\.value) == ["false"])
        #expect(interface.savesConfiguration)
        #expect(file.peers.count == 2)
        #expect(file.peers[0].allowedIPs.map(\.value.prefix.description) == ["10.8.0.2/32", "fd08::2/128", "192.0.2.0/24"])
        #expect(file.peers[0].endpoint?.value == EndpointName(host: "vpn.example.org", service: "51820"))
        #expect(file.peers[0].persistentKeepalive?.value == 25)
        #expect(file.peers[0].presharedKey != nil)
        #expect(file.peers[1].endpoint?.value.literal == Endpoint("[2001:db8::7]:51821"))
        #expect(file.peers[1].persistentKeepalive?.value == 0)
        #expect(file.unresolvedEndpoints.map(\.name.host) == ["vpn.example.org"])
        let update = file.tunnelUpdate()
        #expect(update.replacesPeers)
        #expect(update.peers[1].endpoint == Endpoint("[2001:db8::7]:51821"))
        #expect(update.peers[0].endpoint == nil)
    }

    @Test func `nothing after MTU or Table is the default, whatever stood there before`() {
        let file = parse("[Interface]\nMTU = 1300\nTable = off\nMTU =\nTable = # none\n")
        #expect(!file.hasErrors && file.interface.mtu == nil && file.interface.table == nil)
        for name in ["PrivateKey", "ListenPort", "FwMark", "SaveConfig"] { #expect(parse("[Interface]\n\(name) =\n").hasErrors, "\(name)") }
        for name in ["DNS", "Address", "PreUp", "PostUp", "PreDown", "PostDown"] { #expect(!parse("[Interface]\n\(name) =\n").hasErrors) }
    }

    @Test(arguments: [("0", 254), ("0x0", 254), ("00", 254), ("010", 8), ("0x10", 16), ("77", 77), ("4294967295", UInt32.max)])
    func `the number of a table is read as ip reads it, and 0 is the main table`(text: String, number: UInt32) {
        #expect(parse("[Interface]\nTable = \(text)").interface.table?.value == .number(number))
    }

    @Test(arguments: ["4294967296", "08", "0x", "1x", "-1", "+1", "0x100000000"]) func `what is no number of a table isn't one`(
        _ text: String
    ) {
        let table = parse("[Interface]\nTable = \(text)").interface.table?.value
        if case .number(let number)? = table { Issue.record("\(text) is \(number)") }
    }

    @Test func `an MTU may be octal or hexadecimal`() {
        #expect(parse("[Interface]\nMTU = 0x578").interface.mtu?.value == 1400)
        #expect(parse("[Interface]\nMTU = 02570").interface.mtu?.value == 1400)
        #expect(parse("[Interface]\nMTU = 0x1").hasErrors && parse("[Interface]\nMTU = 0x10000").hasErrors)
    }

    @Test func `an IPv6 address that stands twice with different lengths is an error at its place`() throws {
        let file = parse("[Interface]\nAddress = fd08::1/64, 10.8.0.1/24\nAddress = 10.8.0.1/32, fd08::1/128\n")
        let error = try #require(file.diagnostics.first { $0.severity == .error })
        #expect(error.line == 3 && error.column == 24 && error.message.contains("line 2"))
        let again = parse("[Interface]\nAddress = fd08::1/64, fd08::1/64, 10.8.0.1/24, 10.8.0.1/24\n")
        #expect(!again.hasErrors && again.diagnostics.count { $0.message.contains("already") } == 2)
    }

    @Test func `what wg reads in spite of its looks is read`() {
        let key = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
        #expect(parse("\u{feff}[Interface]\r\nPrivateKey=\(key)\r\n  ListenPort  =\t5 1 8 2 0  \r\n").interface.listenPort?.value == 51820)
        #expect(
            parse("[ Peer ]\nPublicKey = \(key)\nAllowedIPs = +10.0.0.0/8, -10.1.0.0/16").peers[0].allowedIPs.map(\.value.change) == [
                .add, .remove,
            ])
        #expect(parse("[Interface]\nFwMark = off\nPrivateKey = \(key)").interface.firewallMark?.value == 0)
        #expect(parse("[Interface]\nPrivateKey = \(key)\nPrivateKey = \(key)").hasErrors == false)
        #expect(parse("[Interface]\nPrivateKey = \(key)\nTable = main").interface.table?.value == .named("main"))
    }

    @Test func `a wrong prefix is shown with its place, a caret and the reason`() throws {
        let file = parse("[Peer]\n\nAllowedIPs = 10.8.0.2/33, fd08::/64\n", name: "office.conf")
        let problem = try #require(file.diagnostics.first { $0.line == 3 })
        #expect(
            problem.description == """
                office.conf:3:14: AllowedIPs: "10.8.0.2/33" is not a prefix: IPv4 lengths end at 32
                  3 | AllowedIPs = 10.8.0.2/33, fd08::/64
                    |              ^~~~~~~~~~~
                """)
    }

    @Test func `all problems come at once, in the order of the file`() {
        let file = parse(
            """
            [Interface]
            PrivateKee = x
            MTU = 12
            Adress = 1.2.3.4
            Address = 1.2.3.4/40, nonsense
            DNS = 1.2.3.4.5
            SaveConfig = yes
            AllowedIPs = 10.0.0.0/8
            just words
            = 3
            [Pear]
            Whatever = 1
            [Peer]
            PublicKey = short
            Endpoint = 2001:db8::1
            PersistentKeepalive = 70000
            AllowedIPs = 10.0.0.0/8, , 10.0.0.0/8 10.1.0.0/16
            """)
        let lines = file.diagnostics.filter { $0.severity == .error }.map { $0.line ?? 0 }
        #expect(lines == [2, 3, 4, 5, 5, 6, 7, 8, 9, 10, 11, 14, 15, 16, 17, 17])
        #expect(file.diagnostics.first { $0.line == 2 }?.suggestion == "did you mean PrivateKey?")
        #expect(file.diagnostics.first { $0.line == 4 }?.suggestion == "did you mean Address?")
        #expect(file.diagnostics.first { $0.line == 8 }?.message == "AllowedIPs belongs in [Peer], not in [Interface]")
        #expect(file.diagnostics.first { $0.line == 11 }?.suggestion == "did you mean [Peer]?")
        #expect(file.diagnostics.last { $0.line == 17 }?.suggestion == "separate entries with commas")
    }

    @Test func `a file of nothing but mistakes is told in a bounded number of them, and the others are counted`() {
        let entries = String(repeating: "x,", count: 4000)
        let file = parse("[Interface]\nAddress = \(entries)x\nFwMark = y\n")
        #expect(file.diagnostics.count(where: { $0.severity == .error }) == ConfigurationFile.mostDiagnostics)
        // One for each entry, the mark's, and the key that is missing.
        #expect(file.omittedErrors + ConfigurationFile.mostDiagnostics >= 4002)
        #expect(file.hasErrors)
        let key = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
        let peers = parse(String(repeating: "[Peer]\nPublicKey = \(key)\nAllowedIPs = 10.0.0.0/8\n", count: 2000))
        #expect(peers.diagnostics.count(where: { $0.severity == .warning }) == ConfigurationFile.mostDiagnostics)
        #expect(peers.omittedWarnings > 1000)
    }

    // Comparing each section with all before it takes minutes.
    @Test(.timeLimit(.minutes(1))) func `twenty thousand sections of one peer are compared in one pass`() {
        let key = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
        let peers = parse(String(repeating: "[Peer]\nPublicKey = \(key)\nAllowedIPs = 10.0.0.0/8\n", count: 20_000))
        #expect(peers.omittedWarnings > 19_000)
    }

    @Test func `no diagnostic shows a secret`() {
        let secret = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk"
        // Where people put it by mistake: under a misspelt key, in another section, before any, without `=`, in another key's place.
        let mistakes = [
            "[Interface]\nPrivatKey = \(secret)=", "[Peer]\nPrivateKey = \(secret)=", "PrivateKey = \(secret)=",
            "[Interface]\nPrivateKey \(secret)=",
            "[Interface]\nPrivateKey: \(secret)=", "[Interface]\nListenPort = \(secret)=", "[Interface]\nAddress = \(secret)=",
            "[Peer]\nAllowedIPs = 10.0.0.0/8, \(secret)=", "[Peer]\nEndpoint = \(secret)", "[Interface]\nPrivateKey = yAnz5TF+lXX",
            "[\(secret)]", "[Interface]\n\(secret)=", "[Interface]\nPrivateKey = \(secret)=\nPrivateKey = \(secret)=\nMTU = 1",
        ]
        for text in mistakes {
            let problems = parse(text).diagnostics.filter { $0.line != nil }
            #expect(!problems.isEmpty, "\(text)")
            for problem in problems { #expect(!problem.description.contains(secret.prefix(8)), "\(problem)") }
        }
        for text in [
            "[Interface]\nPrivateKey = \(secret)", "[Peer]\nPresharedKey = \(secret)==", "[Interface]\nPrivateKey = \(secret) # x",
        ] {
            let file = parse(text)
            #expect(file.hasErrors)
            for problem in file.diagnostics { #expect(!problem.description.contains(secret.prefix(8))) }
        }
    }

    @Test func `host bits, overlaps and repeated peers are warnings that name both peers`() {
        let file = parse(
            """
            [Interface]
            PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
            [Peer]
            PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
            AllowedIPs = 10.8.0.1/24, 192.168.0.0/16, 172.16.0.0/12
            [Peer]
            PublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=
            AllowedIPs = 10.8.0.0/24, 192.168.7.0/24, 0.0.0.0/0
            [Peer]
            PublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=
            """)
        #expect(!file.hasErrors)
        let messages = file.diagnostics.map(\.message)
        #expect(messages.contains { $0.contains("10.8.0.1/24 has bits set") })
        #expect(messages.contains { $0.contains("10.8.0.0/24 stands at peer xTIB…Dg= (line 3) as well as at peer TrMv…X0= (line 6)") })
        #expect(messages.contains { $0.contains("192.168.7.0/24 of peer TrMv…X0= (line 6) lies within 192.168.0.0/16 of peer xTIB…Dg=") })
        #expect(messages.contains { $0.contains("the same peer stands in line 7; the two become one, with the AllowedIPs of the last") })
        #expect(messages.contains { $0.contains("no AllowedIPs") })
        #expect(messages.count == 5)
    }

    @Test func `overlaps are what a comparison of all pairs finds`() {
        for seed in UInt64(0)..<200 {
            var generator = SeededGenerator(seed: seed)
            var text = "[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"
            var all: [[IPPrefix]] = []
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let key = PrivateKey.random(using: &generator).publicKey
                let prefixes = (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                    IPPrefix(
                        .v4(IPv4Address(rawValue: 0x0a00_0000 | UInt32.random(in: 0...7, using: &generator) << 21)),
                        length: UInt8.random(in: 9...12, using: &generator))
                }
                text += "[Peer]\nPublicKey = \(key.base64)\nAllowedIPs = \(prefixes.map(\.description).joined(separator: ","))\n"
                all.append(prefixes)
            }
            var overlaps = false
            for a in all.indices {
                for b in all.indices where b > a {
                    overlaps = overlaps || all[a].contains { x in all[b].contains { $0.contains(x) || x.contains($0) } }
                }
            }
            let found = parse(text).diagnostics.contains { $0.message.contains("as well as") || $0.message.contains("lies within") }
            #expect(found == overlaps, "seed \(seed)\n\(text)")
        }
    }

    @Test func `hostile bytes never crash the reader, and its diagnostics can be shown`() {
        let pieces: [String] = [
            "[", "]", "Interface", "Peer", "=", "#", ",", "\n", "\r", "\0", " ", "\t", "AllowedIPs", "Address", "DNS", "Endpoint",
            "PrivateKey", "10.0.0.0/8",
            "::/0", "é", "🔑", "[::1]:", "/", "-", "+", "999999999999999999999", "PostUp", "0x",
        ]
        for seed in UInt64(0)..<2000 {
            var generator = SeededGenerator(seed: seed)
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0...40, using: &generator) {
                if Int.random(in: 0..<8, using: &generator) == 0 {
                    bytes.append(UInt8.random(in: 0...255, using: &generator))
                } else {
                    bytes += pieces.randomElement(using: &generator)!.utf8
                }
            }
            let file = ConfigurationFile(text: bytes, name: "x")
            for problem in file.diagnostics { #expect(!problem.description.isEmpty) }
            _ = file.tunnelUpdate()
            _ = file.text(saving: SavedState(.init(privateKey: nil, listenPort: 0, firewallMark: 0, peers: [])))
        }
    }

    @Test(arguments: [
        ("AllowedIp", "AllowedIPs"), ("EndPiont", "Endpoint"), ("Adress", "Address"), ("pulbickey", "PublicKey"), ("DNS1", "DNS"),
    ])
    func `a near miss finds its key`(written: String, meant: String) {
        #expect(NearMiss.nearest(to: written, among: ConfigurationKey.allCases.map(\.rawValue)) == meant)
    }

    @Test func `what is far from every name is not guessed at`() {
        #expect(NearMiss.nearest(to: "Colour", among: ConfigurationKey.allCases.map(\.rawValue)) == nil)
        #expect(NearMiss.nearest(to: String(repeating: "x", count: 100_000), among: ["MTU"]) == nil)
    }

    @Test func `a hook is its bytes, in whatever encoding they are`() {
        let line = Array("PostUp = printf f".utf8) + [0xfc, 0xff] + Array("%i # %i%%i %\n".utf8)
        let file = ConfigurationFile(text: Array("[Interface]\n".utf8) + line, name: "latin.conf")
        let command = Array("printf f".utf8) + [0xfc, 0xff]
        #expect(file.interface.postUp.map(\.value.bytes) == [command + Array("%i # %i%%i %".utf8)])
    }

    @Test func `of a peer that stands twice the last section's allowed IPs are in force, or come and go by their signs`() {
        let key = "PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"
        func allowed(_ first: String, _ second: String) -> Set<IPPrefix> {
            parse("[Interface]\n[Peer]\n\(key)AllowedIPs = \(first)\n[Peer]\n\(key)AllowedIPs = \(second)\n").allowedPrefixes
        }
        let (a, b) = (IPPrefix("10.9.0.0/16")!, IPPrefix("10.10.0.0/16")!)
        #expect(allowed("10.9.0.0/16", "10.10.0.0/16") == [b])
        #expect(allowed("10.9.0.0/16", "+10.10.0.0/16") == [a, b])
        #expect(allowed("10.9.0.0/16, 10.10.0.0/16", "-10.9.0.0/16") == [b])
        #expect(allowed("10.9.0.0/16", "") == [])
    }
}
