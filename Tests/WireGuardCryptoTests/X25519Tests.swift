import SeededRandom
import Testing
import VectorFiles

@testable import WireGuardCrypto

@Suite struct X25519Tests {
    @Test func `RFC 7748 section 5_2: both vectors`() throws {
        #expect(
            try TestBytes.x25519(
                TestBytes.hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                TestBytes.hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"))
                == TestBytes.hex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"))
        #expect(
            try TestBytes.x25519(
                TestBytes.hex("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d"),
                TestBytes.hex("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493"))
                == TestBytes.hex("95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"))
    }

    @Test func `RFC 7748 section 5_2: iterated 1 and 1000 times`() throws {
        var scalar = [9] + [UInt8](repeating: 0, count: 31)
        var point = scalar
        for iteration in 1...1000 {
            let result = try #require(TestBytes.x25519(scalar, point))
            (scalar, point) = (result, scalar)
            if iteration == 1 {
                #expect(try scalar == TestBytes.hex("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"))
            }
        }
        #expect(try scalar == TestBytes.hex("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"))
    }

    @Test func `RFC 7748 section 6_1: Diffie-Hellman`() throws {
        let alice = try #require(
            TestBytes.privateKey(TestBytes.hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")))
        let bob = try #require(
            TestBytes.privateKey(TestBytes.hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")))
        #expect(
            try alice.publicKey
                == TestBytes.publicKey(TestBytes.hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")))
        #expect(
            try bob.publicKey
                == TestBytes.publicKey(TestBytes.hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")))
        let expected = try TestBytes.hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
        let ours = unsafe alice.sharedSecret(with: bob.publicKey)?.withUnsafeBytes { unsafe Array($0) }
        let theirs = unsafe bob.sharedSecret(with: alice.publicKey)?.withUnsafeBytes { unsafe Array($0) }
        #expect(ours == expected && theirs == expected)
    }

    @Test func `every point of low order is refused`() throws {
        let points = try NegativeVectors.load().lowOrderPoints
        var random = SplitMix64(seed: 7)
        let key = PrivateKey.random(using: &random)
        var ran = 0
        for point in points {
            let peer = try #require(TestBytes.publicKey(point.bytes))
            #expect(key.sharedSecret(with: peer) == nil, "\(point)")
            ran += 1
        }
        #expect(ran == 14 && ran == points.count)
    }

    @Test func `the public keys of all transcripts follow from their private keys`() throws {
        let file = try HandshakeVectors.load()
        var ran = 0
        for party in file.transcripts.flatMap({ [$0.initiator, $0.responder] }) {
            for (secret, expected) in [
                (party.staticPrivate, party.staticPublic), (party.ephemeralPrivate, party.ephemeralPublic),
            ] {
                let key = try #require(TestBytes.privateKey(secret.bytes))
                #expect(key.publicKey == TestBytes.publicKey(expected.bytes))
                ran += 1
            }
        }
        #expect(ran == 4 * file.transcripts.count && ran == 20)
    }

    /// The ladder knows nothing of the table that public keys may come from.
    @Test func `public keys are what the ladder makes of the base point, whichever way is taken`() throws {
        let basePoint = [9] + [UInt8](repeating: 0, count: 31)
        var random = SplitMix64(seed: 11)
        var scalars = [UInt8(0), 1, 8, 0x7f, 0x80, 0xff].flatMap { byte in
            [[UInt8](repeating: byte, count: 32), [byte] + [UInt8](repeating: 0, count: 31), [UInt8](repeating: 0, count: 31) + [byte]]
        }
        scalars += (0..<1000).map { _ in (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) } }
        for scalar in scalars {
            let key = try #require(TestBytes.privateKey(scalar))
            let ladder = try #require(TestBytes.x25519(scalar, basePoint))
            #expect(key.publicKey == TestBytes.publicKey(ladder), "scalar \(scalar)")
            let (onCurve25519, onEd25519) = unsafe key.withUnsafeBytes { clamped in
                unsafe (BasePoint.multipliedOnCurve25519(by: clamped), BasePoint.multipliedOnEd25519(by: clamped))
            }
            #expect(onCurve25519.indices.allSatisfy { onCurve25519[$0] == ladder[$0] }, "scalar \(scalar)")
            #expect(onEd25519.indices.allSatisfy { onEd25519[$0] == ladder[$0] }, "scalar \(scalar)")
        }
    }
}
