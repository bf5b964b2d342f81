internal import CLinuxShims
internal import Glibc
public import NetworkTypes

/// What the routing table says of a datagram. Source: rtnetlink(7), RTM_GETROUTE.
public enum RouteAnswer: Hashable, Sendable {
    /// It would leave by the link with this index.
    case link(UInt32)
    /// The system has no such local address, so nothing leaves from it.
    case sourceRefused
    /// There is no route, or one that prohibits.
    case none
}

extension NetlinkSocket {
    /// By which link a datagram to `destination` would leave now; cheaper than ``route(to:mark:)``, and may be asked often.
    /// - Parameters:
    ///   - source: the local address that it is sent from; nil for the kernel's choice.
    ///   - mark: the firewall mark that it carries, for policy rules.
    public mutating func link(towards destination: IPAddress, from source: IPAddress?, mark: UInt32) throws(SystemError) -> RouteAnswer {
        let request = NetlinkRequest("look up the route to", "\(destination)", type: Int(RTM_GETROUTE))
        var part = rtmsg()
        part.rtm_family = destination.family.number
        part.rtm_dst_len = UInt8(destination.bitWidth)
        if let source { part.rtm_src_len = UInt8(source.bitWidth) }
        request.setFixedPart(part)
        request.put(Int(RTA_DST.rawValue), destination)
        if let source { request.put(Int(RTA_SRC.rawValue), source) }
        if mark != 0 { request.put(Int(RTA_MARK.rawValue), mark) }
        var link: UInt32?
        do {
            try perform(request) { message in
                link = message.attributes(after: MemoryLayout<rtmsg>.size)[Int(RTA_OIF.rawValue)]?.uint32 ?? link
            }
        } catch {
            // IPv4 says EINVAL both for an address that isn't ours and for a blackhole; without a source it is the latter.
            if error.errno == EINVAL && source != nil { return .sourceRefused }
            guard [ENETUNREACH, EINVAL, EACCES, EHOSTUNREACH].contains(error.errno) else { throw error }
            return .none
        }
        return link.map { .link($0) } ?? .none
    }
}
