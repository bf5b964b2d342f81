import NetworkTypes
import Testing
import TunnelConfiguration
import WireGuardCrypto

@testable import TunnelDiagnosis

/// The way to a peer: routes, refusals, filters, silence.
@Suite struct PathRuleTests {
    /// Three handshakes without an answer, and what else is known.
    static func unanswered(_ change: (inout PeerObservation) -> Void = { _ in }) -> Observation {
        var observation = Recorded.fresh()
        observation.peers[0].handshakes = Recorded.unanswered(3, for: .seconds(11))
        change(&observation.peers[0])
        return observation
    }

    @Test func `silence names keys and filters`() {
        let diagnosis = Diagnosis(Self.unanswered())
        #expect(diagnosis.codes == [.noAnswer])
        #expect(diagnosis.peers[0].state == .noAnswer(.seconds(11)))
        #expect(diagnosis.line.hasPrefix("office does not work: 192.0.2.7:51820 doesn't answer for 11 s: it doesn't know our key"))
        #expect(diagnosis.line.contains("filter"))
        #expect(diagnosis.verdict.exitStatus == 1)
    }

    @Test(arguments: [
        (NetworkError.Cause.portUnreachable, FindingCode.portClosed, "nobody listens on that port", PeerState.refused),
        (.prohibited, .prohibited, "administratively prohibited", .refused),
        (.hostUnreachable, .hostUnreachable, "the router 192.0.2.254 can't reach", .unreachable),
        (.networkUnreachable, .networkUnreachable, "has no route", .unreachable),
        (.routingLoop, .routingLoop, "circles", .unreachable),
    ])
    func `an ICMP error is the cause, not the silence`(
        cause: NetworkError.Cause, code: FindingCode, words: String, state: PeerState
    ) {
        // The port is the peer's own to refuse; of another's word for it see OtherSetupTests.
        let reporter = cause == .portUnreachable ? "192.0.2.7" : "192.0.2.254"
        let diagnosis = Diagnosis(
            Self.unanswered { $0.networkError = NetworkError(cause, reporter: IPAddress(reporter), age: .seconds(3)) })
        #expect(diagnosis.codes == [code])
        #expect(diagnosis.line.contains(words), "\(diagnosis.line)")
        #expect(diagnosis.line.contains(reporter))
        #expect(diagnosis.peers[0].state == state)
    }

    @Test(
        arguments: [
            (false, 3, 3, NetworkError.Cause.portUnreachable), (false, 3, 13, .prohibited), (false, 3, 1, .hostUnreachable),
            (false, 3, 0, .networkUnreachable), (false, 11, 0, .routingLoop), (false, 3, 4, .tooLarge(mtu: 1400)),
            (true, 2, 0, .tooLarge(mtu: 1400)),
            (true, 1, 4, .portUnreachable), (true, 1, 1, .prohibited), (true, 1, 3, .hostUnreachable), (true, 1, 0, .networkUnreachable),
            (true, 3, 0, .routingLoop), (false, 12, 0, .other), (true, 3, 3, .other),
        ] as [(Bool, UInt8, UInt8, NetworkError.Cause)])
    func `types and codes of ICMP`(isV6: Bool, type: UInt8, code: UInt8, cause: NetworkError.Cause) {
        #expect(NetworkError.Cause(isV6: isV6, type: type, code: code, mtu: 1400) == cause)
    }

    @Test func `a port that was learned and is closed is one that a NAT has forgotten`() {
        let diagnosis = Diagnosis(
            Self.unanswered {
                $0.isEndpointLearned = true
                $0.networkError = NetworkError(.portUnreachable, reporter: nil, age: .seconds(1))
            })
        #expect(diagnosis.codes == [.natForgot])
        #expect(diagnosis.line.contains("NAT"))
    }

    @Test(arguments: [
        (SendFailure.Cause.noRoute, FindingCode.noRoute, "no route"), (.filtered, .filteredOut, "own firewall"),
        (.hostUnreachable, .hostUnreachable, "no answer to ARP"), (.prohibited, .sendProhibited, "prohibits"),
        (.familyMissing, .familyMissing, "no IPv4 route"), (.networkDown, .networkDown, "down"), (.other(22), .sendFailed, "errno 22"),
    ])
    func `a refusal of the kernel is the cause`(cause: SendFailure.Cause, code: FindingCode, words: String) {
        let diagnosis = Diagnosis(Self.unanswered { $0.sendFailure = SendFailure(cause, age: .seconds(1)) })
        #expect(diagnosis.codes == [code])
        #expect(diagnosis.line.contains(words), "\(diagnosis.line)")
        #expect(diagnosis.verdict.exitStatus == 1)
    }

