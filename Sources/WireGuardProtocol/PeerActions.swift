/// What a ``Peer`` asks its owner to do after an event. Several may be asked for at once; do them in the order in which they stand here.
@frozen
public struct PeerActions: OptionSet, Hashable, Sendable {
    /// A bit for each action.
    public let rawValue: UInt8

    /// The actions whose bits are set.
    @inlinable
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Call ``Peer/zeroKeys(at:)`` and unregister what it returns.
    @inlinable public static var zeroKeys: PeerActions { PeerActions(rawValue: 1 << 0) }
    /// Drop the packets that wait for a session: the handshake was given up.
    @inlinable public static var dropStaged: PeerActions { PeerActions(rawValue: 1 << 1) }
    /// Forget the local address that this peer was last reached from; it may be what is in the way.
    @inlinable public static var clearSourceAddress: PeerActions { PeerActions(rawValue: 1 << 2) }
    /// Call ``Peer/beginHandshake(at:isRetry:)`` with `isRetry: true` and, if it says so, make an initiation.
    @inlinable public static var retryHandshake: PeerActions { PeerActions(rawValue: 1 << 3) }
    /// Call ``Peer/beginHandshake(at:isRetry:)`` with `isRetry: false` and, if it says so, make an initiation.
    @inlinable public static var initiateHandshake: PeerActions { PeerActions(rawValue: 1 << 4) }
    /// Send the packets that waited for a session.
    @inlinable public static var sendStaged: PeerActions { PeerActions(rawValue: 1 << 5) }
    /// Send an empty packet, unless packets are staged: then send those. Without a session this asks for a handshake, as data does.
    @inlinable public static var sendKeepalive: PeerActions { PeerActions(rawValue: 1 << 6) }
}
