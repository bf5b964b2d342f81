internal import LinuxSystem
internal import NetworkTypes

/// Default routes through the tunnel: a table of their own, which everything uses but the tunnel's own datagrams.
///
/// - Datagrams of the tunnel carry a firewall mark; what doesn't carry it is looked up in the table.
/// - Routes in the main table that are longer than a default route come first, so that the local network stays reachable.
/// - Replies to marked datagrams carry the mark again (connection tracking), so that reverse path filters see the right route.
/// Source: wg-quick(8).
enum PolicyRouting {
    /// The first number that is asked for; as wg-quick's.
    static let firstTable: UInt32 = 51820

    /// The first table from 51820 up without a route in it.
    static func freeTable() throws(SetupError) -> UInt32 {
        do throws(SystemError) {
            var netlink = try NetlinkSocket()
            var table = firstTable
            while true {
                let routes = try netlink.routes(family: .v4, table: table) + netlink.routes(family: .v6, table: table)
                if routes.isEmpty { return table }
                table += 1
            }
        } catch {
            throw SetupError("find a free routing table", error)
        }
    }

    /// Adds a default route with its rules.
    /// - Parameters:
    ///   - table: also the mark that the tunnel's datagrams carry.
    static func add(
        _ destination: IPPrefix, table: UInt32, interface: String, _ rollback: inout Rollback, _ report: SetupReport
    ) throws(SetupError) -> RouteSpecification? {
        let family = destination.address.family
        let option = family.option
        report.command("ip \(option) rule add not fwmark \(table) table \(table)")
        try addRule(RuleSpecification(family: family, mark: table, isInverted: true, table: table), &rollback)
        report.command("ip \(option) rule add table main suppress_prefixlength 0")
        try addRule(RuleSpecification(family: family, suppressPrefixLength: 0), &rollback)
        let route = try RouteSetup.add(destination, table: table, interface: interface, covered: nil, report)
        if family == .v4 { acceptMarkedSources(report) }
        return route
    }

    /// Removes a rule; one that is gone already is as good.
    static func remove(_ rule: RuleSpecification, _ report: SetupReport) throws(SetupError) {
        let mark = rule.mark.map { "not fwmark \($0) " } ?? ""
        let suppression = rule.suppressPrefixLength.map { " suppress_prefixlength \($0)" } ?? ""
        report.command("ip \(rule.family.option) rule delete priority \(rule.priority ?? 0) \(mark)table \(rule.table)\(suppression)")
        do throws(SystemError) {
            var netlink = try NetlinkSocket()
            try netlink.removeRule(rule)
        } catch {
            guard error.errno != ErrorNumber.noEntry else { return }
            throw SetupError("remove the rule for table \(rule.table)", error)
        }
    }

    private static func addRule(_ rule: RuleSpecification, _ rollback: inout Rollback) throws(SetupError) {
        // As the kernel would place it: before all others but the first. Saying so lets us remove exactly this one.
        var placed = rule
        do throws(SystemError) {
            var netlink = try NetlinkSocket()
            let lowest = try netlink.rules(family: rule.family).compactMap(\.priority).filter { $0 > 0 }.min() ?? 32766
            placed.priority = lowest - 1
        } catch {
            throw SetupError("list the rules", error)
        }
        try rollback.add(.rule(placed))
        do throws(SystemError) {
            var netlink = try NetlinkSocket()
            try netlink.addRule(placed)
        } catch {
            throw SetupError("add the rule for table \(rule.table)", error)
        }
    }

    /// Lets reverse path filters look at the mark of what arrives. Left on afterwards, as others may rely on it by then.
    private static func acceptMarkedSources(_ report: SetupReport) {
        let path = "/proc/sys/net/ipv4/conf/all/src_valid_mark"
        guard let value = try? FileSystem.read(path), value.first != UInt8(ascii: "1") else { return }
        report.command("sysctl -q net.ipv4.conf.all.src_valid_mark=1")
        do throws(SystemError) {
            try FileSystem.write([UInt8(ascii: "1")], to: path)
        } catch {
            report.warning("cannot set net.ipv4.conf.all.src_valid_mark: \(error.message); a strict reverse path filter may drop answers")
        }
    }
}
