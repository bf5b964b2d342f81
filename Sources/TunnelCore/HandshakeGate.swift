public import NetworkTypes
public import WireGuardProtocol

/// What stands between the network and the cost of a handshake: the first MAC, and under load the second one (a cookie) and a rate
/// limit for each source. It needs none of the tunnel's state, so a flood never touches the tunnel's lock.
///
/// Source: whitepaper sections 5.3 and 5.4.4; the order of checks is that of negative.json's reasons.
public struct HandshakeGate: ~Copyable {
    private var cookies: CookieChecker
    private var limiter = HandshakeRateLimiter()

    /// - Parameters:
    ///   - now: the time.
    ///   - generator: must be fit for secrets.
    public init(at now: Instant, using generator: inout some RandomNumberGenerator) {
        cookies = CookieChecker(at: now, using: &generator)
    }

    /// The judgement on one message.
    public enum Verdict: Sendable {
        /// It may cost us a handshake.
        case admit
        /// Answer it with this cookie instead.
        case reply(OutgoingDatagram)
        /// Nobody answers it.
        case drop(DropReason)
    }

    /// Judges a handshake or cookie message.
    /// - Parameters:
    ///   - datagram: the message.
    ///   - local: whom it has to be for.
    ///   - isUnderLoad: whether senders must prove their address (``HandshakeQueue/isUnderLoad(at:)``), unless we called them
    ///     (``Tunnel/takeAwaited(_:)``).
    ///   - now: the time.
    ///   - generator: must be fit for nonces and secrets.
    public mutating func judge(
        _ datagram: HandshakeDatagram, for local: LocalIdentity, isUnderLoad: Bool, at now: Instant,
        using generator: inout some RandomNumberGenerator
    ) -> Verdict {
        do throws(Refusal) {
            // A cookie reply proves itself: it opens only with a MAC that we sent.
            if unsafe try datagram.withUnsafeBytes(MessageKind.init(of:)) == .cookieReply { return .admit }
        } catch {
            return .drop(DropReason(error))
        }
        guard unsafe datagram.withUnsafeBytes({ unsafe CookieChecker.hasValidMAC1($0, to: local) }) else { return .drop(.mac1) }
        guard isUnderLoad else { return .admit }
        let proven = unsafe datagram.withUnsafeBytes { bytes in
            unsafe cookies.hasValidMAC2(bytes, from: datagram.sender, at: now, using: &generator)
        }
        guard proven else {
            let reply = unsafe datagram.withUnsafeBytes { bytes in
                unsafe cookies.reply(to: bytes, from: datagram.sender, local: local, at: now, using: &generator)
            }
            return unsafe .reply(
                OutgoingDatagram(
                    bytes: reply.withUnsafeBytes { unsafe [UInt8]($0) }, endpoint: datagram.sender, source: datagram.source, peer: nil,
                    trafficClass: OutgoingDatagram.handshakeTrafficClass))
        }
        guard limiter.allow(datagram.sender.address, at: now) else { return .drop(.rateLimited) }
        return .admit
    }
}
