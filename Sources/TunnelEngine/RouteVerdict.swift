internal import LinuxSystem
internal import NetworkTypes
internal import TunnelCore

/// What the routing table makes of a peer's endpoint and source. A pure function of its answers.
///
/// As Linux's WireGuard has it (socket.c, send4): the source that the peer last reached holds only while the way to the peer from there
/// leaves by the interface where the peer came in; and what would leave by the tunnel's own interface is not sent (ELOOP).
struct RouteVerdict: Hashable {
    var keepsSource = true
    var isLoop = false

    /// - Parameters:
    ///   - endpoint: where the peer is.
    ///   - source: the local address that the peer last reached us at; nil: the system's choice.
    ///   - tunnel: the index of the tunnel's own interface; nil if it has none.
    ///   - lookUp: asks the routing table about a datagram to the endpoint from a source, or from the system's choice.
    static func of<E: Error>(
        _ endpoint: Endpoint, from source: EndpointSource?, tunnel: UInt32?, lookUp: (IPAddress?) throws(E) -> RouteAnswer
    ) throws(E) -> RouteVerdict {
        // The zone says which link it is; no route is asked.
        if case .v6 = endpoint.address, endpoint.address.isLinkLocal, endpoint.zone != 0 {
            return RouteVerdict(
                keepsSource: source.map { [0, endpoint.zone].contains($0.interfaceIndex) } ?? true, isLoop: endpoint.zone == tunnel)
        }
        var verdict = RouteVerdict()
        if let source {
            switch try lookUp(source.address) {
            case .link(let link) where source.interfaceIndex == 0 || link == source.interfaceIndex:
                verdict.isLoop = link == tunnel
                return verdict
            case .none:
                // No way at all, which another source doesn't change; when there is one again, this is asked again.
                return verdict
            case .link, .sourceRefused:
                verdict.keepsSource = false
            }
        }
        if case .link(let link) = try lookUp(nil) { verdict.isLoop = link == tunnel }
        return verdict
    }
}
