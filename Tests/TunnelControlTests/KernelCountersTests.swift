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

    @Test func `what was to be passed on and never left has vanished, where the kernel counts that`() {
        func counters(forwarded: Int, requests: Int, transmitted: Int?, fragments: Int = 0) -> KernelCounters {
            let names = "Ip: InReceives InDelivers ForwDatagrams OutRequests FragOKs FragCreates"
            let fragmented = fragments > 0 ? 1 : 0
            let values = "Ip: 100 \(100 - forwarded) \(forwarded) \(requests) \(fragmented) \(fragments)"
            return KernelCounters(
                snmp: "\(names)\(transmitted == nil ? "" : " OutTransmits")\n\(values)\(transmitted.map { " \($0)" } ?? "")\n", netstat: "",
                snmp6: "")
        }
        #expect(counters(forwarded: 30, requests: 50, transmitted: 52).vanished == 28)
        #expect(counters(forwarded: 30, requests: 50, transmitted: 80).vanished == 0)
        // One of them left in three pieces.
        #expect(counters(forwarded: 30, requests: 50, transmitted: 82, fragments: 3).vanished == 0)
        #expect(counters(forwarded: 30, requests: 50, transmitted: nil).vanished == 0)
        let difference = counters(forwarded: 40, requests: 60, transmitted: 70).since(
            counters(forwarded: 30, requests: 50, transmitted: 52))
        #expect(difference.vanished == 2)
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