    @Test func `a router that doesn't answer is told from a neighbour that doesn't`() {
        let gateway = Self.unanswered {
            $0.route = .via(
                interface: "eth0", isTunnel: false, source: IPAddress("10.0.0.2"), gateway: IPAddress("10.0.0.1"), mtu: 1500)
            // The kernel itself says so, from the address that the datagram had.
            $0.networkError = NetworkError(.hostUnreachable, reporter: IPAddress("10.0.0.2"), age: .seconds(1))
        }
        let line = Diagnosis(gateway).line
        #expect(line.contains("the router 10.0.0.1 towards 192.0.2.7:51820 doesn't answer on eth0"), "\(line)")
        // From another address of this machine than the route's.
        var other = gateway
        other.ownAddresses = [IPAddress("192.168.1.5")!]
        other.peers[0].networkError?.reporter = IPAddress("192.168.1.5")
        #expect(Diagnosis(other).line == line)
    }

    @Test func `no route, and no IPv6 at all`() {
        #expect(Diagnosis(Self.unanswered { $0.route = RouteObservation.none }).codes == [.noRoute])
        let diagnosis = Diagnosis(
            Self.unanswered {
                $0.route = RouteObservation.none
                $0.endpoint = Endpoint("[2001:db8::7]:51820")
                $0.sendFailure = SendFailure(.noRoute, age: .seconds(1))
            })
        #expect(diagnosis.line.contains("no IPv6 route to [2001:db8::7]:51820"), "\(diagnosis.line)")
        #expect(diagnosis.codes == [.noRoute])
    }

    @Test func `an endpoint whose route leads into the tunnel explains its silence`() {
        let observation = Self.unanswered {
            $0.route = .via(interface: "office", isTunnel: true, source: IPAddress("10.8.0.1"), gateway: nil, mtu: 1420)
        }
        let diagnosis = Diagnosis(observation)
        #expect(diagnosis.codes == [.endpointInTunnel])
        #expect(diagnosis.line.contains("leads into the tunnel itself"))
    }

    @Test func `an answer made with another preshared key`() {
        let diagnosis = Diagnosis(
            Self.unanswered {
                $0.handshakes?.refusedResponses = 3
                $0.handshakes?.lastRefusedResponse = .seconds(1)
            })
        #expect(diagnosis.codes == [.presharedKey])
        #expect(diagnosis.line.contains("answers, but with another preshared key"))
        #expect(diagnosis.peers[0].state == .refused)
    }

    @Test func `answers that are never used: the preshared key at their side, or our answers are lost`() {
        var observation = Recorded.fresh()
        observation.peers[0].handshakes?.unconfirmedAnswers = 3
        observation.peers[0].handshakes?.unconfirmedFor = .seconds(11)
        let diagnosis = Diagnosis(observation)
        #expect(diagnosis.codes == [.answersLost])
        #expect(diagnosis.line.contains("preshared key"))
        #expect(diagnosis.line.contains("filter"))
        #expect(diagnosis.peers[0].state == .noAnswer(.seconds(11)))
        // Two that cross are no pattern yet.
        observation.peers[0].handshakes?.unconfirmedAnswers = 1
        #expect(Diagnosis(observation).findings.isEmpty)
        // Heard of, and nothing more: that is not working yet.
        observation.peers[0].traffic?.lastReceived = .seconds(1)
        #expect(Diagnosis(observation).peers[0].state != .working)
    }

    @Test func `a peer that calls with another key is told with that key`() {
        var observation = Self.unanswered()
        observation.strangers = [
            Stranger(sender: Endpoint("192.0.2.7:51820")!, reason: .unknownKey(Recorded.others), count: 2, age: .seconds(1))
        ]
        let diagnosis = Diagnosis(observation)
        #expect(diagnosis.codes == [.otherKeyOfPeer])
        #expect(diagnosis.line.contains(Recorded.others.base64))
        #expect(diagnosis.findings[0].peer == Recorded.theirs)
    }

    @Test func `a peer that calls another key of ours is told ours`() {
        var observation = Self.unanswered()
        observation.strangers = [Stranger(sender: Endpoint("192.0.2.7:51820")!, reason: .wrongKeyOfOurs, count: 2, age: .seconds(1))]
        let diagnosis = Diagnosis(observation)
        #expect(diagnosis.codes == [.otherKeyOfOurs])
        #expect(diagnosis.line.contains(Recorded.ours.base64))
    }

    @Test func `a stranger at a tunnel that works is a note`() {
        var observation = Recorded.healthy()
        observation.strangers = [
            Stranger(sender: Endpoint("198.51.100.1:999")!, reason: .unknownKey(Recorded.others), count: 2, age: .seconds(1))
        ]
        let diagnosis = Diagnosis(observation)
        #expect(diagnosis.line == "office works")
        #expect(diagnosis.findings.map(\.severity) == [.note])
    }

