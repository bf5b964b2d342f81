import Testing
import VectorFiles
import WireGuardCrypto

@Suite struct KDFTests {
    @Test func `HMAC and every key derivation give the published outputs`() throws {
        let file = try HKDFVectors.load()
        var ran = 0
        for vector in file.cases {
            var out = [[UInt8]](repeating: [UInt8](repeating: 0, count: 32), count: 7)
            unsafe vector.key.bytes.withUnsafeBytes { key in
                unsafe vector.input.bytes.withUnsafeBytes { input in
                    unsafe HMACBLAKE2s.authenticate(input, key: key, into: &out[0])
                    unsafe KDF.kdf1(key: key, input: input, into: &out[1])
                    unsafe out.withUnsafeMutableBufferPointer { out in
                        unsafe KDF.kdf2(key: key, input: input, into: &out[2], &out[3])
                        unsafe KDF.kdf3(key: key, input: input, into: &out[4], &out[5], &out[6])
                    }
                }
            }
            #expect(out[0] == vector.hmac.bytes)
            #expect([out[1]] == vector.kdf1.map(\.bytes))
            #expect([out[2], out[3]] == vector.kdf2.map(\.bytes))
            #expect([out[4], out[5], out[6]] == vector.kdf3.map(\.bytes))
            ran += 1
        }
        #expect(ran == 9 && ran == file.cases.count)
    }

    @Test func `an output may take the place of the key`() throws {
        let vector = try #require(HKDFVectors.load().cases.first { $0.key.count == 32 && $0.input.count > 0 })
        var key = vector.key.bytes
        var other = [UInt8](repeating: 0, count: 32)
        unsafe vector.input.bytes.withUnsafeBytes { input in
            unsafe key.withUnsafeMutableBytes { key in
                unsafe KDF.kdf2(key: UnsafeRawBufferPointer(key), input: input, into: key.baseAddress!, &other)
            }
        }
        #expect([key, other] == vector.kdf2.map(\.bytes))
    }
}
