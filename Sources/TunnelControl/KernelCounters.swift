/// Counters of a network namespace, from the kernel's texts in /proc/net.
struct KernelCounters: Hashable, Sendable {
    /// `Ip: InAddrErrors`: packets for others, while nothing is forwarded.
    var notForwarded: UInt64 = 0
    /// `Ip6InAddrErrors`: the same of IPv6.
    var notForwardedIPv6: UInt64 = 0
    /// `TcpExt: IPReversePathFilter`.
    var reversePathDrops: UInt64 = 0
    /// IPv4 packets that came in.
    var received: UInt64 = 0
    /// Those of them that were delivered or passed on, or were not for a reason that has a counter of its own.
    var accounted: UInt64 = 0

    /// IPv4 packets that came in and went nowhere: what filters have dropped.
    var vanished: UInt64 { received - min(received, accounted) + leaving - min(leaving, left) }

    /// IPv4 packets of others and of this machine that were to leave, and those that left. Since Linux 6.7 what the hook `forward` drops
    /// counts as passed on, and only `OutTransmits`, which is of the same age, shows that it didn't leave.
    var leaving: UInt64 = 0
    var left: UInt64 = 0

    init() {}

    /// - Parameters:
    ///   - snmp: the text of /proc/net/snmp.
    ///   - netstat: the text of /proc/net/netstat.
    ///   - snmp6: the text of /proc/net/snmp6.
    init(snmp: String, netstat: String, snmp6: String) {
        notForwarded = Self.value("Ip:", "InAddrErrors", in: snmp) ?? 0
        // Of IPv6 each counter has a line of its own.
        for line in snmp6.split(separator: "\n") where line.hasPrefix("Ip6InAddrErrors") {
            if let word = line.split(whereSeparator: \.isWhitespace).last { notForwardedIPv6 = UInt64(word) ?? 0 }
        }
        received = Self.value("Ip:", "InReceives", in: snmp) ?? 0
        for name in ["InHdrErrors", "InAddrErrors", "ForwDatagrams", "InDiscards", "InDelivers", "ReasmReqds"] {
            accounted += Self.value("Ip:", name, in: snmp) ?? 0
        }
        if let transmitted = Self.value("Ip:", "OutTransmits", in: snmp) {
            for name in ["ForwDatagrams", "OutRequests", "FragCreates"] { leaving += Self.value("Ip:", name, in: snmp) ?? 0 }
            left = transmitted + (Self.value("Ip:", "FragOKs", in: snmp) ?? 0)
        }
        for name in ["InNoRoutes", "InTruncatedPkts"] { accounted += Self.value("IpExt:", name, in: netstat) ?? 0 }
        reversePathDrops = Self.value("TcpExt:", "IPReversePathFilter", in: netstat) ?? 0
        accounted += reversePathDrops
    }

    /// Each group has a line of names and then a line of values.
    private static func value(_ group: String, _ name: String, in text: String) -> UInt64? {
        let lines = text.split(separator: "\n").map { $0.split(separator: " ") }.filter { $0.first.map { $0 == group } ?? false }
        guard lines.count == 2, let column = lines[0].firstIndex(where: { $0 == name }), column < lines[1].count else { return nil }
        return UInt64(lines[1][column])
    }

    /// What came since `earlier`.
    func since(_ earlier: KernelCounters) -> KernelCounters {
        var difference = KernelCounters()
        difference.notForwarded = notForwarded - min(notForwarded, earlier.notForwarded)
        difference.notForwardedIPv6 = notForwardedIPv6 - min(notForwardedIPv6, earlier.notForwardedIPv6)
        difference.received = received - min(received, earlier.received)
        difference.accounted = accounted - min(accounted, earlier.accounted)
        difference.leaving = leaving - min(leaving, earlier.leaving)
        difference.left = left - min(left, earlier.left)
        difference.reversePathDrops = reversePathDrops - min(reversePathDrops, earlier.reversePathDrops)
        return difference
    }
}

/// One interface's row of /proc/net/dev. Of a TUN interface, what is sent is what its program reads.
struct InterfaceCounters: Hashable, Sendable {
    var sentPackets: UInt64
    var sendDrops: UInt64

    /// - Parameter text: of /proc/net/dev.
    init?(of interface: String, in text: String) {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].drop(while: { $0 == " " }) == interface else { continue }
            // Eight columns of receiving, then bytes, packets, errors and drops of sending.
            let columns = parts[1].split(separator: " ").map { UInt64($0) }
            guard columns.count >= 12, let packets = columns[9], let drops = columns[11] else { return nil }
            (sentPackets, sendDrops) = (packets, drops)
            return
        }
        return nil
    }
}
