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

    @Test func `every transport message is sealed as published, in place and apart`() throws {
        let cipher = TransportCipher()
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

    @Test func `every transport message opens, and no changed one does`() throws {
        let cipher = TransportCipher()
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
}
