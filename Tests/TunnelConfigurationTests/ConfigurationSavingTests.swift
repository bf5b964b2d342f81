import NetworkTypes
import Testing
import TunnelCore
import WireGuardCrypto

@testable import TunnelConfiguration

@Suite struct ConfigurationSavingTests {
    static func snapshot(of file: ConfigurationFile) -> TunnelSnapshot {
        TunnelSnapshot(
            privateKey: file.interface.privateKey?.value, listenPort: file.interface.listenPort?.value ?? 0,
            firewallMark: file.interface.firewallMark?.value ?? 0,
            peers: file.peers.map {
                PeerSnapshot(
                    publicKey: $0.publicKey!.value, presharedKey: $0.presharedKey?.value,
                    endpoint: $0.endpoint?.value.literal ?? Endpoint("192.0.2.9:51820"),
                    persistentKeepalive: $0.persistentKeepalive?.value ?? 0, lastHandshake: nil, receivedBytes: 0, sentBytes: 0,
                    allowedIPs: $0.allowedIPs.map(\.value.prefix))
            })
    }

    @Test func `saving what runs as written changes not one byte`() {
        for text in [ConfigurationFileTests.whole, ConfigurationFileTests.whole + "\n"] {
            let file = parse(text)
            #expect(String(decoding: file.text(saving: SavedState(Self.snapshot(of: file))).bytes, as: UTF8.self) == text)
        }
    }

