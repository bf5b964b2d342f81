import Testing
import VectorFiles
import WireGuardCrypto

@Suite struct TransportCipherTests {
    /// All transport messages of the transcripts with the key of their direction.
    func messages() throws -> [(key: [UInt8], message: HandshakeVectors.Transport)] {
        try HandshakeVectors.load().transcripts.flatMap { transcript in
            transcript.transport.map { message in
                let isInitiators = message.sender == "initiator"
                return ((isInitiators ? transcript.keyInitiatorToResponder : transcript.keyResponderToInitiator).bytes, message)
            }
        }
    }

    /// What can be tested on this machine: libipsec-mb is optional.
    static var backends: [TransportCipher.Backend] {
        TransportCipher.Backend.allCases.filter { TransportCipher($0).backend == $0 }
    }

    @Test(arguments: backends)
    func `every transport message is sealed as published, in place and apart`(backend: TransportCipher.Backend) throws {
        let cipher = TransportCipher(backend)
        #expect(cipher.backend == backend)
        let messages = try messages()
        var ran = 0
        for (keyBytes, vector) in messages {
            let key = unsafe AEADKey(keyBytes)
            let padded = vector.padded.bytes
            let expected = Array(vector.message.bytes.dropFirst(16))
            var apart = [UInt8](repeating: 0xaa, count: padded.count + 16)
            unsafe cipher.seal(
                counter: vector.counter.value, key: key.unsafeBytes, plaintext: padded, count: padded.count, into: &apart)
            #expect(apart == expected, "\(vector.name)")
            var inPlace = padded + [UInt8](repeating: 0, count: 16)
            unsafe inPlace.withUnsafeMutableBytes { bytes in
                let start = bytes.baseAddress!
                unsafe cipher.seal(
                    counter: vector.counter.value, key: key.unsafeBytes, plaintext: start, count: padded.count, into: start)
            }
            #expect(inPlace == expected, "\(vector.name)")
            ran += 1
        }
        #expect(ran == messages.count && ran == 84)
    }

    @Test(arguments: backends)
    func `every transport message opens, and no changed one does`(backend: TransportCipher.Backend) throws {
        let cipher = TransportCipher(backend)
        let messages = try messages()
        var random = SplitMix64(seed: 11)
        var ran = 0
        for (keyBytes, vector) in messages {
            let key = unsafe AEADKey(keyBytes)
            let sealed = Array(vector.message.bytes.dropFirst(16))
            func open(_ sealed: [UInt8], counter: UInt64) -> [UInt8]? {
                var output = [UInt8](repeating: 0, count: sealed.count)
                let isAuthentic = unsafe cipher.open(
                    counter: counter, key: key.unsafeBytes, sealed: sealed, count: sealed.count, into: &output)
                return isAuthentic ? Array(output.prefix(sealed.count - 16)) : nil
            }
            let counter = vector.counter.value
            #expect(open(sealed, counter: counter) == vector.padded.bytes, "\(vector.name)")
            #expect(open(sealed, counter: counter ^ 1) == nil)
            #expect(open(sealed, counter: counter ^ 1 << 63) == nil)
            #expect(open(Array(sealed.dropLast()), counter: counter) == nil)
            var changed = sealed
            changed[Int.random(in: sealed.indices, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
            #expect(open(changed, counter: counter) == nil)
            ran += 1
        }
        #expect(ran == messages.count && ran == 84)
    }

    @Test(arguments: backends)
    func `the AEAD vectors without additional data hold for counters as nonces`(backend: TransportCipher.Backend) throws {
        let cipher = TransportCipher(backend)
        let file = try AEADVectors.load()
        var ran = 0
        for vector in file.cases where vector.additionalData.count == 0 && vector.nonce.bytes.prefix(4) == [0, 0, 0, 0] {
            let key = unsafe AEADKey(vector.key.bytes)
            let counter = vector.nonce.bytes.suffix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            var sealed = vector.plaintext.bytes + [UInt8](repeating: 0, count: 16)
            let count = vector.plaintext.count
            unsafe sealed.withUnsafeMutableBytes { bytes in
                let start = bytes.baseAddress!
                unsafe cipher.seal(counter: counter, key: key.unsafeBytes, plaintext: start, count: count, into: start)
            }
            #expect(sealed == vector.sealed.bytes, "\(vector.name)")
            ran += 1
        }
        #expect(ran == 9)
    }

    @Test(arguments: backends)
    func `the longest message seals as libsodium's own AEAD seals it, and opens`(backend: TransportCipher.Backend) throws {
        let cipher = TransportCipher(backend)
        let secret = [UInt8](repeating: 9, count: 32)
        let key = unsafe AEADKey(secret)
        for count in [65_535, 65_536] {
            let text = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
            var sealed = [UInt8](repeating: 0, count: count + 16)
            unsafe cipher.seal(counter: 5, key: key.unsafeBytes, plaintext: text, count: count, into: &sealed)
            #expect(sealed == TestBytes.seal(text, aad: [], nonce: [0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0], key: secret), "\(count) bytes")
            var output = [UInt8](repeating: 0, count: count)
            let isAuthentic = unsafe cipher.open(counter: 5, key: key.unsafeBytes, sealed: sealed, count: count + 16, into: &output)
            #expect(isAuthentic && output == text, "\(count) bytes")
        }
    }

    @Test(arguments: backends)
    func `what failed to open leaves no plaintext behind`(backend: TransportCipher.Backend) throws {
        let cipher = TransportCipher(backend)
        let key = unsafe AEADKey([UInt8](repeating: 9, count: 32))
        for count in [1, 16, 63, 64, 65, 512, 1420] {
            let text = [UInt8](repeating: 0x41, count: count)
            var sealed = [UInt8](repeating: 0, count: count + 16)
            unsafe cipher.seal(counter: 5, key: key.unsafeBytes, plaintext: text, count: count, into: &sealed)
            sealed[count] ^= 1
            var output = [UInt8](repeating: 0x77, count: count)
            let isAuthentic = unsafe cipher.open(counter: 5, key: key.unsafeBytes, sealed: sealed, count: count + 16, into: &output)
            #expect(!isAuthentic && output != text)
            // Untouched, or wiped.
            #expect(output.allSatisfy { $0 == 0 } || output.allSatisfy { $0 == 0x77 }, "\(count) bytes")
            let isShort = unsafe cipher.open(counter: 5, key: key.unsafeBytes, sealed: sealed, count: 15, into: &output)
            #expect(!isShort)
        }
    }
}
