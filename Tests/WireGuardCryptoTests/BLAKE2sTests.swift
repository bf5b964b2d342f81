import Testing
import VectorFiles
import WireGuardCrypto

@Suite struct BLAKE2sTests {
    @Test func `every published digest comes out`() throws {
        let file = try BLAKE2sVectors.load()
        var ran = 0
        for vector in file.cases {
            let digest = TestBytes.blake2s(vector.input.bytes, key: vector.key.bytes, count: vector.digest.count)
            #expect(digest == vector.digest.bytes, "key of \(vector.key.count), input of \(vector.input.count)")
            ran += 1
        }
        #expect(ran == 76 && ran == file.cases.count)
    }

    @Test func `RFC 7693 appendix B: the digest of abc`() throws {
        let expected = try TestBytes.hex("508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982")
        #expect(TestBytes.blake2s(Array("abc".utf8)) == expected)
    }

    @Test func `RFC 7693 appendix E: the hash of a grid of digests`() throws {
        let expected = try TestBytes.hex("6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe")
        /// The RFC's deterministic sequence (a Fibonacci generator).
        func sequence(count: Int, seed: UInt32) -> [UInt8] {
            var (a, b) = (0xdead_4bad &* seed, UInt32(1))
            return (0..<count).map { _ in
                let t = a &+ b
                (a, b) = (b, t)
                return UInt8(t >> 24)
            }
        }
        var grid = BLAKE2s()
        var ran = 0
        for digestCount in [16, 20, 28, 32] {
            for inputCount in [0, 3, 64, 65, 255, 1024] {
                let input = sequence(count: inputCount, seed: UInt32(inputCount))
                let key = sequence(count: digestCount, seed: UInt32(digestCount))
                for digest in [
                    TestBytes.blake2s(input, count: digestCount), TestBytes.blake2s(input, key: key, count: digestCount),
                ] {
                    unsafe digest.withUnsafeBytes { unsafe grid.update($0) }
                    ran += 1
                }
            }
        }
        var result = [UInt8](repeating: 0, count: 32)
        unsafe grid.finalize(into: &result)
        #expect(result == expected)
        #expect(ran == 48)
    }

    @Test(arguments: [1 as UInt64, 2, 3]) func `input in pieces hashes as it does in one`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for count in [0, 1, 63, 64, 65, 127, 128, 129, 148, 300, 1000] {
            let input = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            let key = (0..<Int.random(in: 0...32, using: &random)).map { UInt8($0) }
            var digest = [UInt8](repeating: 0, count: 32)
            unsafe key.withUnsafeBytes { key in
                var hash = unsafe BLAKE2s(key: key)
                var rest = input[...]
                while !rest.isEmpty {
                    let piece = Array(rest.prefix(Int.random(in: 0...130, using: &random)))
                    rest = rest.dropFirst(piece.count)
                    unsafe piece.withUnsafeBytes { unsafe hash.update($0) }
                }
                unsafe hash.finalize(into: &digest)
            }
            #expect(digest == TestBytes.blake2s(input, key: key), "seed \(seed), \(count) bytes")
        }
    }
}
