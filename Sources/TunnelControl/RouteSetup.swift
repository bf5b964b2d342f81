internal import LinuxSystem
internal import NetworkTypes
internal import TunnelConfiguration

/// The routes to what the peers may send and receive.
enum RouteSetup {
    /// What has to be routed: every allowed IP once, the longest prefixes first.
    static func destinations(of file: ConfigurationFile) -> [IPPrefix] {
        let prefixes = Set(file.peers.flatMap { $0.allowedIPs.filter { $0.value.change != .remove }.map(\.value.prefix) })
        return prefixes.sorted { ($1.length, $0) < ($0.length, $1) }
    }

    /// The number of the table that the file chose; nil for the main one, with rules for default routes.
    static func table(of choice: RoutingTableChoice) throws(SetupError) -> UInt32? {
        switch choice {
        case .automatic, .off: return nil
        case .number(let number): return number
        case .named(let name):
            if let number = wellKnownTables[name] ?? namedTable(name) { return number }
            throw SetupError(
                "use the routing table \(name)", "there is none of that name in /etc/iproute2/rt_tables", remedy: "write its number")
        }
    }

    /// Adds a route through the interface, unless it has one that covers the destination (its own address's network, say).
    /// - Returns: the route, or nil if none was needed.
    /// - Parameter covered: what the interface has routes to already; nil for a table of its own.
    static func add(
        _ destination: IPPrefix, table: UInt32?, interface: String, covered: CoveredDestinations?, _ report: SetupReport
    ) throws(SetupError) -> RouteSpecification? {
        let index = try LinkSetup.index(of: interface)
        let route = RouteSpecification(destination: destination, link: index, table: table ?? RouteSpecification.mainTable)
        do throws(SystemError) {
            var netlink = try NetlinkSocket()
            if let covered, covered.contains(destination) { return nil }
            report.command(
                "ip \(destination.address.option) route add \(destination) dev \(interface)\(table.map { " table \($0)" } ?? "")")
            try netlink.addRoute(route)
            return route
        } catch {
            if error.errno == ErrorNumber.exists {
                throw SetupError(
                    "add the route to \(destination)", "there is one to the same destination already",
                    remedy: "see `ip route show \(destination)`")
            }
            throw SetupError("add the route to \(destination)", error)
        }
    }

    static func remove(_ route: RouteSpecification, interface: String, _ report: SetupReport) throws(SetupError) {
        report.command("ip \(route.destination.address.option) route delete \(route.destination) dev \(interface) table \(route.table)")
        do throws(SystemError) {
            var netlink = try NetlinkSocket()
            try netlink.removeRoute(route)
        } catch {
            guard error.errno != ErrorNumber.noSuchProcess else { return }
            throw SetupError("remove the route to \(route.destination)", error)
        }
    }

    private static let wellKnownTables: [String: UInt32] = ["main": 254, "default": 253, "local": 255]

    private static func namedTable(_ name: String) -> UInt32? {
        for path in ["/etc/iproute2/rt_tables", "/usr/share/iproute2/rt_tables"] {
            guard let bytes = try? FileSystem.read(path, limit: 1 << 20) else { continue }
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
                let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
                if words.count == 2, words[1] == name, let number = UInt32(words[0]) { return number }
            }
        }
        return nil
    }
}

/// The destinations that an interface has routes to in the main table.
struct CoveredDestinations {
    private var prefixes: Set<IPPrefix> = []

    /// What there is now.
    init(of interface: String) throws(SetupError) {
        let index = try LinkSetup.index(of: interface)
        do throws(SystemError) {
            var netlink = try NetlinkSocket()
            for family in AddressFamily.both {
                for route in try netlink.routes(family: family, table: RouteSpecification.mainTable) where route.link == index {
                    prefixes.insert(route.destination)
                }
            }
        } catch {
            throw SetupError("list the routes of \(interface)", error)
        }
    }

    /// Whether one of them contains all of `destination`; a default route counts only for a default route.
    func contains(_ destination: IPPrefix) -> Bool {
        if destination.isDefaultRoute { return prefixes.contains(destination) }
        var length = destination.length
        while length > 0 {
            if prefixes.contains(IPPrefix(destination.address, length: length)) { return true }
            length -= 1
        }
        return false
    }
}
