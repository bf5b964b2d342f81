public import NetworkTypes

/// A datagram that handshakes and timers want sent: a handshake message, a cookie, a keepalive, or a packet that waited for a session.
public struct OutgoingDatagram: Sendable {
    /// DSCP AF41, what handshake messages carry, so that a congested link prefers them (as other implementations do).
    static let handshakeTrafficClass: UInt8 = 0x88

    /// The UDP payload.
    public var bytes: [UInt8]
    /// Where it goes.
    public var endpoint: Endpoint
    /// The local address that it leaves from; nil: the system's choice.
    public var source: EndpointSource?
    /// Whom it is for; nil where nobody knows yet.
    public var peer: PeerReference?
    /// The outer IPv4 TOS or IPv6 traffic class.
    public var trafficClass: UInt8
}
