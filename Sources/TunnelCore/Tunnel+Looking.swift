public import NetworkTypes
public import WireGuardCrypto
internal import WireGuardProtocol

/// What somebody wants to know who looks at packets on their way; nothing here changes anything.
extension Tunnel {
    /// Who takes packets to an address, and may send from it.
    public struct Owner: Sendable, Hashable {
        /// The peer.
        public var publicKey: PublicKey
        /// The entry of its AllowedIPs that decided.
        public var allowedIP: IPPrefix
        /// Where its datagrams go; nil while that isn't known.
        public var endpoint: Endpoint?
    }

    /// Who takes packets to an address; nil: nobody.
    public func owner(of address: IPAddress) -> Owner? {
        guard let (slot, prefix) = allowedIPs.match(address), let entry = unsafe peers[slot] else { return nil }
        return unsafe Owner(publicKey: entry.pointee.peer.remote.publicKey, allowedIP: prefix, endpoint: entry.pointee.endpoint)
    }

    /// The peer at a slot, and where its datagrams go.
    public func peer(at slot: UInt32) -> (publicKey: PublicKey, endpoint: Endpoint?)? {
        guard let entry = unsafe peers[slot] else { return nil }
        return unsafe (entry.pointee.peer.remote.publicKey, entry.pointee.endpoint)
    }

    /// The peer that a reference names; nil once it is gone.
    public func publicKey(of reference: PeerReference) -> PublicKey? {
        guard let entry = unsafe entry(of: reference) else { return nil }
        return unsafe entry.pointee.peer.remote.publicKey
    }

    /// The peer whose session a receiver index of ours names.
    public func publicKey(ofIndex index: UInt32) -> PublicKey? {
        guard let session = sessions.lookup(index), let entry = unsafe peers[session.peer] else { return nil }
        return unsafe entry.pointee.peer.remote.publicKey
    }
}

extension DropCounters {
    /// The first reason that was met since `earlier`; nil if none was.
    public func firstReason(since earlier: DropCounters) -> DropReason? {
        DropReason.allCases.first { self[$0] > earlier[$0] }
    }
}

extension HandshakeStep.Outcome {
    /// The peer's slot, where the step was about a known one.
    public var slot: UInt32? {
        switch self {
        case .initiated(_, let slot, _), .responded(_, let slot, _, _), .consumed(_, let slot, _): slot
        case .opened: nil
        }
    }

    /// Who sent the initiation that was opened.
    public var initiator: PublicKey? {
        guard case .opened(.success(let opened), _) = self else { return nil }
        return opened.initiator
    }
}
