import Testing

@testable import TunnelControl

@Suite struct KernelCountersTests {
    static let snmp = """
        Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams
        Ip: 2 64 100 0 7 0
        Icmp: InMsgs InErrors
        Icmp: 1 2
        """
    static let netstat = "TcpExt: SyncookiesSent IPReversePathFilter\nTcpExt: 0 4\nIpExt: InNoRoutes\nIpExt: 1\n"

    @Test func `a column is found by its name`() {
        let counters = KernelCounters(
            snmp: Self.snmp, netstat: Self.netstat, snmp6: "Ip6InReceives 12\nIp6InAddrErrors                 \t5\n")
        #expect(counters.notForwarded == 7)
        #expect(counters.reversePathDrops == 4)
    }

    @Test func `what isn't there counts nothing`() {
        #expect(KernelCounters(snmp: "", netstat: "", snmp6: "") == KernelCounters())
        #expect(
            KernelCounters(snmp: "Ip: InAddrErrors", netstat: "TcpExt: IPReversePathFilter\nTcpExt:\n", snmp6: "Ip6InAddrErrors\n")
                == KernelCounters())
    }

    @Test func `a difference never is negative`() {
        let (some, none) = (
            KernelCounters(snmp: Self.snmp, netstat: Self.netstat, snmp6: "Ip6InReceives 12\nIp6InAddrErrors                 \t5\n"),
            KernelCounters()
        )
        #expect(some.since(none) == some)
        #expect(none.since(some) == none)
    }

    @Test func `an interface's row`() {
        let text = """
            Inter-|   Receive                                                |  Transmit
             face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
                lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
              wg0: 1 2 3 4 5 6 7 8 90 100 11 120 13 14 15 16
            """
        #expect(InterfaceCounters(of: "wg0", in: text)?.sentPackets == 100)
        #expect(InterfaceCounters(of: "wg0", in: text)?.sendDrops == 120)
        #expect(InterfaceCounters(of: "wg", in: text) == nil)
        #expect(InterfaceCounters(of: "wg0", in: "wg0: 1 2") == nil)
    }
}
