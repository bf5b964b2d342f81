import NetworkTypes
import Testing
import TunnelConfiguration
import WireGuardCrypto

@testable import TunnelDiagnosis

/// Set-ups that people have and that look like something else, from what was observed of them; and their healthy neighbours.
@Suite struct OtherSetupTests {
    /// Three handshakes without an answer.
    static func unanswered(_ change: (inout Observation) -> Void = { _ in }) -> Observation {
        var observation = PathRuleTests.unanswered()
        change(&observation)
        return observation
    }

    // MARK: Outside

    @Test func `a peer that answers by turns has another with our key`() {
        var observation = Recorded.healthy()
        observation.peers[0].traffic?.returns = 3
        observation.peers[0].traffic?.lastReturn = .seconds(8)
        #expect(Diagnosis(observation).codes == [.keyUsedTwice])
        #expect(Diagnosis(observation).line.contains("another machine uses our key"))
        // Silent again.
        observation.peers[0].traffic?.unansweredFor = .seconds(13)
        observation.peers[0].handshakes = Self.unanswered().peers[0].handshakes
        #expect(Diagnosis(observation).codes == [.keyUsedTwice])
        #expect(Diagnosis(observation).verdict.exitStatus == 1)
        // Recorded: the other machine has just begun a session, and what is for it comes to us.
        observation = Recorded.healthy()
        var drop = DropObservation(.unknownSession, count: 40)
        (drop.sender, drop.age) = (Endpoint("192.0.2.7:51820"), .seconds(1))
        observation.drops = [drop]
        #expect(Diagnosis(observation).codes == [.keyUsedTwice])
        // We have been restarted, and the peer didn't know it yet; somebody else's; long ago.
        observation.peers[0].lastHandshake = .seconds(5)
        #expect(Diagnosis(observation).findings.isEmpty)
        observation.peers[0].lastHandshake = .seconds(48)
        observation.drops[0].sender = Endpoint("192.0.2.8:51820")
        #expect(Diagnosis(observation).findings.isEmpty)
        (observation.drops[0].sender, observation.drops[0].age) = (drop.sender, .seconds(40))
        #expect(Diagnosis(observation).findings.isEmpty)
        // A link that was down twice, and a while ago.
        observation = Recorded.healthy()
        observation.peers[0].traffic?.returns = 2
        observation.peers[0].traffic?.lastReturn = .seconds(8)
        #expect(Diagnosis(observation).findings.isEmpty)
        observation.peers[0].traffic?.returns = 5
        observation.peers[0].traffic?.lastReturn = .seconds(100)
        #expect(Diagnosis(observation).findings.isEmpty)
    }

    @Test func `who rejects on the way is not the peer`() {
        let diagnosis = Diagnosis(
            Self.unanswered {
                $0.peers[0].networkError = NetworkError(.portUnreachable, reporter: IPAddress("192.0.2.254"), age: .seconds(1))
            })
        #expect(diagnosis.codes == [.prohibited])
        #expect(diagnosis.line.contains("192.0.2.254 on the way rejects"), "\(diagnosis.line)")
        #expect(!diagnosis.line.contains("nobody listens"))
    }

    @Test func `our own firewall that rejects is named as ours`() {
        let diagnosis = Diagnosis(
            Self.unanswered {
                $0.ownAddresses = [IPAddress("192.0.2.1")!]
                $0.peers[0].networkError = NetworkError(.portUnreachable, reporter: IPAddress("192.0.2.1"), age: .seconds(1))
            })
        #expect(diagnosis.codes == [.filteredOut])
        #expect(diagnosis.line.contains("own firewall"))
    }

    @Test(arguments: ["192.0.2.1:51820", "127.0.0.1:51820"])
    func `an endpoint that is the tunnel's own port is told as such`(endpoint: String) {
        let diagnosis = Diagnosis(
            Self.unanswered {
                $0.settings.listenPort = 51820
                $0.ownAddresses = [IPAddress("192.0.2.1")!]
                $0.settings.peers[0].endpoint = Endpoint(endpoint)
                $0.peers[0].endpoint = Endpoint(endpoint)
                $0.strangers = [Stranger(sender: Endpoint(endpoint)!, reason: .wrongKeyOfOurs, count: 2, age: .seconds(1))]
            })
        #expect(diagnosis.codes == [.endpointIsItself])
        #expect(diagnosis.line.contains("calls itself"))
    }

