/// The local address and interface over which a peer was last reached, so that answers leave the same way.
///
/// Source: WireGuard, "sticky sockets"; RFC 3542 section 6 (IPV6_PKTINFO), ip(7) (IP_PKTINFO).
public struct EndpointSource: Hashable, Sendable {
    /// The address of this machine that datagrams come from.
    public var address: IPAddress
    /// The kernel's interface index; 0 leaves the choice of interface to the routes.
    public var interfaceIndex: UInt32

    /// A source; `interfaceIndex` 0 for any interface.
    @inlinable
    public init(address: IPAddress, interfaceIndex: UInt32) {
        self.address = address
        self.interfaceIndex = interfaceIndex
    }
}
