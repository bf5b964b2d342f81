internal import LinuxSystem
internal import NetworkTypes

/// The interface itself: addresses, MTU, up.
enum LinkSetup {
    /// The index of an interface.
    static func index(of interface: String) throws(SetupError) -> UInt32 {
        do throws(SystemError) {
            var netlink = try NetlinkSocket()
            if let link = try netlink.link(named: interface) { return link.index }
        } catch {
            throw SetupError("look up the interface \(interface)", error)
        }
        throw SetupError("look up the interface \(interface)", "there is none of that name")
    }

    static func addAddress(_ address: IPInterfaceAddress, to interface: String, _ report: SetupReport) throws(SetupError) {
        report.command("ip \(address.address.option) address add \(address) dev \(interface)")
        let index = try index(of: interface)
        do throws(SystemError) {
            var netlink = try NetlinkSocket()
            try netlink.addAddress(address, toLink: index)
        } catch {
            // A hook may have been faster.
            guard error.errno != ErrorNumber.exists else { return }
            throw SetupError("add the address \(address)", error)
        }
    }

    static func removeAddress(_ address: IPInterfaceAddress, from interface: String, _ report: SetupReport) throws(SetupError) {
        report.command("ip \(address.address.option) address delete \(address) dev \(interface)")
        let index = try index(of: interface)
        do throws(SystemError) {
            var netlink = try NetlinkSocket()
            try netlink.removeAddress(address, fromLink: index)
        } catch {
            guard error.errno != ErrorNumber.addressNotAvailable else { return }
            throw SetupError("remove the address \(address)", error)
        }
    }

    /// The addresses that the interface has now, without link-local ones that the kernel gave it.
    static func addresses(of interface: String) throws(SetupError) -> [IPInterfaceAddress] {
        let index = try index(of: interface)
        do throws(SystemError) {
            var netlink = try NetlinkSocket()
            return try netlink.addresses(ofLink: index).map(\.address).filter { !$0.address.isLinkLocal }
        } catch {
            throw SetupError("list the addresses of \(interface)", error)
        }
    }

    static func bringUp(_ interface: String, mtu: UInt32, _ report: SetupReport) throws(SetupError) {
        report.command("ip link set mtu \(mtu) up dev \(interface)")
        let index = try index(of: interface)
        do throws(SystemError) {
            var netlink = try NetlinkSocket()
            try netlink.changeLink(index, LinkChange(isUp: true, mtu: mtu))
        } catch {
            throw SetupError("bring up \(interface) with an MTU of \(mtu)", error)
        }
    }

    /// The interface's MTU in bytes.
    static func mtu(of interface: String) throws(SystemError) -> UInt32? {
        var netlink = try NetlinkSocket()
        return try netlink.link(named: interface)?.mtu
    }

    /// Bytes that the tunnel adds to a packet: IPv6 and UDP headers, message header and tag.
    static let overhead: UInt32 = 40 + 8 + 16 + 16

    /// The MTU for a tunnel to `endpoints`, as wg-quick finds it: the smallest of the routes towards them, without endpoints
    /// the default route's, else 1500; minus what the tunnel adds.
    static func automaticMTU(endpoints: [Endpoint]) -> UInt32 {
        guard var netlink = try? NetlinkSocket() else { return 1500 - overhead }
        var outer: UInt32?
        for endpoint in endpoints {
            guard let route = try? netlink.route(to: endpoint.address) else { continue }
            outer = min(outer ?? .max, route.mtu)
        }
        if outer == nil {
            outer = AddressFamily.both.lazy.compactMap { defaultRouteMTU($0) }.first
        }
        // Below IPv4's least, a route's MTU is no use to anybody.
        return max(outer ?? 1500, 576 + overhead) - overhead
    }

    private static func defaultRouteMTU(_ family: AddressFamily) -> UInt32? {
        guard var netlink = try? NetlinkSocket(),
            let routes = try? netlink.routes(family: family, table: RouteSpecification.mainTable),
            let route = routes.first(where: { $0.destination.isDefaultRoute })
        else { return nil }
        if let mtu = route.mtu { return mtu }
        guard let index = route.link, let link = try? netlink.link(index: index) else { return nil }
        return link.mtu
    }
}

extension AddressFamily {
    static let both: [AddressFamily] = [.v4, .v6]

    /// The option that `ip` takes.
    var option: String { self == .v4 ? "-4" : "-6" }
}

extension IPAddress {
    var option: String { family.option }
}