    @Test func `only what changed is written, and host names stay`() throws {
        let text = """
            # keep me
            [Interface]
            PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=   # mine

            # the server
            [Peer]
            PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
            AllowedIPs = 10.0.0.0/8   # all
            AllowedIPs = fd00::/8
            Endpoint = vpn.example.org:51820
            PersistentKeepalive = 25

            # goes away
            [Peer]
            PublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=
            # with it
            AllowedIPs = 192.0.2.0/24

            # stays
            [Peer]
            PublicKey = gN65BkIKy1eCE9pP1wdc8ROUtkHLF2PfAqYdyYBz6EA=
            Endpoint = 198.51.100.1:51820

            """
        let file = parse(text)
        var state = Self.snapshot(of: file)
        state.listenPort = 40000
        state.peers.remove(at: 1)
        state.peers[0].allowedIPs = [IPPrefix("10.0.0.0/8")!, IPPrefix("172.16.0.0/12")!]
        state.peers[0].persistentKeepalive = 0
        state.peers[1].endpoint = Endpoint("[2001:db8::1]:4")
        var newPeer = state.peers[1]
        newPeer.publicKey = try PublicKey(base64: "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=")
        newPeer.allowedIPs = [IPPrefix("10.7.0.0/16")!]
        state.peers.append(newPeer)
        let saved = String(decoding: file.text(saving: SavedState(state)).bytes, as: UTF8.self)
        #expect(
            saved == """
                # keep me
                [Interface]
                PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=   # mine
                ListenPort = 40000

                # the server
                [Peer]
                PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
                AllowedIPs = 10.0.0.0/8, 172.16.0.0/12   # all
                Endpoint = vpn.example.org:51820

                # stays
                [Peer]
                PublicKey = gN65BkIKy1eCE9pP1wdc8ROUtkHLF2PfAqYdyYBz6EA=
                Endpoint = [2001:db8::1]:4

                [Peer]
                PublicKey = HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=
                AllowedIPs = 10.7.0.0/16
                Endpoint = [2001:db8::1]:4

                """)
        let again = parse(saved)
        #expect(String(decoding: again.text(saving: SavedState(state)).bytes, as: UTF8.self) == saved)
    }

    static let edited = """
        [Interface]
        PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
        Address = 10.8.0.1/24   # inside
        Address = fe80::7/64, fd08::1/64
        PostUp = true
        [Peer]
        PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
        AllowedIPs = 10.0.0.0/8
        Endpoint = 192.0.2.1:51820
        [Peer]
        PublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=
        AllowedIPs = 192.0.2.0/24

        """

    /// What is written when a person has made `now` of the file, and `change` came to the running tunnel.
    private func saved(_ now: String, _ change: (inout SavedState) throws -> Void) rethrows -> String {
        let file = parse(Self.edited)
        let former = SavedState(Self.snapshot(of: file), addresses: file.interface.addresses.map(\.value))
        var state = former
        try change(&state)
        return String(decoding: parse(now).text(saving: state, since: FormerState(former)).bytes, as: UTF8.self)
    }

    @Test func `what a person changed meanwhile stays where the tunnel is as it came up`() {
        let new = Self.edited.replacing("PostUp = true", with: "PostUp = echo new # really\nDNS = 10.8.0.53\nMTU =\nListenPort = 4000")
            .replacing("10.0.0.0/8", with: "10.0.0.0/8, 172.16.0.0/12").replacing("192.0.2.1:51820", with: "192.0.2.9:51820")
        for text in [Self.edited.replacing("PostUp", with: "ListenPort = 1\nPostUp"), new] { #expect(saved(text) { _ in } == text) }
        // A peer that a person took out, and one that a person brought in.
        let without = new.split(separator: "[Peer]").prefix(2).joined(separator: "[Peer]")
        #expect(saved(without) { _ in } == without)
        let more = new + "[Peer]\nPublicKey = HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=\nAllowedIPs = 10.7.0.0/16\n"
        #expect(saved(more) { _ in } == more)
    }

    @Test func `what the tunnel knows better is written into what a person changed meanwhile`() {
        let now = Self.edited.replacing("PostUp = true", with: "PostUp = echo new").replacing(
            "[Peer]\nPublicKey = x", with: "[Peer] # x\nPublicKey = x")
        let text = saved(now) { state in
            state.tunnel.listenPort = 4242
            state.tunnel.firewallMark = 0x77
            state.tunnel.peers[0].endpoint = Endpoint("198.51.100.1:1")
            state.tunnel.peers[0].allowedIPs.append(IPPrefix("fd00::/8")!)
            state.tunnel.peers[0].persistentKeepalive = 25
            state.tunnel.peers.remove(at: 1)
            state.addresses = ["10.8.0.1/24", "fe80::7/64", "10.8.0.9/24"].map { IPInterfaceAddress($0)! }
        }
        #expect(
            text == """
                [Interface]
                PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
                Address = 10.8.0.1/24   # inside
                Address = fe80::7/64, 10.8.0.9/24
                PostUp = echo new
                ListenPort = 4242
                FwMark = 0x77
                [Peer] # x
                PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
                AllowedIPs = 10.0.0.0/8, fd00::/8
                Endpoint = 198.51.100.1:1
                PersistentKeepalive = 25

                """)
    }

    @Test func `lines that mean nothing to us stay, with the sections that they stand in`() {
        let now = Self.edited + "Colour = blue\n[Weather]\nSun = 1\n"
        let text = saved(now) { $0.tunnel.peers.remove(at: 1) }
        #expect(text.hasSuffix("Endpoint = 192.0.2.1:51820\n[Weather]\nSun = 1\n"))
        let other = saved(now.replacing("PostUp", with: "Colour = red\nPostUp")) { $0.tunnel.listenPort = 9 }
        #expect(other.contains("Colour = red\nPostUp = true\nListenPort = 9\n[Peer]") && other.hasSuffix("blue\n[Weather]\nSun = 1\n"))
    }

    @Test func `several sections of the interface count as one`() {
        let now = Self.edited + "[Interface]\nAddress = 10.8.1.1/24\nListenPort = 1\n"
        let text = saved(now) { state in
            state.tunnel.listenPort = 9
            state.addresses = [IPInterfaceAddress("fd08::1/64")!]
        }
        #expect(text.contains("Address = fd08::1/64\nPostUp") && !text.contains("10.8.0.1/24"))
        #expect(text.hasSuffix("[Interface]\nAddress = 10.8.1.1/24\nListenPort = 9\n"))
    }

    @Test func `line ends of other systems and a byte order mark stay`() {
        let now = "\u{feff}" + Self.edited.replacing("\n", with: "\r\n")
        let text = saved(now) { $0.tunnel.listenPort = 9 }
        #expect(text == now.replacing("PostUp = true\r\n", with: "PostUp = true\r\nListenPort = 9\r\n"))
    }

    @Test func `what others changed before a reload is still saved after it`() {
        let file = parse(Self.edited)
        let cameUp = SavedState(Self.snapshot(of: file), addresses: file.interface.addresses.map(\.value))
        var running = cameUp
        running.tunnel.firewallMark = 0x77
        running.tunnel.peers[0].endpoint = Endpoint("198.51.100.1:1")
        running.addresses?.append(IPInterfaceAddress("10.8.7.7/24")!)
        // The reload brings an address of the file's, which isn't news.
        let edited = parse(Self.edited.replacing("10.8.0.1/24 ", with: "10.8.0.1/24, 10.8.0.2/24 "))
        running.addresses?.append(IPInterfaceAddress("10.8.0.2/24")!)
        let former = FormerState(cameUp).takingOver(edited, running: running, ownMark: 0)
        let saved = String(decoding: edited.text(saving: running, since: former).bytes, as: UTF8.self)
        #expect(
            saved
                == String(decoding: edited.text.bytes, as: UTF8.self).replacing("fd08::1/64", with: "fd08::1/64, 10.8.7.7/24").replacing(
                    "PostUp = true\n", with: "PostUp = true\nFwMark = 0x77\n"
                ).replacing("192.0.2.1:51820", with: "198.51.100.1:1"))
        // What the file itself asks for, or its routes, isn't.
        let own = FormerState(cameUp).takingOver(edited, running: running, ownMark: 0x77)
        #expect(!String(decoding: edited.text(saving: running, since: own).bytes, as: UTF8.self).contains("FwMark"))
    }

    @Test func `what a random state is saved as reads back as that state`() {
        for seed in UInt64(0)..<100 {
            var generator = SeededGenerator(seed: seed)
            let state = RandomState.snapshot(&generator)
            let saved = parse("[Interface]\n").text(saving: SavedState(state)).bytes
            let file = ConfigurationFile(text: saved, name: "saved")
            #expect(!file.hasErrors, "seed \(seed): \(file.diagnostics)")
            #expect(file.tunnelUpdate().remainder(for: state).isEmpty, "seed \(seed)")
        }
    }

    @Test func `a peer that stands twice and a prefix at two peers are synced once`() {
        let (first, second) = ("xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=", "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=")
        let file = parse(
            """
            [Interface]
            [Peer]
            PublicKey = \(first)
            Endpoint = 192.0.2.1:1
            AllowedIPs = 10.1.0.0/16, 10.2.0.0/16
            [Peer]
            PublicKey = \(second)
            AllowedIPs = 10.3.0.0/16
            [Peer]
            PublicKey = \(first)
            PersistentKeepalive = 7
            AllowedIPs = 10.2.0.0/16, 10.3.0.0/16, 10.4.0.0/16
            [Peer]
            PublicKey = \(second)
            AllowedIPs = 10.4.0.0/16
            """)
        var state = TunnelSnapshot(privateKey: nil, listenPort: 0, firewallMark: 0, peers: [])
        let peers = file.tunnelUpdate().remainder(for: state).peers
        #expect(peers.map(\.publicKey.base64) == [first, second])
        #expect(peers.map { $0.allowedIPs.map(\.prefix.description) } == [["10.2.0.0/16", "10.3.0.0/16"], ["10.4.0.0/16"]])
        #expect(peers[0].endpoint == Endpoint("192.0.2.1:1") && peers[0].persistentKeepalive == 7)
        state.peers = peers.map {
            PeerSnapshot(
                publicKey: $0.publicKey, presharedKey: nil, endpoint: $0.endpoint, persistentKeepalive: $0.persistentKeepalive ?? 0,
                lastHandshake: nil, receivedBytes: 0, sentBytes: 0, allowedIPs: $0.allowedIPs.map(\.prefix))
        }
        #expect(file.tunnelUpdate().remainder(for: state).peers.isEmpty)
    }

    @Test func `syncing a file with what it made is a no-op`() {
        let file = parse(ConfigurationFileTests.whole)
        var state = Self.snapshot(of: file)
        #expect(file.tunnelUpdate().remainder(for: state).isEmpty)
        state.peers[0].persistentKeepalive = 1
        let gone = state.peers.remove(at: 1)
        state.peers.append(gone)
        state.peers.append(RandomState.peer(&RandomState.generator))
        let rest = file.tunnelUpdate().remainder(for: state)
        #expect(rest.peers.count == 2)
        #expect(rest.peers.contains { $0.removes })
        #expect(rest.peers.contains { $0.persistentKeepalive == 25 && !$0.replacesAllowedIPs && $0.updatesOnly })
    }
}

