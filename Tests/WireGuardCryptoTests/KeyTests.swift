import Testing
import WireGuardCrypto

@Suite struct KeyTests {
    @Test func `a private key is clamped`() throws {
        let key = try #require(TestBytes.privateKey([UInt8](repeating: 0xff, count: 32)))
        let bytes = unsafe key.withUnsafeBytes { unsafe Array($0) }
        #expect(bytes == [0xf8] + [UInt8](repeating: 0xff, count: 30) + [0x7f])
        let least = try #require(TestBytes.privateKey([UInt8](repeating: 0, count: 32)))
        #expect(unsafe least.withUnsafeBytes { unsafe Array($0) } == [UInt8](repeating: 0, count: 31) + [0x40])
    }

    @Test(arguments: [0, 1, 31, 33, 64]) func `a key of another length than 32 is refused`(count: Int) {
        let bytes = [UInt8](repeating: 1, count: count)
        #expect(TestBytes.privateKey(bytes) == nil)
        #expect(TestBytes.publicKey(bytes) == nil)
        #expect(unsafe bytes.withUnsafeBytes { unsafe PresharedKey($0) } == nil)
    }

    @Test func `a random key follows from its generator`() {
        var (first, second) = (SplitMix64(seed: 5), SplitMix64(seed: 5))
        let key = PrivateKey.random(using: &first)
        #expect(key == PrivateKey.random(using: &second))
        #expect(key != PrivateKey.random(using: &second))
    }

    @Test func `keys are equal where their bytes are`() throws {
        let bytes = [UInt8](0..<32)
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 0x40
            #expect(TestBytes.publicKey(bytes) != TestBytes.publicKey(other))
            let (a, b) = unsafe (
                bytes.withUnsafeBytes { unsafe PresharedKey($0) }, other.withUnsafeBytes { unsafe PresharedKey($0) }
            )
            #expect(a != b)
        }
        #expect(TestBytes.publicKey(bytes) == TestBytes.publicKey(bytes))
        #expect(PresharedKey.zero.isZero)
        #expect(try !#require(unsafe bytes.withUnsafeBytes { unsafe PresharedKey($0) }).isZero)
        #expect(try #require(TestBytes.publicKey([UInt8](repeating: 0, count: 32))).isZero)
    }

    @Test func `wiping leaves zeros`() {
        var bytes = [UInt8](0..<100)
        unsafe bytes.withUnsafeMutableBytes { unsafe wipe($0) }
        #expect(bytes == [UInt8](repeating: 0, count: 100))
    }
}
