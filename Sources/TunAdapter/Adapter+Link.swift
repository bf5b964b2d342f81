internal import Glibc
internal import LinuxSystem
public import NetworkTypes
import Synchronization

extension Adapter {
    /// The largest MTU that a TUN interface takes.
    public static let maximumMTU: UInt32 = 65_535
    /// The smallest one.
    public static let minimumMTU: UInt32 = 68

    /// Sets the interface up, so that packets flow.
    /// - Parameter mtu: bytes of an IP packet, 68 to 65,535 (IPv6 needs 1280); nil leaves it, 1500 at first.
    public func bringUp(mtu: UInt32? = nil) throws(AdapterError) {
        try checkMTU(mtu)
        try change(LinkChange(isUp: true, mtu: mtu))
    }

    /// Sets the interface down: nothing flows, and its routes go.
    public func bringDown() throws(AdapterError) {
        try change(LinkChange(isUp: false))
    }

    /// Changes the MTU, of an interface that is up too.
    /// - Parameter mtu: bytes of an IP packet, 68 to 65,535 (IPv6 needs 1280).
    public func setMTU(_ mtu: UInt32) throws(AdapterError) {
        try checkMTU(mtu)
        try change(LinkChange(mtu: mtu))
    }

    private func checkMTU(_ mtu: UInt32?) throws(AdapterError) {
        guard let mtu, !(Self.minimumMTU...Self.maximumMTU).contains(mtu) else { return }
        throw AdapterError(.invalidParameter, "an MTU of \(mtu) bytes", remedy: "use \(Self.minimumMTU) to \(Self.maximumMTU)")
    }

    func change(_ change: LinkChange) throws(AdapterError) {
        try locked { state throws(AdapterError) in
            do throws(SystemError) {
                try state.netlink.changeLink(interfaceIndex, change)
            } catch {
                throw .changing(error, state.identity.name(interfaceName: state.interfaceName))
            }
        }
    }

    /// The interface's addresses, link-local ones included.
    public func addresses() throws(AdapterError) -> [IPInterfaceAddress] {
        try withNetlink { netlink throws(SystemError) in try netlink.addresses(ofLink: self.interfaceIndex).map(\.address) }
    }

    /// Gives the interface an address with the network around it; one that it has already is no error.
    ///
    /// An IPv6 address that it has with another prefix length has this one then: the kernel keeps each only once. Of IPv4 it has both.
    public func addAddress(_ address: IPInterfaceAddress) throws(AdapterError) {
        try withNetlink { netlink throws(SystemError) in try netlink.ensure(address, onLink: self.interfaceIndex) }
    }

    /// Takes an address away, and no other; one that it doesn't have is no error.
    public func removeAddress(_ address: IPInterfaceAddress) throws(AdapterError) {
        try withNetlink { netlink throws(SystemError) in try netlink.takeAway(address, fromLink: self.interfaceIndex) }
    }

    /// Makes `address` the only one of its family, link-local ones apart.
    public func setAddress(_ address: IPInterfaceAddress) throws(AdapterError) {
        try withNetlink { netlink throws(SystemError) in
            try netlink.ensure(address, onLink: self.interfaceIndex)
            for other in try netlink.addresses(ofLink: self.interfaceIndex).map(\.address)
            where other != address && other.address.family == address.address.family && !other.address.isLinkLocal {
                try netlink.takeAway(other, fromLink: self.interfaceIndex)
            }
        }
    }

    /// Makes an address such as `10.7.0.1/24` or `fd07::1/64` the only one of its family, link-local ones apart.
    /// - Throws: `invalidParameter` where `text` is none, or lacks the prefix length.
    public func setAddress(_ text: String) throws(AdapterError) {
        try setAddress(try Self.interfaceAddress(text))
    }

    /// Reads an address with its prefix length. Without one it would be a network of one address: hardly what is meant here.
    package static func interfaceAddress(_ text: String) throws(AdapterError) -> IPInterfaceAddress {
        guard text.utf8.contains(UInt8(ascii: "/")), let address = IPInterfaceAddress(text) else {
            throw AdapterError(
                .invalidParameter, "\"\(text)\" is no address with a prefix length", remedy: "write it as 10.7.0.1/24 or fd07::1/64")
        }
        return address
    }

    private func withNetlink<Value: Sendable>(
        _ body: (inout NetlinkSocket) throws(SystemError) -> Value
    ) throws(AdapterError) -> Value {
        try locked { state throws(AdapterError) in
            do throws(SystemError) {
                return try body(&state.netlink)
            } catch {
                throw .changing(error, state.identity.name(interfaceName: state.interfaceName))
            }
        }
    }
}

extension NetlinkSocket {
    /// Adds an address, unless it is there. The kernel tells IPv6 addresses apart without their prefix lengths, and refuses one that it has with
    /// another length as present, too: that one makes place.
    fileprivate mutating func ensure(_ address: IPInterfaceAddress, onLink index: UInt32) throws(SystemError) {
        do throws(SystemError) {
            try addAddress(address, toLink: index)
        } catch  where error.errno == EEXIST {
            let present = try addresses(ofLink: index).map(\.address)
            guard !present.contains(address), let other = present.first(where: { $0.address == address.address }) else { return }
            try removeAddress(other, fromLink: index)
            try addAddress(address, toLink: index)
        }
    }

    /// Removes an address, if it is there. By default the kernel removes with an IPv4 network's first address all later ones.
    fileprivate mutating func takeAway(_ address: IPInterfaceAddress, fromLink index: UInt32) throws(SystemError) {
        var peer: IPAddress?
        if address.address.family == .v4 {
            try changeLink(index, LinkChange(keepsSecondaryAddresses: true))
            peer = try addresses(ofLink: index).first { $0.address == address }?.peer
        }
        do throws(SystemError) {
            try removeAddress(address, peer: peer, fromLink: index)
        } catch  where error.errno == EADDRNOTAVAIL || error.errno == ENXIO {
            // The second where IPv6 is off, or the MTU below what it needs.
        }
    }
}
