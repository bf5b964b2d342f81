import Testing
import VectorFiles
import WireGuardCrypto

@Suite struct AEADTests {
    @Test func `every published text seals and opens`() throws {
        let file = try AEADVectors.load()
        var ran = 0
        for vector in file.cases {
            let (key, nonce, aad) = (vector.key.bytes, vector.nonce.bytes, vector.additionalData.bytes)
            #expect(TestBytes.seal(vector.plaintext.bytes, aad: aad, nonce: nonce, key: key) == vector.sealed.bytes, "\(vector.name)")
            #expect(TestBytes.open(vector.sealed.bytes, aad: aad, nonce: nonce, key: key) == vector.plaintext.bytes, "\(vector.name)")
            ran += 1
        }
        #expect(ran == 13 && ran == file.cases.count)
    }

    @Test func `every forgery is refused`() throws {
        let file = try AEADVectors.load()
        let first = try #require(file.cases.first)
        var ran = 0
        for forgery in file.refusedWithKeyAndNonceOfTheFirstCase {
            let opened = TestBytes.open(
                forgery.sealed.bytes, aad: first.additionalData.bytes, nonce: first.nonce.bytes, key: first.key.bytes)
            #expect(opened == nil, "\(forgery.name)")
            ran += 1
        }
        #expect(ran == 5 && ran == file.refusedWithKeyAndNonceOfTheFirstCase.count)
        #expect(
            TestBytes.open(first.sealed.bytes, aad: [], nonce: first.nonce.bytes, key: first.key.bytes) == nil,
            "without its additional data")
    }

    @Test func `every published extended text seals and opens, and its changes are refused`() throws {
        let file = try XChaChaVectors.load()
        var ran = 0
        for vector in file.cases {
            let (key, nonce, aad) = (vector.key.bytes, vector.nonce.bytes, vector.additionalData.bytes)
            let sealed = TestBytes.seal(vector.plaintext.bytes, aad: aad, nonce: nonce, key: key, extended: true)
            #expect(sealed == vector.sealed.bytes, "\(vector.name)")
            #expect(TestBytes.open(sealed, aad: aad, nonce: nonce, key: key, extended: true) == vector.plaintext.bytes)
            for index in sealed.indices {
                var changed = sealed
                changed[index] ^= 0x10
                #expect(TestBytes.open(changed, aad: aad, nonce: nonce, key: key, extended: true) == nil, "byte \(index)")
            }
            ran += 1
        }
        #expect(ran == 5 && ran == file.cases.count)
    }

    @Test func `every published subkey comes out of HChaCha20`() throws {
        let file = try XChaChaVectors.load()
        var ran = 0
        for vector in file.hchacha20 {
            var subkey = [UInt8](repeating: 0, count: 32)
            unsafe HChaCha20.subkey(key: vector.key.bytes, nonce: vector.nonce.bytes, into: &subkey)
            #expect(subkey == vector.subkey.bytes)
            ran += 1
        }
        #expect(ran == 3 && ran == file.hchacha20.count)
    }

    @Test func `sealed text shorter than a tag is refused`() {
        for count in 0..<16 {
            let sealed = [UInt8](repeating: 0, count: count)
            let key = [UInt8](repeating: 1, count: 32)
            #expect(TestBytes.open(sealed, aad: [], nonce: [UInt8](repeating: 0, count: 12), key: key) == nil)
        }
    }
}
