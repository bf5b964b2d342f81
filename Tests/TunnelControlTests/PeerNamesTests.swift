import Testing
import TunnelConfiguration
import WireGuardCrypto

@testable import TunnelControl

@Suite struct PeerNamesTests {
    @Test func `names survive their lines of text, and bring no lines of their own`() throws {
        let a = try PublicKey(base64: "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=")
        let b = try PublicKey(base64: "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=")
        #expect(PeerNames(text: PeerNames([a: "the office (north)", b: "x"]).text).names == [a: "the office (north)", b: "x"])
        let hostile = PeerNames(text: PeerNames([a: "name\n\(b.base64) other\u{1b}[2J"]).text)
        #expect(hostile.names.count == 1 && !hostile.names[a]!.contains("\u{1b}"))
        #expect(PeerNames(text: "nonsense\n\n= x\n").names.isEmpty)
    }
}
