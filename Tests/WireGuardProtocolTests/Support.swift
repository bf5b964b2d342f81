import NetworkTypes
import VectorFiles
import WireGuardCrypto

@testable import WireGuardProtocol

extension HexBytes {
    func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try unsafe bytes.withBytes(body)
    }

    /// The bytes from `offset`, `count` many.
    func slice(_ offset: Int, _ count: Int) -> HexBytes { HexBytes(Array(bytes[offset..<offset + count])) }

    var privateKey: PrivateKey { unsafe withUnsafeBytes { unsafe PrivateKey($0)! } }
    var publicKey: PublicKey { unsafe withUnsafeBytes { unsafe PublicKey($0)! } }
    var presharedKey: PresharedKey { unsafe withUnsafeBytes { unsafe PresharedKey($0)! } }
    func fixed<let n: Int>() -> FixedBytes<n> { unsafe withUnsafeBytes { unsafe FixedBytes<n>(copying: $0) } }
}

extension [UInt8] {
    func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        let span = span
        return try unsafe span.withUnsafeBytes(body)
    }
}

extension FixedBytes {
    var hex: HexBytes { unsafe withUnsafeBytes { unsafe HexBytes(Array($0)) } }
}

extension SharedSecret {
    var hex: HexBytes { unsafe withUnsafeBytes { unsafe HexBytes(Array($0)) } }
}

extension PublicKey {
    var hex: HexBytes { unsafe withUnsafeBytes { unsafe HexBytes(Array($0)) } }
}

extension HandshakeInitiation {
    init(_ hex: HexBytes) throws(Refusal) { try self.init(hex.bytes) }

    init(_ bytes: [UInt8]) throws(Refusal) {
        self = unsafe try bytes.withBytes { bytes throws(Refusal) in unsafe try HandshakeInitiation(copying: bytes) }
    }

    var array: [UInt8] { bytes.hex.bytes }
}

extension HandshakeResponse {
    init(_ hex: HexBytes) throws(Refusal) { try self.init(hex.bytes) }

    init(_ bytes: [UInt8]) throws(Refusal) {
        self = unsafe try bytes.withBytes { bytes throws(Refusal) in unsafe try HandshakeResponse(copying: bytes) }
    }

    var array: [UInt8] { bytes.hex.bytes }
}

extension CookieReply {
    init(_ hex: HexBytes) throws(Refusal) {
        self = unsafe try hex.withUnsafeBytes { bytes throws(Refusal) in unsafe try CookieReply(copying: bytes) }
    }
}

extension CookieChecker {
    static func hasValidMAC1(_ bytes: [UInt8], to local: LocalIdentity) -> Bool {
        unsafe bytes.withBytes { unsafe hasValidMAC1($0, to: local) }
    }
}

/// SplitMix64: the same numbers from the same seed.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

extension Keypair {
    /// A whole data message with the next counter.
    mutating func seal(_ plaintext: [UInt8]) -> [UInt8] {
        let counter = reserveCounters(1).first!
        return seal(plaintext, counter: counter)
    }

    func seal(_ plaintext: [UInt8], counter: UInt64) -> [UInt8] {
        let header = TransportMessage.headerByteCount
        var message = [UInt8](repeating: 0, count: plaintext.count + TransportMessage.overhead)
        let cipher = TransportCipher()
        unsafe message.withUnsafeMutableBytes { message in
            unsafe TransportMessage(receiverIndex: remoteIndex, counter: counter).write(to: message.baseAddress!)
            unsafe plaintext.withBytes { plaintext in
                let target = unsafe message.baseAddress! + header
                if plaintext.count > 0 { unsafe target.copyMemory(from: plaintext.baseAddress!, byteCount: plaintext.count) }
                unsafe cipher.seal(counter: counter, key: sendingKey, plaintext: target, count: plaintext.count, into: target)
            }
        }
        return message
    }

    /// The plaintext of a whole data message, which is checked in the order that the contract asks for.
    mutating func open(_ message: [UInt8], at now: Instant) throws(Refusal) -> [UInt8] {
        let header = unsafe try message.withBytes { bytes throws(Refusal) in
            guard unsafe try MessageKind(of: bytes) == .transport else { throw .type }
            return unsafe TransportMessage(header: bytes)
        }
        guard header.receiverIndex == localIndex else { throw .index }
        guard canReceive(at: now) else { throw .expired }
        let sealedCount = message.count - TransportMessage.headerByteCount
        var plaintext = [UInt8](repeating: 0, count: sealedCount)
        let cipher = TransportCipher()
        let isAuthentic = unsafe message.withBytes { message in
            unsafe plaintext.withUnsafeMutableBytes { plaintext in
                unsafe cipher.open(
                    counter: header.counter, key: receivingKey, sealed: message.baseAddress! + TransportMessage.headerByteCount,
                    count: sealedCount, into: plaintext.baseAddress!)
            }
        }
        guard isAuthentic else { throw .tag }
        if let refusal = window.accept(header.counter) { throw refusal }
        return Array(plaintext.dropLast(TransportMessage.tagByteCount))
    }
}

/// Calls `body` with a keypair that lives as long as the call.
func withKeypair<R>(
    sending: HexBytes, receiving: HexBytes, localIndex: UInt32, remoteIndex: UInt32 = 0, isInitiator: Bool = false,
    at now: Instant = Instant(nanoseconds: 0), _ body: (inout Keypair) throws -> R
) rethrows -> R {
    let session = DerivedSession.make(
        sending: sending, receiving: receiving, localIndex: localIndex, remoteIndex: remoteIndex, isInitiator: isInitiator)
    let keypair = unsafe Keypair.allocate(for: session, at: now)
    defer { unsafe Keypair.deallocate(keypair) }
    return try unsafe body(&keypair.pointee)
}

extension DerivedSession {
    static let anyRemote = RemoteIdentity(
        publicKey: LocalIdentity.of(seed: 77).publicKey, presharedKey: .zero, local: .of(seed: 78))

    static func make(
        sending: HexBytes = HexBytes(Array(repeating: 1, count: 32)),
        receiving: HexBytes = HexBytes(Array(repeating: 2, count: 32)), localIndex: UInt32, remoteIndex: UInt32 = 0,
        isInitiator: Bool
    ) -> DerivedSession {
        let bytes = sending.bytes + receiving.bytes
        return DerivedSession(
            localIndex: localIndex, remoteIndex: remoteIndex, isInitiator: isInitiator,
            keys: TransportKeys(bytes: unsafe bytes.withBytes { unsafe WipingBytes(copying: $0) }), remote: anyRemote)
    }
}

extension LocalIdentity {
    static func of(seed: UInt64) -> LocalIdentity {
        var generator = SeededGenerator(state: seed)
        return LocalIdentity(privateKey: .random(using: &generator))
    }
}

extension Instant {
    /// `seconds` after the clock's origin.
    static func at(_ seconds: Double) -> Instant { Instant(nanoseconds: UInt64(seconds * 1e9)) }
}