    @Test func `an endpoint of this machine where nobody listens is told as such`() {
        let diagnosis = Diagnosis(
            Self.unanswered {
                $0.ownAddresses = [IPAddress("203.0.113.1")!]
                $0.peers[0].endpoint = Endpoint("203.0.113.1:51820")
                $0.peers[0].networkError = NetworkError(.portUnreachable, reporter: IPAddress("203.0.113.1"), age: .seconds(1))
            })
        #expect(diagnosis.codes == [.endpointIsItself])
        #expect(diagnosis.line.contains("address of this machine itself"), "\(diagnosis.line)")
        #expect(!diagnosis.line.contains("there"))
    }

    @Test func `a helper on another port of this machine is no mistake`() {
        var observation = Recorded.healthy()
        observation.settings.listenPort = 51820
        observation.settings.peers[0].endpoint = Endpoint("127.0.0.1:51821")
        observation.peers[0].endpoint = Endpoint("127.0.0.1:51821")
        #expect(Diagnosis(observation).findings.isEmpty)
    }

    @Test func `a peer behind another tunnel that doesn't answer is behind that tunnel`() {
        let route = RouteObservation.via(interface: "vpn0", isTunnel: false, source: IPAddress("203.0.113.1"), gateway: nil, mtu: 1500)
        let diagnosis = Diagnosis(
            Self.unanswered {
                $0.otherTunnels = ["vpn0"]
                $0.peers[0].route = route
            })
        #expect(diagnosis.codes == [.throughOtherTunnel])
        #expect(diagnosis.line.contains("another tunnel, vpn0"))
        // A tunnel in a tunnel that works is what somebody wants.
        var healthy = Recorded.healthy()
        healthy.otherTunnels = ["vpn0"]
        healthy.peers[0].route = route
        #expect(Diagnosis(healthy).findings.isEmpty)
    }

    @Test func `a private address of another place is hinted at`() {
        let diagnosis = Diagnosis(
            Self.unanswered {
                $0.peers[0].endpoint = Endpoint("192.168.1.5:51820")
                $0.localNetworks = [LocalNetwork(IPPrefix("198.51.100.0/24")!, interface: "eth0")]
            })
        #expect(diagnosis.codes == [.noAnswer])
        #expect(diagnosis.line.contains("private address in no network of this machine"), "\(diagnosis.line)")
        let near = Diagnosis(
            Self.unanswered {
                $0.peers[0].endpoint = Endpoint("192.168.1.5:51820")
                $0.localNetworks = [LocalNetwork(IPPrefix("192.168.1.0/24")!, interface: "eth0")]
            })
        #expect(!near.line.contains("private"))
    }

