import MachineState
import NetworkTypes
import Testing

@Suite struct ResolverFileTests {
    static let former = "# home\nnameserver 192.0.2.53\nsearch home.example\noptions edns0\n"

    private func servers(_ addresses: [String], _ domains: [String] = []) -> NameServers {
        NameServers(method: .file, servers: addresses.map { IPAddress($0)! }, searchDomains: domains)
    }

    private func active(_ file: ResolverFile) -> [String] {
        String(decoding: file.content ?? [], as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
    }

    @Test(arguments: [former, "", "\n", "nameserver 192.0.2.53", "a\n\nb", "#before x\n", "#tunnel wa nameserver 1.2.3.4\n"])
    func `what was there comes back to the last byte, however it ended`(former: String) {
        var file = ResolverFile(Array(former.utf8))
        file.set(servers(["10.8.0.53"]), for: "wa")
        var read = ResolverFile(file.content)
        #expect(read == file && read.has("wa"))
        read.remove("wa")
        #expect(read.content == Array(former.utf8))
    }

    @Test func `bytes that are no text come back as well`() {
        let former: [UInt8] = [0xff, 0x00, 0x0a, 0xfe]
        var file = ResolverFile(former)
        file.set(servers(["10.8.0.53"]), for: "wa")
        var read = ResolverFile(file.content)
        read.remove("wa")
        #expect(read.content == former)
    }

    @Test func `lines that end with a return are lines of their own, and words may be apart by tabs`() {
        let former = "nameserver\t192.0.2.53\r\nnameserver 192.0.2.54\r\nsearch\thome.example\r\n nameserver 192.0.2.55\n"
        #expect(NameServers(method: .file, text: former) == servers(["192.0.2.53", "192.0.2.54"], ["home.example"]))
        var file = ResolverFile(Array(former.utf8))
        file.set(servers([], ["corp.example"]), for: "wa")
        #expect(file.inForce.servers == servers(["192.0.2.53", "192.0.2.54"], ["corp.example", "home.example"]))
    }

    @Test func `where there was no file there is none afterwards`() {
        var file = ResolverFile(nil)
        file.set(servers(["10.8.0.53"]), for: "wa")
        var read = ResolverFile(file.content)
        #expect(active(read) == ["nameserver 10.8.0.53"])
        read.remove("wa")
        #expect(read.content == nil)
    }

    @Test(arguments: [["wa", "wb"], ["wb", "wa"]]) func `two tunnels go down in any order`(order: [String]) {
        var file = ResolverFile(Array(Self.former.utf8))
        file.set(servers(["10.8.0.53"], ["a.example"]), for: "wa")
        file = ResolverFile(file.content)
        file.set(servers(["10.9.0.53"]), for: "wb")
        #expect(active(ResolverFile(file.content)) == ["nameserver 10.9.0.53", "options edns0"])
        file = ResolverFile(file.content)
        file.remove(order[0])
        let remaining =
            order[0] == "wa" ? ["nameserver 10.9.0.53", "options edns0"] : ["nameserver 10.8.0.53", "search a.example", "options edns0"]
        #expect(active(ResolverFile(file.content)) == remaining)
        file = ResolverFile(file.content)
        file.remove(order[1])
        #expect(file.content == Array(Self.former.utf8))
    }

    @Test func `domains alone leave the servers as they are`() {
        var file = ResolverFile(Array(Self.former.utf8))
        file.set(servers([], ["corp.example"]), for: "wa")
        #expect(active(file) == ["nameserver 192.0.2.53", "search corp.example home.example", "options edns0"])
        #expect(ResolverFile(file.content).text(of: "wa") == "search corp.example\n")
    }

    @Test func `servers come with their own domains only`() {
        var file = ResolverFile(Array(Self.former.utf8))
        file.set(servers(["10.8.0.53"], ["corp.example"]), for: "wa")
        #expect(active(file) == ["nameserver 10.8.0.53", "search corp.example", "options edns0"])
        file.set(servers(["10.8.0.54"]), for: "wa")
        #expect(active(file) == ["nameserver 10.8.0.54", "options edns0"])
    }

    @Test func `what another program wrote since is what was there before`() {
        var file = ResolverFile(Array("nameserver 198.51.100.1\n".utf8))
        #expect(!file.has("wa"))
        file.remove("wa")
        #expect(file.content == Array("nameserver 198.51.100.1\n".utf8))
    }
}