/// States of a tunnel that a seed names.
enum RandomState {
    static var generator: SeededGenerator {
        get { SeededGenerator(seed: 99) }
        set {}
    }

    static func snapshot(_ generator: inout SeededGenerator) -> TunnelSnapshot {
        var peers = (0..<Int.random(in: 0...5, using: &generator)).map { _ in peer(&generator) }
        // A prefix is at one peer only.
        var taken: Set<IPPrefix> = []
        for index in peers.indices { peers[index].allowedIPs.removeAll { !taken.insert($0).inserted } }
        return TunnelSnapshot(
            privateKey: PrivateKey.random(using: &generator), listenPort: .random(in: 1...65535, using: &generator), firewallMark: 0,
            peers: peers)
    }

    static func peer(_ generator: inout SeededGenerator) -> PeerSnapshot {
        let secret = PrivateKey.random(using: &generator)
        let address = address(&generator)
        return unsafe PeerSnapshot(
            publicKey: PrivateKey.random(using: &generator).publicKey,
            presharedKey: Bool.random(using: &generator) ? secret.withUnsafeBytes { unsafe PresharedKey($0) } : nil,
            endpoint: Bool.random(using: &generator) ? Endpoint(address: address, port: .random(in: 1...65535, using: &generator)) : nil,
            persistentKeepalive: .random(in: 0...65535, using: &generator),
            lastHandshake: Bool.random(using: &generator) ? .random(in: 1...(1 << 62), using: &generator) : nil,
            receivedBytes: .random(in: 0...(1 << 60), using: &generator), sentBytes: .random(in: 0...(1 << 60), using: &generator),
            allowedIPs: (0..<Int.random(in: 0...6, using: &generator)).map { _ in
                let address = Self.address(&generator)
                return IPPrefix(address, length: UInt8.random(in: 0...UInt8(address.bitWidth), using: &generator))
            })
    }

    private static func address(_ generator: inout SeededGenerator) -> IPAddress {
        Bool.random(using: &generator)
            ? .v4(IPv4Address(rawValue: .random(in: 0 ... .max, using: &generator)))
            : .v6(IPv6Address(high: .random(in: 0 ... .max, using: &generator), low: .random(in: 0 ... .max, using: &generator)))
    }
}
