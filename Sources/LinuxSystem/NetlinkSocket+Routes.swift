internal import CLinuxShims
internal import Glibc
public import NetworkTypes

extension NetlinkSocket {
    /// The unicast and unreachable routes of a family, of one table or of all, through one link or through any.
    public mutating func routes(
        family: AddressFamily, table: UInt32? = nil, link: UInt32? = nil
    ) throws(SystemError) -> [RouteSpecification] {
        let request = NetlinkRequest("list", "routes", type: Int(RTM_GETROUTE))
        var part = rtmsg()
        part.rtm_family = family.number
        request.setFixedPart(part)
        if let table { request.put(Int(RTA_TABLE.rawValue), table) }
        if let link { request.put(Int(RTA_OIF.rawValue), link) }
        do {
            return try list(request) { message in
                guard let route = RouteSpecification(message), table == nil || route.table == table, link == nil || route.link == link
                else { return nil }
                return route
            }
        } catch {
            // A table that no route ever was in doesn't exist, which is the same as empty.
            guard error.errno == ENOENT else { throw error }
            return []
        }
    }

    /// Adds a route.
    /// - Throws: EEXIST when the table has one with the same destination and metric, ENETDOWN when its link is down,
    ///   ENETUNREACH for a gateway that can't be reached.
    public mutating func addRoute(_ route: RouteSpecification) throws(SystemError) {
        try changeRoute("add route", Int(RTM_NEWROUTE), NLM_F_CREATE | NLM_F_EXCL, route)
    }

    /// Adds a route in place of one with the same destination and metric, if there is one.
    public mutating func replaceRoute(_ route: RouteSpecification) throws(SystemError) {
        try changeRoute("replace route", Int(RTM_NEWROUTE), NLM_F_CREATE | Int32(NLM_F_REPLACE), route)
    }

    /// Removes the first route that matches all that is said.
    /// - Throws: ESRCH when none does.
    public mutating func removeRoute(_ route: RouteSpecification) throws(SystemError) {
        try changeRoute("remove route", Int(RTM_DELROUTE), 0, route)
    }

    private mutating func changeRoute(_ operation: String, _ type: Int, _ flags: Int32, _ route: RouteSpecification) throws(SystemError) {
        let request = NetlinkRequest(operation, "\(route.destination)", type: type, flags: flags)
        var part = rtmsg()
        part.rtm_family = route.destination.address.family.number
        part.rtm_dst_len = route.destination.length
        part.rtm_table = route.table < 256 ? UInt8(route.table) : UInt8(RT_TABLE_COMPAT.rawValue)
        if type == Int(RTM_DELROUTE) {
            part.rtm_scope = route.scope?.rawValue ?? UInt8(RT_SCOPE_NOWHERE.rawValue)
            // The kernel's own to the same destination is another.
            part.rtm_protocol = route.origin
            if route.isUnreachable { part.rtm_type = UInt8(RTN_UNREACHABLE) }
        } else {
            part.rtm_type = UInt8(route.isUnreachable ? RTN_UNREACHABLE : RTN_UNICAST)
            part.rtm_protocol = route.origin
            part.rtm_scope = (route.scope ?? (route.gateway == nil && !route.isUnreachable ? .link : .universe)).rawValue
        }
        request.setFixedPart(part)
        request.put(Int(RTA_TABLE.rawValue), route.table)
        if route.destination.length > 0 { request.put(Int(RTA_DST.rawValue), route.destination.address) }
        if let link = route.link { request.put(Int(RTA_OIF.rawValue), link) }
        if let gateway = route.gateway { request.put(Int(RTA_GATEWAY.rawValue), gateway) }
        if let metric = route.metric { request.put(Int(RTA_PRIORITY.rawValue), metric) }
        if let source = route.source { request.put(Int(RTA_PREFSRC.rawValue), source) }
        if let mtu = route.mtu {
            request.nest(Int(RTA_METRICS.rawValue)) { $0.put(Int(RTAX_MTU), mtu) }
        }
        try perform(request)
    }

    /// Where a packet to `destination` would go now, like `ip route get`.
    /// - Parameter mark: the firewall mark it would carry, for policy rules.
    /// - Returns: nil when there is no route.
    public mutating func route(to destination: IPAddress, mark: UInt32 = 0) throws(SystemError) -> RouteLookup? {
        let request = NetlinkRequest("look up the route to", "\(destination)", type: Int(RTM_GETROUTE))
        var part = rtmsg()
        part.rtm_family = destination.family.number
        part.rtm_dst_len = UInt8(destination.bitWidth)
        request.setFixedPart(part)
        request.put(Int(RTA_DST.rawValue), destination)
        if mark != 0 { request.put(Int(RTA_MARK.rawValue), mark) }
        var found: (link: UInt32, gateway: IPAddress?, source: IPAddress?, mtu: UInt32?, table: UInt32, isOwn: Bool)?
        do {
            try perform(request) { message in
                guard let part = message.fixedPart(as: rtmsg.self) else { return }
                let attributes = message.attributes(after: MemoryLayout<rtmsg>.size)
                guard let link = attributes[Int(RTA_OIF.rawValue)]?.uint32 else { return }
                found = (
                    link, attributes[Int(RTA_GATEWAY.rawValue)]?.address, attributes[Int(RTA_PREFSRC.rawValue)]?.address,
                    attributes[Int(RTA_METRICS.rawValue)]?.nested[Int(RTAX_MTU)]?.uint32,
                    attributes[Int(RTA_TABLE.rawValue)]?.uint32 ?? UInt32(part.rtm_table), part.rtm_type == UInt8(RTN_LOCAL)
                )
            }
        } catch {
            // The last three are what blackhole, prohibit and unreachable routes answer.
            guard [ENETUNREACH, EINVAL, EACCES, EHOSTUNREACH].contains(error.errno) else { throw error }
            return nil
        }
        guard let found, let link = try link(index: found.link) else { return nil }
        return RouteLookup(
            link: found.link, gateway: found.gateway, source: found.source, mtu: found.mtu ?? link.mtu, table: found.table,
            isOwn: found.isOwn)
    }
}