    @Test func `who calls another key than ours from nowhere we know is told ours`() {
        var observation = Recorded.healthy()
        observation.strangers = [Stranger(sender: Endpoint("198.51.100.1:999")!, reason: .wrongKeyOfOurs, count: 2, age: .seconds(1))]
        #expect(Diagnosis(observation).findings.map(\.severity) == [.note])
        #expect(Diagnosis(observation).findings[0].remedy.contains(Recorded.ours.base64))
        observation = Recorded.fresh()
        observation.peers[0].endpoint = nil
        observation.strangers = [Stranger(sender: Endpoint("198.51.100.1:999")!, reason: .wrongKeyOfOurs, count: 2, age: .seconds(1))]
        #expect(Diagnosis(observation).codes == [.unknownSender])
        #expect(Diagnosis(observation).line.contains("another public key than ours, \(Recorded.ours.base64)"))
    }

    @Test func `a stranger is the cause where a peer is waited for`() {
        var observation = Recorded.fresh()
        observation.peers[0].endpoint = nil
        observation.strangers = [
            Stranger(sender: Endpoint("198.51.100.1:999")!, reason: .unknownKey(Recorded.others), count: 2, age: .seconds(1))
        ]
        #expect(Diagnosis(observation).line.contains(Recorded.others.base64))
        #expect(Diagnosis(observation).verdict.exitStatus == 1)
    }

    @Test func `answers that arrive and are filtered here`() {
        var observation = Self.unanswered()
        observation.filters.arrivedUnseen = ArrivedUnseen(interface: "eth0", sender: IPAddress("192.0.2.7")!, count: 2)
        #expect(Diagnosis(observation).codes == [.filteredIn])
        #expect(Diagnosis(observation).line.contains("own firewall"))
        observation.filters.reversePathFilters = ["eth0": 1]
        observation.filters.reversePathDrops = 2
        #expect(Diagnosis(observation).codes == [.reversePath])
        #expect(Diagnosis(observation).line.contains("rp_filter"))
    }

    @Test func `a silent peer that worked before`() {
        var observation = Recorded.healthy()
        observation.peers[0].handshakes = Recorded.unanswered(2, for: .seconds(7))
        observation.peers[0].traffic = Recorded.traffic(sent: 50, received: 30, heard: .seconds(24), unanswered: .seconds(22))
        var diagnosis = Diagnosis(observation)
        #expect(diagnosis.codes == [.peerSilent])
        #expect(diagnosis.peers[0].state == .silent(.seconds(22)))
        #expect(diagnosis.line.contains("restarted"))
        #expect(diagnosis.findings[0].evidence.hasPrefix("2 handshakes unanswered"))
        observation.peers[0].isEndpointLearned = true
        diagnosis = Diagnosis(observation)
        #expect(diagnosis.codes == [.natForgot])
        #expect(diagnosis.line.contains("NAT"))
        #expect(diagnosis.findings[0].evidence.hasSuffix("2 handshakes unanswered"))
    }

    @Test func `before a handshake is tried, none is said to be unanswered`() {
        var observation = Recorded.healthy()
        observation.peers[0].traffic = Recorded.traffic(sent: 50, received: 30, heard: .seconds(13), unanswered: .seconds(11))
        #expect(Diagnosis(observation).findings.first?.evidence == "what was sent is not answered, heard of 13 s ago")
        observation.peers[0].isEndpointLearned = true
        #expect(Diagnosis(observation).findings.first?.evidence.hasSuffix("not configured; what was sent is not answered") ?? false)
    }

    @Test func `behind a NAT without PersistentKeepalive`() {
        var observation = Recorded.healthy()
        observation.peers[0].route = .via(
            interface: "eth0", isTunnel: false, source: IPAddress("192.168.1.5"), gateway: IPAddress("192.168.1.1"), mtu: 1500)
        #expect(Diagnosis(observation).codes == [.natWithoutKeepalive])
        // Who only calls needs none.
        #expect(Diagnosis(observation).line.hasPrefix("office works; we are behind a NAT (our address is 192.168.1.5)"))
        #expect(Diagnosis(observation).verdict.outcome == .works)
        #expect(Diagnosis(observation).verdict.exitStatus == 0)
        observation.settings.peers[0].persistentKeepalive = 25
        #expect(Diagnosis(observation).findings.isEmpty)
        observation.settings.peers[0].persistentKeepalive = 0
        observation.peers[0].endpoint = Endpoint("192.168.1.9:51820")
        #expect(Diagnosis(observation).findings.isEmpty)
    }

    @Test(arguments: [
        ("10.0.0.1", true), ("11.0.0.1", false), ("172.16.0.1", true), ("172.31.255.1", true), ("172.32.0.1", false),
        ("192.168.3.4", true), ("100.64.0.1", true), ("100.127.255.1", true), ("100.128.0.1", false), ("192.0.2.1", false),
        ("fd00::1", true), ("2001:db8::1", false),
    ])
    func `private addresses`(text: String, isPrivate: Bool) {
        #expect(IPAddress(text)!.isPrivate == isPrivate)
    }
}
