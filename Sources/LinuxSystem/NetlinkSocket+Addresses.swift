internal import CLinuxShims
internal import Glibc
public import NetworkTypes

/// An address of an interface, as the kernel reports it.
public struct LinkAddress: Hashable, Sendable {
    /// The interface's index.
    public var link: UInt32
    /// With the length of its network.
    public var address: IPInterfaceAddress
    /// Of a point-to-point address the far end.
    public var peer: IPAddress?
    /// RT_SCOPE_…: 0 universe, 253 link, 254 host.
    public var scope: UInt8
    /// IPv6: duplicate address detection is under way, the address can't be used yet.
    public var isTentative: Bool
}

extension LinkAddress {
    /// - Returns: nil where `message` isn't about an address.
    init?(_ message: NetlinkMessage) {
        guard let part = message.fixedPart(as: ifaddrmsg.self) else { return nil }
        let attributes = message.attributes(after: MemoryLayout<ifaddrmsg>.size)
        // Of a point-to-point address IFA_ADDRESS is the far end; the local one is IFA_LOCAL.
        let far = attributes[Int(IFA_ADDRESS)]?.address
        guard let address = attributes[Int(IFA_LOCAL)]?.address ?? far, Int(part.ifa_prefixlen) <= address.bitWidth else { return nil }
        let flags = attributes[Int(IFA_FLAGS)]?.uint32 ?? UInt32(part.ifa_flags)
        self.init(
            link: part.ifa_index, address: IPInterfaceAddress(address, prefixLength: part.ifa_prefixlen),
            peer: far == address ? nil : far, scope: part.ifa_scope, isTentative: flags & 0x40 != 0)
    }
}

extension NetlinkSocket {
    /// The addresses of one link, or of all.
    public mutating func addresses(ofLink index: UInt32? = nil) throws(SystemError) -> [LinkAddress] {
        let request = NetlinkRequest("list", "addresses", type: Int(RTM_GETADDR))
        var part = ifaddrmsg()
        part.ifa_index = index ?? 0
        request.setFixedPart(part)
        return try list(request) { message in LinkAddress(message).flatMap { index == nil || $0.link == index ? $0 : nil } }
    }

    /// Gives a link an address; an IPv6 address is usable at once (no duplicate address detection).
    /// - Throws: EEXIST when it has it already.
    public mutating func addAddress(_ address: IPInterfaceAddress, toLink index: UInt32) throws(SystemError) {
        try changeAddress("add", Int(RTM_NEWADDR), NLM_F_CREATE | NLM_F_EXCL, address, nil, index)
    }

    /// Takes an address away.
    /// - Parameter peer: the far end, where it has one: the kernel doesn't find it otherwise.
    /// - Throws: EADDRNOTAVAIL when the link doesn't have it.
    public mutating func removeAddress(
        _ address: IPInterfaceAddress, peer: IPAddress? = nil, fromLink index: UInt32
    ) throws(SystemError) {
        try changeAddress("remove", Int(RTM_DELADDR), 0, address, peer, index)
    }

    private mutating func changeAddress(
        _ operation: String, _ type: Int, _ flags: Int32, _ address: IPInterfaceAddress, _ peer: IPAddress?, _ index: UInt32
    ) throws(SystemError) {
        let request = NetlinkRequest("\(operation) address", "\(address)", type: type, flags: flags)
        var part = ifaddrmsg()
        part.ifa_family = address.address.family.number
        part.ifa_prefixlen = address.prefixLength
        part.ifa_index = index
        if case .v6 = address.address { part.ifa_flags = UInt8(CLINUX_IFA_F_NODAD) }
        request.setFixedPart(part)
        request.put(Int(IFA_LOCAL), address.address)
        request.put(Int(IFA_ADDRESS), peer ?? address.address)
        try perform(request)
    }
}

extension AddressFamily {
    var number: UInt8 { UInt8(rawValue) }
}