    @Test(arguments: [
        ("peer.example.org:51820", "192.0.2.0/24", true), ("192.0.2.7:51820", "192.0.2.0/24", false),
        ("peer.example.org:51820", "198.51.100.0/24", false),
    ])
    func `a name that is an address of our own network may be a guest network's answer`(name: String, network: String, isHinted: Bool) {
        for error in [nil, NetworkError(.portUnreachable, reporter: IPAddress("192.0.2.7"), age: .seconds(1))] {
            let diagnosis = Diagnosis(
                Self.unanswered {
                    $0.settings.peers[0].endpointName = name
                    $0.localNetworks = [LocalNetwork(IPPrefix(network)!, interface: "eth0")]
                    $0.peers[0].networkError = error
                })
            #expect(diagnosis.codes == [error == nil ? .noAnswer : .portClosed])
            #expect(
                diagnosis.line.contains("guest network that answers for peer.example.org itself") == isHinted, "\(diagnosis.line)")
        }
    }

    @Test func `a machine with IPv6 only is told how it gets to an IPv4 endpoint`() {
        func diagnosis(_ internet: RouteObservation?, _ networks: [String]) -> Diagnosis {
            Diagnosis(
                Self.unanswered {
                    $0.peers[0].route = RouteObservation.none
                    $0.internetIPv6 = internet
                    $0.localNetworks = networks.map { LocalNetwork(IPPrefix($0)!, interface: "eth0") }
                })
        }
        func way(isTunnel: Bool) -> RouteObservation {
            .via(interface: isTunnel ? "office" : "eth0", isTunnel: isTunnel, source: nil, gateway: nil, mtu: 1500)
        }
        let hinted = diagnosis(way(isTunnel: false), ["2001:db8::/64"])
        #expect(hinted.codes == [.noRoute])
        #expect(hinted.line.contains("192.0.2.7:51820: this machine has only IPv6 to the outside"), "\(hinted.line)")
        #expect(hinted.findings[0].remedy.contains("[64:ff9b::c000:207]:51820"), "\(hinted.findings[0].remedy)")
        for other in [diagnosis(way(isTunnel: true), []), diagnosis(nil, []), diagnosis(RouteObservation.none, [])] {
            #expect(other.line.contains("network is unreachable"))
        }
        #expect(diagnosis(way(isTunnel: false), ["10.0.0.0/8"]).line.contains("network is unreachable"))
    }

    @Test func `a broadcast address is no machine's`() {
        let diagnosis = Diagnosis(
            Self.unanswered {
                $0.peers[0].endpoint = Endpoint("192.0.2.255:51820")
                $0.localNetworks = [LocalNetwork(IPPrefix("192.0.2.0/24")!, interface: "eth0")]
                $0.peers[0].sendFailure = SendFailure(.prohibited, age: .seconds(1))
            })
        #expect(diagnosis.line.contains("broadcast"), "\(diagnosis.line)")
    }

    @Test func `a full table of connections is not a firewall's rule`() {
        let diagnosis = Diagnosis(
            Self.unanswered {
                $0.filters.isConnectionTableFull = true
                $0.peers[0].sendFailure = SendFailure(.filtered, age: .seconds(1))
            })
        #expect(diagnosis.codes == [.connectionTableFull])
        var quiet = Recorded.healthy()
        quiet.filters.isConnectionTableFull = true
        #expect(Diagnosis(quiet).findings.isEmpty)
    }

    @Test func `who answers with something else is no WireGuard`() {
        func diagnosis(sender: String) -> Diagnosis {
            Diagnosis(
                Self.unanswered {
                    var drop = DropObservation(.notWireGuard, count: 2)
                    (drop.sender, drop.age) = (Endpoint(sender), .seconds(1))
                    $0.drops = [drop]
                })
        }
        #expect(diagnosis(sender: "192.0.2.7:51820").codes == [.notWireGuard])
        // Anybody may send nonsense.
        #expect(diagnosis(sender: "203.0.113.5:4000").codes == [.noAnswer])
        var healthy = Recorded.healthy()
        healthy.drops = Self.unanswered().drops
        #expect(Diagnosis(healthy).findings.isEmpty)
    }

    @Test(arguments: [("192.0.2.9", "is 192.0.2.9 by now"), ("192.0.2.7,2001:db8::7", "another address as well, 2001:db8::7")])
    func `a name that is another address by now explains the silence`(addresses: String, words: String) {
        let diagnosis = Diagnosis(
            Self.unanswered {
                $0.settings.peers[0].endpointName = "peer.example.org:51820"
                $0.settings.peers[0].nameAddresses = addresses.split(separator: ",").map { IPAddress($0)! }
                $0.peers[0].networkError = NetworkError(.hostUnreachable, reporter: nil, age: .seconds(1))
            })
        #expect(diagnosis.codes == [.nameMoved])
        #expect(diagnosis.line.contains(words), "\(diagnosis.line)")
        var healthy = Recorded.healthy()
        healthy.settings.peers[0].endpointName = "peer.example.org:51820"
        healthy.settings.peers[0].nameAddresses = [IPAddress("192.0.2.9")!]
        #expect(Diagnosis(healthy).findings.isEmpty)
    }

    @Test func `two machines with one key are told from one that roams`() {
        func observation(returns: UInt64, last: Interval?) -> Observation {
            var observation = Recorded.healthy()
            observation.peers[0].previousEndpoint = Endpoint("192.0.2.8:40000")
            (observation.peers[0].returns, observation.peers[0].lastReturn) = (returns, last)
            return observation
        }
        let diagnosis = Diagnosis(observation(returns: 5, last: .seconds(2)))
        #expect(diagnosis.codes == [.keyUsedTwice])
        #expect(diagnosis.line.contains("192.0.2.7:51820 and 192.0.2.8:40000"), "\(diagnosis.line)")
        #expect(diagnosis.verdict.exitStatus == 0)
        #expect(Diagnosis(observation(returns: 3, last: .seconds(2))).findings.isEmpty)
        #expect(Diagnosis(observation(returns: 50, last: .seconds(600))).findings.isEmpty)
    }

    @Test func `a clock that stands in 1970 is the cause where nobody answers, and a warning where one does`() {
        let broken = Diagnosis(Self.unanswered { $0.unixSeconds = 120 })
        #expect(broken.codes == [.clockBehind])
        #expect(broken.line.contains("stands in 1970"))
        var working = Recorded.healthy()
        working.unixSeconds = 120
        #expect(Diagnosis(working).verdict.outcome == .worksWithFindings)
        working.unixSeconds = ClockRules.earliest
        #expect(Diagnosis(working).findings.isEmpty)
    }

    // MARK: Inside

    @Test func `one address at both ends is a mistake of the file`() {
        let diagnosis = Diagnosis(
            Recorded.file(
                """
                [Interface]
                PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
                Address = 10.8.0.1/24
                [Peer]
                PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
                AllowedIPs = 10.8.0.1/32
                """))
        #expect(diagnosis.codes == [.ownAddressAllowed])
        #expect(diagnosis.line.contains("10.8.0.1 is this interface's own Address"))
    }

    @Test(arguments: [(["10.8.0.0/24"], true), (["10.8.0.0/24", "10.20.7.0/24"], false), (["0.0.0.0/0"], false)])
    func `without a table somebody must make routes`(routes: [String], isMissed: Bool) {
        var observation = Recorded.healthy()
        observation.settings.addsRoutes = false
        observation.settings.peers[0].allowedIPs = [IPPrefix("10.8.0.0/24")!, IPPrefix("10.20.0.0/16")!, IPPrefix("0.0.0.0/0")!]
        observation.tunnelRoutes = routes.map { IPPrefix($0)! }
        #expect(Diagnosis(observation).codes == (isMissed ? [.notRouted] : []))
        observation.tunnelRoutes = nil
        #expect(Diagnosis(observation).findings.isEmpty)
    }

    @Test(arguments: [
        (["0.0.0.0/0"], true), (["0.0.0.0/1", "128.0.0.0/1"], true), (["0.0.0.0/0", "::/0"], false), (["0.0.0.0/0", "2000::/3"], false),
        (["10.8.0.0/24"], false), (["0.0.0.0/1"], false),
    ])
    func `a tunnel for all of IPv4 leaves IPv6 beside it`(allowed: [String], isBeside: Bool) {
        var observation = Recorded.healthy()
        observation.settings.peers[0].allowedIPs = allowed.map { IPPrefix($0)! }
        func beside(_ source: String?) -> [FindingCode] {
            observation.internetIPv6 =
                source.map { .via(interface: "eth0", isTunnel: false, source: IPAddress($0), gateway: nil, mtu: 1500) }
                ?? RouteObservation.none
            return Diagnosis(observation).codes
        }
        #expect(beside("2001:db8::7") == (isBeside ? [.besideTunnel] : []))
        #expect(beside("fd00::7").isEmpty)
        #expect(beside(nil).isEmpty)
        observation.settings.hasHooks = true
        #expect(beside("2001:db8::7").isEmpty)
    }

    @Test func `a mark that was taken away is the cause of a way into the tunnel itself`() {
        var observation = Recorded.healthy()
        observation.peers[0].route = .via(interface: "office", isTunnel: true, source: nil, gateway: nil, mtu: 1420)
        observation.exemptMark = 51820
        #expect(Diagnosis(observation).codes == [.endpointInTunnel])
        #expect(Diagnosis(observation).line.contains("its datagrams carry no mark, and its rules let out those with 51820"))
        #expect(Diagnosis(observation).findings[0].remedy.contains("wg-lite reload office"))
        observation.mark = 51820
        #expect(Diagnosis(observation).codes == [.endpointInTunnel])
        #expect(Diagnosis(observation).findings[0].evidence.contains("mark 51820` says dev office"))
    }

    @Test func `a tunnel for everything that somebody's rule leads past is told`() {
        var observation = Recorded.healthy()
        func codes(_ family: AddressFamily, _ route: RouteObservation) -> [FindingCode] {
            observation.everywhere = [family: route]
            return Diagnosis(observation).codes
        }
        func by(_ interface: String, isTunnel: Bool = false) -> RouteObservation {
            .via(interface: interface, isTunnel: isTunnel, source: nil, gateway: nil, mtu: 1500)
        }
        #expect(codes(.v4, by("office", isTunnel: true)).isEmpty)
        #expect(codes(.v4, by("eth0")) == [.passedBy] && codes(.v6, by("eth0")) == [.passedBy])
        #expect(Diagnosis(observation).line.contains("all of IPv6 is to go through the tunnel, and leaves beside it, by eth0"))
        #expect(codes(.v6, .none) == [.passedBy])
        #expect(Diagnosis(observation).line.contains("has no way at all"))
        observation.otherTunnels = ["home"]
        #expect(codes(.v4, by("home")).isEmpty)
        observation.settings.hasHooks = true
        #expect(codes(.v4, by("eth0")).isEmpty)
    }

    @Test func `an MTU that doesn't fit the way is told with the one that does`() {
        var observation = Recorded.healthy()
        observation.link?.mtu = 1440
        #expect(Diagnosis(observation).findings.isEmpty)
        observation.link?.mtu = 1500
        #expect(Diagnosis(observation).codes == [.largeMTU])
        #expect(Diagnosis(observation).line.contains("takes 1440 of it whole"))
        // With packets that vanish it is the cause of that.
        observation.peers[0].probe = PathProbe(largestAnswered: 1440, smallestLost: 1441)
        #expect(Diagnosis(observation).codes == [.largeMTU] && Diagnosis(observation).verdict.exitStatus == 1)
        // What a router said is nearer to the cause.
        observation.peers[0].networkError = NetworkError(.tooLarge(mtu: 1400), reporter: nil, age: .seconds(1))
        #expect(Diagnosis(observation).codes == [.pathMTU])
        // IPv6 inside needs 1280.
        observation = Recorded.healthy()
        observation.link?.mtu = 1280
        observation.peers[0].route = .via(interface: "eth0", isTunnel: false, source: nil, gateway: nil, mtu: 1300)
        #expect(Diagnosis(observation).findings.isEmpty)
    }

    @Test func `sources that are another peer's look like swapped AllowedIPs`() {
        var observation = Recorded.healthy()
        observation.settings.peers[0].allowedIPs = [IPPrefix("10.8.0.3/32")!]
        var other = PeerSettings(publicKey: Recorded.others)
        other.allowedIPs = [IPPrefix("10.8.0.2/32")!]
        observation.settings.peers.append(other)
        var drop = DropObservation(.sourceNotAllowed, count: 5)
        (drop.source, drop.peer, drop.age) = (IPAddress("10.8.0.2"), Recorded.theirs, .seconds(1))
        observation.drops = [drop]
        let diagnosis = Diagnosis(observation)
        #expect(diagnosis.line.contains("of another peer, \(Recorded.others.abbreviation)"), "\(diagnosis.line)")
        #expect(diagnosis.findings[0].remedy.contains("swapped"))
    }

    @Test func `a server that routes everything to a client that hasn't called is told what AllowedIPs are there`() {
        var observation = Recorded.fresh()
        observation.settings.peers[0].endpoint = nil
        observation.peers[0].endpoint = nil
        observation.peers[0].route = nil
        observation.settings.peers[0].allowedIPs = [IPPrefix("0.0.0.0/0")!]
        var drop = DropObservation(.noEndpoint, count: 5)
        (drop.peer, drop.age) = (Recorded.theirs, .seconds(1))
        observation.drops = [drop]
        #expect(Diagnosis(observation).line.contains("all of this machine's traffic"))
    }

    @Test func `nobody is called working while the interface is down`() {
        var observation = Recorded.healthy()
        observation.link?.isUp = false
        #expect(Diagnosis(observation).peers[0].state == .unreachable)
    }
}
