import Testing
import WireGuardCrypto

@testable import TunnelConfiguration

@Suite struct PeerNamesTests {
    static let keys = [
        "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=", "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=",
        "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=",
    ]

    static func names(_ peers: String...) throws -> [String?] {
        let file = parse("[Interface]\n" + zip(peers, keys).map { $0.replacing("KEY", with: "PublicKey = \($1)") }.joined(separator: "\n"))
        let names = file.peerNames
        return try keys.prefix(peers.count).map { names[try PublicKey(base64: $0)] }
    }

    @Test func `a peer's name is the first comment of its section`() throws {
        #expect(
            try Self.names("[Peer]\n# Alice's laptop\n# second\nKEY", "[Peer] # Bob\nKEY", "[Peer]\nKEY") == ["Alice's laptop", "Bob", nil])
        #expect(
            try Self.names("[Peer]\n##  friendly_name = Carol <b>\nKEY", "[Peer]\n# Name=Dan = Dan\nKEY") == ["Carol <b>", "Dan = Dan"])
    }

    @Test func `a setting taken out, a remark behind one and the comment above the next peer are no names`() throws {
        #expect(try Self.names("[Peer]\n# Endpoint = 192.0.2.1:1\nKEY # remark\n\n# Bob's", "[Peer]\n#\nKEY") == [nil, nil])
    }

    @Test func `a name is no longer than 64 characters`() throws {
        #expect(try Self.names("[Peer]\n# \(String(repeating: "é", count: 200))\nKEY")[0]?.count == 64)
    }
}
