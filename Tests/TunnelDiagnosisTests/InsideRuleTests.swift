import NetworkTypes
import Testing
import WireGuardCrypto

@testable import TunnelDiagnosis

/// What is inside of the tunnel, and the machine around it.
@Suite struct InsideRuleTests {
    static func drop(_ reason: DropObservation.Reason, source: String? = nil, destination: String? = nil) -> Observation {
        var observation = Recorded.healthy()
        var drop = DropObservation(reason, count: 37)
        drop.source = source.flatMap { IPAddress($0) }
        drop.destination = destination.flatMap { IPAddress($0) }
        drop.peer = reason == .noPeerForDestination ? nil : Recorded.theirs
        drop.age = .seconds(3)
        observation.drops = [drop]
        return observation
    }

    @Test func `a destination in nobody's AllowedIPs is named`() {
        let diagnosis = Diagnosis(Self.drop(.noPeerForDestination, destination: "10.20.0.7"))
        #expect(diagnosis.codes == [.noPeerForDestination])
        #expect(
            diagnosis.line
                == "office works, with one thing to look at: packets to 10.20.0.7 have nowhere to go: it is in nobody's AllowedIPs")
        #expect(diagnosis.verdict.exitStatus == 0)
    }

    @Test func `multicast and broadcast have nowhere to go, rightly`() {
        for destination in ["224.0.0.251", "ff02::fb", "10.8.0.255", "255.255.255.255", "fe80::1"] {
            #expect(Diagnosis(Self.drop(.noPeerForDestination, destination: destination)).findings.isEmpty, "\(destination)")
        }
    }

    @Test func `a source that a peer may not use is named`() {
        let diagnosis = Diagnosis(Self.drop(.sourceNotAllowed, source: "10.20.0.7"))
        #expect(diagnosis.codes == [.sourceNotAllowed])
        #expect(diagnosis.line.contains("from 10.20.0.7 are refused"))
    }

    @Test func `a source that isn't known is refused all the same`() {
        let diagnosis = Diagnosis(Self.drop(.sourceNotAllowed))
        #expect(diagnosis.codes == [.sourceNotAllowed])
        #expect(diagnosis.line.contains("their source address is not in its AllowedIPs"), "\(diagnosis.line)")
    }

    @Test func `who asks for routers is nobody's trouble`() {
        for source in ["fe80::1234", "::", "169.254.7.7"] {
            #expect(Diagnosis(Self.drop(.sourceNotAllowed, source: source)).findings.isEmpty, "\(source)")
        }
    }

    /// A peer that asks a host here in vain.
    static func asking(_ address: String) -> Observation {
        var observation = Recorded.healthy()
        observation.peers[0].askedHere = [AnswerRuleTests.host(address, unanswered: 12, for: .seconds(6))]
        return observation
    }

    @Test func `drops of long ago say nothing of now`() {
        var observation = Self.drop(.sourceNotAllowed, source: "10.20.0.7")
        observation.drops[0].age = .seconds(3000)
        #expect(Diagnosis(observation).findings.isEmpty)
    }

    @Test func `our own datagrams in the tunnel are an error`() {
        let diagnosis = Diagnosis(Self.drop(.ownDatagram, destination: "192.0.2.7"))
        #expect(diagnosis.codes == [.ownDatagrams])
        #expect(diagnosis.line.contains("routed into the tunnel itself"))
    }

    @Test func `packets for a peer that has not called yet`() {
        var observation = Self.drop(.noEndpoint)
        // It has called since.
        #expect(Diagnosis(observation).findings.isEmpty)
        observation.peers[0].endpoint = nil
        observation.peers[0].lastHandshake = nil
        #expect(Diagnosis(observation).codes == [.noEndpoint])
        #expect(Diagnosis(observation).findings[0].severity == .warning)
        // Of many clients some are away, and somebody pings them all.
        var other = Recorded.healthy().peers[0]
        other.publicKey = Recorded.others
        observation.peers.append(other)
        #expect(Diagnosis(observation).findings.map(\.severity) == [.note])
        #expect(Diagnosis(observation).line == "office works")
    }

    @Test func `an overlap with a local network is named with its interface`() {
        var observation = Recorded.healthy()
        observation.localNetworks = [LocalNetwork(IPPrefix("10.8.0.0/16")!, interface: "eth0")]
        let diagnosis = Diagnosis(observation)
        #expect(diagnosis.codes == [.localNetwork, .localNetwork])
        #expect(diagnosis.line.contains("overlaps the local network 10.8.0.0/16 of eth0"))
        // A default route, whole or in halves, is around every local network.
        observation.settings.peers[0].allowedIPs = [IPPrefix("0.0.0.0/0")!]
        observation.settings.addresses = [IPInterfaceAddress("10.9.0.1/24")!]
        #expect(Diagnosis(observation).findings.isEmpty)
        observation.settings.peers[0].allowedIPs = [IPPrefix("0.0.0.0/1")!, IPPrefix("128.0.0.0/1")!]
        #expect(!Diagnosis(observation).codes.contains(.localNetwork))
    }

    @Test func `a name server that isn't reached through the tunnel`() {
        var observation = Recorded.healthy()
        let server = IPAddress("10.8.0.53")!
        observation.nameServers = [
            NameServerObservation(
                server, route: .via(interface: "eth0", isTunnel: false, source: nil, gateway: nil, mtu: 1500))
        ]
        #expect(Diagnosis(observation).line.contains("leave by eth0, beside the tunnel"))
        observation.nameServers[0].route = RouteObservation.none
        #expect(Diagnosis(observation).codes == [.nameServerUnreachable])
        observation.nameServers[0].route = .via(interface: "office", isTunnel: true, source: nil, gateway: nil, mtu: 1420)
        #expect(Diagnosis(observation).findings.isEmpty)
    }

    @Test(arguments: ["10.30.0.9", "fd30::9"])
    func `forwarding that is off, where a peer asks for others`(address: String) {
        let isIPv6 = address.contains(":")
        let forwards = isIPv6 ? \FilterObservation.forwardsIPv6 : \.forwardsIPv4
        let dropped = isIPv6 ? \FilterObservation.notForwardedIPv6 : \.notForwarded
        var observation = Self.asking(address)
        observation.filters[keyPath: forwards] = false
        #expect(Diagnosis(observation).findings.isEmpty)
        observation.filters[keyPath: dropped] = 9
        let diagnosis = Diagnosis(observation)
        #expect(diagnosis.codes == [.notForwarding])
        #expect(diagnosis.line.contains("forward") && diagnosis.verdict.outcome == .worksWithFindings, "\(diagnosis.line)")
        // Fewer than were asked are somebody else's, and so is what comes where no peer asks, or asks for the other family.
        observation.filters[keyPath: dropped] = 8
        #expect(Diagnosis(observation).findings.map(\.severity) == [.note])
        observation.filters[keyPath: dropped] = 9
        observation.peers[0].askedHere[0].address = IPAddress(isIPv6 ? "10.30.0.9" : "fd30::9")!
        #expect(Diagnosis(observation).line == "office works")
        observation.peers[0].askedHere = []
        #expect(Diagnosis(observation).line == "office works")
        observation.filters[keyPath: forwards] = true
        #expect(Diagnosis(observation).findings.isEmpty)
    }

    @Test func `a strict reverse path filter, once it drops what a peer asks`() {
        var observation = Self.asking("10.8.0.1")
        observation.filters.reversePathFilters = ["eth0": 1, "office": 1]
        #expect(Diagnosis(observation).findings.isEmpty)
        observation.filters.reversePathDrops = 12
        #expect(Diagnosis(observation).line.contains("reverse path filter of office (rp_filter) dropped 12 packets"))
        #expect(Diagnosis(observation).verdict.outcome == .worksWithFindings)
        // The Internet sends such packets to everybody.
        observation.peers[0].askedHere = []
        #expect(Diagnosis(observation).line == "office works")
        #expect(Diagnosis(observation).codes == [.reversePath])
        // A peer that doesn't answer may be one that isn't heard.
        observation.peers = PathRuleTests.unanswered().peers
        #expect(Diagnosis(observation).findings.first { $0.code == .reversePath }?.severity == .warning)
        observation.filters.reversePathFilters = ["eth0": 2, "office": 2]
        #expect(!Diagnosis(observation).codes.contains(.reversePath))
    }

    @Test func `a clock that went back, here`() {
        var observation = PathRuleTests.unanswered()
        observation.clockBehindOurTimestamps = .seconds(3540)
        let diagnosis = Diagnosis(observation)
        #expect(diagnosis.codes == [.clockBehind])
        #expect(diagnosis.line.contains("clock is 59 min behind"))
        observation.clockBehindOurTimestamps = .seconds(0)
        #expect(Diagnosis(observation).codes == [.noAnswer])
    }

    @Test func `a clock that went back, there`() {
        var observation = Recorded.fresh()
        observation.peers[0].replayed = ReplayedInitiations(count: 4, behind: .seconds(3540), age: .seconds(1))
        let diagnosis = Diagnosis(observation)
        #expect(diagnosis.codes == [.peerClockBehind])
        #expect(diagnosis.line.contains("is 59 min behind"))
        observation.peers[0].lastHandshake = .milliseconds(500)
        #expect(Diagnosis(observation).findings.isEmpty)
    }

    @Test func `an interface that is down explains everything`() {
        var observation = PathRuleTests.unanswered()
        observation.link?.isUp = false
        #expect(Diagnosis(observation).codes == [.linkDown])
        #expect(Diagnosis(observation).line == "office does not work: its interface is down, so nothing leaves and nobody is answered")
    }

    @Test func `a port that another program has explains everything as well`() {
        var observation = PathRuleTests.unanswered()
        observation.takenPort = 51820
        let diagnosis = Diagnosis(observation)
        #expect(diagnosis.codes == [.portTaken])
        #expect(diagnosis.line == "office does not work: another program has its port 51820, so nothing is sent and nothing received")
        #expect(diagnosis.findings[0].remedy.contains("wg set office listen-port 0"))
    }

    @Test func `a queue that drops more than one in a hundred`() {
        var observation = Recorded.healthy()
        observation.link?.queueDrops = 223_834
        observation.link?.queuedPackets = 406_166
        #expect(Diagnosis(observation).line.contains("223834 of 630000 packets"))
        observation.link?.queueDrops = 110
        #expect(Diagnosis(observation).findings.isEmpty)
    }

    @Test func `sockets that overflow more than one in a hundred`() {
        var observation = Recorded.healthy()
        observation.link?.queuedPackets = 100_000
        observation.link?.socketDrops = 2293
        #expect(Diagnosis(observation).codes == [.queueDrops])
        #expect(Diagnosis(observation).line.contains("2293 found the socket's buffer full"), "\(Diagnosis(observation).line)")
        observation.link?.socketDrops = 900
        #expect(Diagnosis(observation).findings.isEmpty)
    }

    @Test func `a black hole for large packets, and a path that says its MTU`() {
        var observation = Recorded.healthy()
        observation.peers[0].probe = PathProbe(largestAnswered: 1372, smallestLost: 1400)
        #expect(Diagnosis(observation).codes == [.pathMTU])
        #expect(Diagnosis(observation).line.contains("of 1372 bytes they pass, of 1400 not"))
        observation.peers[0].probe = PathProbe(largestAnswered: 1420, smallestLost: nil)
        #expect(Diagnosis(observation).findings.isEmpty)
        observation.peers[0].networkError = NetworkError(.tooLarge(mtu: 1400), reporter: IPAddress("192.0.2.254"), age: .seconds(3))
        #expect(Diagnosis(observation).codes == [.pathMTU])
        #expect(Diagnosis(observation).findings[0].remedy.contains("MTU = 1340"))
        observation.peers[0].networkError = NetworkError(.tooLarge(mtu: 1492), reporter: nil, age: .seconds(3))
        #expect(Diagnosis(observation).findings.isEmpty)
    }

    @Test func `codes have names of their own and stand in one order`() {
        #expect(Set(FindingCode.allCases.map(\.rawValue)).count == FindingCode.allCases.count)
        #expect(FindingCode.linkDown.rank < FindingCode.noAnswer.rank)
    }

    @Test func `lengths of time`() {
        let table: [(Interval, String)] = [
            (.milliseconds(31), "31 ms"), (.seconds(1), "1 s"), (.seconds(119), "119 s"), (.seconds(120), "2 min"),
            (.seconds(3599), "59 min"), (.seconds(7200), "2 h"), (.seconds(172_800), "2 days"),
        ]
        for (interval, words) in table { #expect(interval.inWords == words) }
    }
}
