import NetworkTypes

/// The sender's side of cookies: the latest one that a peer gave us, and what it has to answer (whitepaper, section 5.4.7).
struct PeerCookie: Sendable {
    private var cookie = FixedBytes<16>()
    private var receivedAt: Instant?
    private var lastMAC1: FixedBytes<16>?

    /// Adds the second MAC to a message about to be sent: zeros unless there is a cookie younger than ``Limits/cookieLifetime``.
    mutating func addMAC2(to message: inout some AuthenticatedMessage, at now: Instant) {
        lastMAC1 = message.mac1
        guard let receivedAt, now.since(receivedAt) < Limits.cookieLifetime else { return }
        message.addMAC2(cookie: cookie)
    }

    /// Takes a cookie reply; one to each message sent.
    ///
    /// - Throws: ``Refusal/cookie`` if it doesn't answer the last message sent, or wasn't made by the peer.
    mutating func accept(_ reply: CookieReply, from remote: RemoteIdentity, at now: Instant) throws(Refusal) {
        guard let mac1 = lastMAC1, let opened = reply.open(mac1: mac1, key: remote.cookieKey) else { throw .cookie }
        cookie = opened
        receivedAt = now
        lastMAC1 = nil
    }

    /// No cookie, nothing to answer.
    mutating func clear() {
        self = PeerCookie()
    }
}
