internal import CLinuxShims
internal import Glibc

extension NetlinkSocket {
    /// Every interface of the namespace, in order of index.
    public mutating func links() throws(SystemError) -> [LinkInfo] {
        let request = NetlinkRequest("list", "interfaces", type: Int(RTM_GETLINK))
        request.setFixedPart(ifinfomsg())
        return try list(request) { LinkInfo($0) }.sorted { $0.index < $1.index }
    }

    /// The interface of that name, or of that alternative name; nil if there is none.
    public mutating func link(named name: String) throws(SystemError) -> LinkInfo? {
        guard name.utf8.count <= 127, !name.isEmpty else { return nil }
        let attribute = name.utf8.count <= InterfaceName.maximumLength ? Int(IFLA_IFNAME) : Int(IFLA_ALT_IFNAME)
        return try link(subject: "interface \(name)", index: 0) { $0.put(attribute, name) }
    }

    /// The interface of that index; nil if there is none.
    public mutating func link(index: UInt32) throws(SystemError) -> LinkInfo? {
        guard index != 0 else { return nil }
        return try link(subject: "interface \(index)", index: index) { _ in }
    }

    private mutating func link(
        subject: String, index: UInt32, _ select: (borrowing NetlinkRequest) -> Void
    ) throws(SystemError) -> LinkInfo? {
        let request = NetlinkRequest("look up", subject, type: Int(RTM_GETLINK))
        var part = ifinfomsg()
        part.ifi_index = Int32(bitPattern: index)
        request.setFixedPart(part)
        select(request)
        var found: LinkInfo?
        do {
            try perform(request) { message in found = LinkInfo(message) }
        } catch {
            guard error.errno == ENODEV else { throw error }
        }
        return found
    }

    /// Changes a link, all of it in one request.
    /// - Throws: ENODEV when it is gone, EEXIST for a name that is taken, EBUSY for renaming a link that is up before kernel 6.2,
    ///   EINVAL for an MTU that it can't have.
    public mutating func changeLink(_ index: UInt32, _ change: LinkChange) throws(SystemError) {
        let request = NetlinkRequest("change", "interface \(index)", type: Int(RTM_NEWLINK))
        var part = ifinfomsg()
        part.ifi_index = Int32(bitPattern: index)
        if let isUp = change.isUp {
            part.ifi_change = UInt32(CLINUX_IFF_UP)
            part.ifi_flags = isUp ? UInt32(CLINUX_IFF_UP) : 0
        }
        request.setFixedPart(part)
        if let mtu = change.mtu { request.put(Int(IFLA_MTU), mtu) }
        if let name = change.name { request.put(Int(IFLA_IFNAME), name) }
        if let alias = change.alias { request.put(Int(IFLA_IFALIAS), text: alias) }
        if let length = change.transmitQueueLength { request.put(Int(IFLA_TXQLEN), length) }
        if let descriptor = change.namespaceDescriptor { request.put(Int(IFLA_NET_NS_FD), UInt32(bitPattern: descriptor)) }
        if let makes = change.makesLinkLocalAddress {
            request.nest(Int(IFLA_AF_SPEC)) { spec in
                spec.nest(Int(AF_INET6)) { inet6 in
                    let mode = makes ? IN6_ADDR_GEN_MODE_EUI64.rawValue : IN6_ADDR_GEN_MODE_NONE.rawValue
                    inet6.put(Int(IFLA_INET6_ADDR_GEN_MODE), UInt8(mode))
                }
            }
        }
        if let keeps = change.keepsSecondaryAddresses {
            request.nest(Int(IFLA_AF_SPEC)) { spec in
                spec.nest(Int(AF_INET)) { inet in
                    inet.nest(Int(IFLA_INET_CONF)) { $0.put(Int(CLINUX_PROMOTE_SECONDARIES), UInt32(keeps ? 1 : 0)) }
                }
            }
        }
        try perform(request)
    }

    /// Gives a link one more name, of up to 127 bytes, unique among all names of the namespace.
    public mutating func addAlternativeName(_ name: String, toLink index: UInt32) throws(SystemError) {
        try changeProperties("add a name to", Int(RTM_NEWLINKPROP), NLM_F_CREATE | NLM_F_EXCL | Int32(NLM_F_APPEND), index, name)
    }

    /// Takes an alternative name away.
    public mutating func removeAlternativeName(_ name: String, fromLink index: UInt32) throws(SystemError) {
        try changeProperties("take a name from", Int(RTM_DELLINKPROP), 0, index, name)
    }

    private mutating func changeProperties(
        _ operation: String, _ type: Int, _ flags: Int32, _ index: UInt32, _ name: String
    ) throws(SystemError) {
        let request = NetlinkRequest(operation, "interface \(index)", type: type, flags: flags)
        var part = ifinfomsg()
        part.ifi_index = Int32(bitPattern: index)
        request.setFixedPart(part)
        request.nest(Int(IFLA_PROP_LIST) | Int(CLINUX_NLA_F_NESTED)) { $0.put(Int(IFLA_ALT_IFNAME), name) }
        try perform(request)
    }

    /// Removes a link, whoever uses it.
    /// - Throws: ENODEV when it is gone already.
    public mutating func deleteLink(_ index: UInt32) throws(SystemError) {
        let request = NetlinkRequest("delete", "interface \(index)", type: Int(RTM_DELLINK))
        var part = ifinfomsg()
        part.ifi_index = Int32(bitPattern: index)
        request.setFixedPart(part)
        try perform(request)
    }
}
