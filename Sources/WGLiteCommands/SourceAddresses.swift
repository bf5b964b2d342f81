internal import LinuxSystem
internal import NetworkTypes

/// Our addresses on the way to endpoints, where the kernel chooses them: asked of the routing table once each.
final class SourceAddresses {
    private var known: [IPAddress: IPAddress?] = [:]
    private var routes: NetlinkSocket?
    private let mark: UInt32

    /// - Parameter mark: the firewall mark that datagrams carry, for policy rules.
    init(mark: UInt32) {
        self.mark = mark
    }

    /// - Returns: nil where there is no route.
    func address(towards endpoint: Endpoint) -> IPAddress? {
        if let known = known[endpoint.address] { return known }
        if routes == nil { routes = try? NetlinkSocket() }
        // As good as it is known: an address that changes meanwhile is not followed.
        let found = try? routes?.route(to: endpoint.address, mark: mark)?.source
        known[endpoint.address] = .some(found ?? nil)
        return found ?? nil
    }
}
