public import NetworkTypes
import WireGuardCrypto

/// The receiver's side of cookies: proof that a sender can be reached at its source address, asked for when there is too much to compute
/// (whitepaper, section 5.3 and 5.4.7).
///
/// A cookie is a MAC over the source address and port, under a secret that is never older than ``Limits/cookieLifetime`` and that nobody
/// else knows; so nothing is stored per sender. When to ask for cookies is up to the caller.
public struct CookieChecker: Sendable {
    private var secret: WipingBytes
    private var secretMadeAt: Instant

    /// Starts with a random secret.
    public init(at now: Instant, using generator: inout some RandomNumberGenerator) {
        secret = WipingBytes(using: &generator)
        secretMadeAt = now
    }

    /// Starts with a given secret of 32 bytes, for published vectors.
    package init(secret: FixedBytes<32>, at now: Instant) {
        self.secret = unsafe secret.withUnsafeBytes { unsafe WipingBytes(copying: $0) }
        secretMadeAt = now
    }

    /// Whether the sender of a handshake message knows our public key: the check that comes before all others, 400 ns.
    ///
    /// - Parameters:
    ///   - datagram: a whole initiation or response.
    ///   - local: whom it is for.
    public static func hasValidMAC1(_ datagram: UnsafeRawBufferPointer, to local: LocalIdentity) -> Bool {
        let end = datagram.count - MessagePart.macs
        // SAFETY: the caller vouches for a whole message, which ends with two MACs.
        let mac = unsafe MAC.over(datagram[..<end], key: local.mac1Key)
        return unsafe mac == FixedBytes<16>(copying: UnsafeRawBufferPointer(rebasing: datagram[end...].prefix(MessagePart.mac)))
    }

    /// Whether the sender of a handshake message has a cookie of ours for the address that it came from.
    ///
    /// - Parameters:
    ///   - datagram: a whole initiation or response, whose first MAC was found valid.
    ///   - source: where it came from.
    ///   - now: when it came.
    ///   - generator: makes the new secret if the old one is out of date, so all cookies are.
    public mutating func hasValidMAC2(
        _ datagram: UnsafeRawBufferPointer, from source: Endpoint, at now: Instant,
        using generator: inout some RandomNumberGenerator
    ) -> Bool {
        let cookie = cookie(for: source, at: now, using: &generator)
        let end = datagram.count - MessagePart.mac
        // SAFETY: as above.
        let mac = unsafe MAC.over(datagram[..<end], key: cookie)
        return unsafe mac == FixedBytes<16>(copying: UnsafeRawBufferPointer(rebasing: datagram[end...]))
    }

    /// The answer to a handshake message that has no valid second MAC.
    ///
    /// - Parameters:
    ///   - datagram: a whole initiation or response, whose first MAC was found valid.
    ///   - source: where it came from, and where the answer must go.
    ///   - local: whom it is for.
    ///   - now: when it came.
    ///   - generator: must be fit for nonces; makes a new secret too if the old one is out of date.
    public mutating func reply(
        to datagram: UnsafeRawBufferPointer, from source: Endpoint, local: LocalIdentity, at now: Instant,
        using generator: inout some RandomNumberGenerator
    ) -> CookieReply {
        var nonce = FixedBytes<24>()
        for word in 0..<3 {
            let random = generator.next()
            for i in 0..<8 { nonce[8 * word + i] = UInt8(truncatingIfNeeded: random >> UInt64(8 * i)) }
        }
        return unsafe reply(to: datagram, cookie: cookie(for: source, at: now, using: &generator), nonce: nonce, local: local)
    }

    package func reply(
        to datagram: UnsafeRawBufferPointer, cookie: FixedBytes<16>, nonce: FixedBytes<24>, local: LocalIdentity
    ) -> CookieReply {
        // SAFETY: the caller vouches for a whole message. Both kinds begin with kind and sender index, and end with the two MACs.
        let senderIndex = UInt32(littleEndian: unsafe datagram.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        let mac1 = unsafe UnsafeRawBufferPointer(rebasing: datagram.suffix(MessagePart.macs).prefix(MessagePart.mac))
        var reply = CookieReply(receiverIndex: senderIndex, nonce: nonce)
        unsafe reply.seal(cookie, mac1: mac1, key: local.cookieKey)
        return reply
    }

    package mutating func cookie(
        for source: Endpoint, at now: Instant, using generator: inout some RandomNumberGenerator
    ) -> FixedBytes<16> {
        if now.since(secretMadeAt) >= Limits.cookieLifetime {
            secret = WipingBytes(using: &generator)
            secretMadeAt = now
        }
        // Ours to choose, since nobody else can check it: address, then port, both in network order.
        // SAFETY: 18 bytes hold the longer address and a port.
        var bytes = FixedBytes<18>()
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
            let addressByteCount = source.address.bitWidth / 8
            switch source.address {
            case .v4(let address): unsafe address.write(to: buffer.baseAddress!)
            case .v6(let address): unsafe address.write(to: buffer.baseAddress!)
            }
            unsafe buffer.storeBytes(of: source.port.bigEndian, toByteOffset: addressByteCount, as: UInt16.self)
            return addressByteCount + MemoryLayout<UInt16>.size
        }
        return unsafe bytes.withUnsafeBytes { source in
            unsafe secret.withUnsafeBytes { unsafe MAC.over(source[..<count], key: $0) }
        }
    }
}
