import Testing
import WireGuardCrypto

@testable import TunnelConfiguration

@Suite struct KeyTextTests {
    // Made by `wg genkey` and `wg pubkey`.
    static let privateText = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
    static let publicText = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="

    @Test func `a key read from base64 is written back as it was`() throws {
        #expect(try PublicKey(base64: Self.publicText).base64 == Self.publicText)
        #expect(try PrivateKey(base64: Self.privateText).secretBase64.count == 44)
    }

    @Test func `random keys survive both texts`() throws {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<500 {
            let key = PrivateKey.random(using: &generator).publicKey
            #expect(try PublicKey(base64: key.base64) == key)
            var hex: [UInt8] = []
            key.appendHex(to: &hex)
            #expect(try PublicKey(hex: hex[...]) == key)
            #expect(try PublicKey(hex: Array(String(decoding: hex, as: UTF8.self).uppercased().utf8)[...]) == key)
        }
    }

    @Test func `every byte value that is not of the alphabet is refused, by position`() {
        let valid = Array(Self.publicText.utf8)
        let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        for byte in UInt8.min...UInt8.max where !alphabet.contains(byte) {
            for position in [0, 17, 42] {
                var text = valid
                text[position] = byte
                #expect(throws: KeyTextError.character(at: position)) { try PublicKey(base64: text[...]) }
            }
        }
        var hex = [UInt8](repeating: UInt8(ascii: "0"), count: 64)
        let digits = Set("0123456789abcdefABCDEF".utf8)
        for byte in UInt8.min...UInt8.max {
            hex[31] = byte
            #expect(((try? PublicKey(hex: hex[...])) != nil) == digits.contains(byte))
        }
    }

    @Test(arguments: [
        ("", KeyTextError.length(0)), ("xTIB", .length(4)),
        ("xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg", .length(43)),
        ("xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dga", .padding),
        ("xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dh=", .trailingBits),
        ("xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8D==", .character(at: 42)),
    ])
    func `a damaged key says what is wrong`(text: String, error: KeyTextError) {
        #expect(throws: error) { try PublicKey(base64: text) }
    }
}
