import LinuxSystem
import NetworkTypes
import Testing
import TunnelCore
import WireGuardCrypto

@testable import TunnelControl

@Suite struct PathForecastTests {
    private static var facts: PathForecast.Facts {
        var facts = PathForecast.Facts(destination: IPAddress("10.8.0.5")!, unixNanoseconds: 100_000_000_000)
        facts.route = .init(
            interface: "office", lookup: RouteLookup(link: 5, gateway: nil, source: IPAddress("10.8.0.1"), mtu: 1420, table: 254))
        let peer = PeerSnapshot(
            publicKey: PublicKey(bytes: InlineArray(repeating: 7)), presharedKey: nil, endpoint: Endpoint("192.0.2.7:51820"),
            persistentKeepalive: 0, lastHandshake: 58_000_000_000, receivedBytes: 0, sentBytes: 0,
            allowedIPs: [IPPrefix("10.8.0.0/24")!, IPPrefix("10.8.0.0/16")!])
        facts.snapshot = TunnelSnapshot(privateKey: nil, listenPort: 51820, firewallMark: 0, peers: [peer])
        facts.outer = .init(
            interface: "eth0", lookup: RouteLookup(link: 2, gateway: IPAddress("192.0.2.254"), source: nil, mtu: 1500, table: 254))
        return facts
    }

    private static func steps(_ facts: PathForecast.Facts, expecting: String? = nil) -> [String] {
        PathForecast(facts, expecting: expecting).steps.map { "\($0.name): \($0.text)" }
    }

    @Test func `a tunnel in namespaces of its own is named, instead of a route that it can't have here`() {
        var facts = PathForecast.Facts(destination: IPAddress("10.8.0.5")!, unixNanoseconds: 1)
        facts.elsewhere = "office"
        let step = PathForecast(facts, expecting: nil).steps.last
        #expect(step?.text.hasPrefix("office is in namespaces of its own") ?? false)
        #expect(step?.remedy?.contains("wg-lite trace office 10.8.0.5") ?? false)
        // An address of this machine's own goes nowhere.
        var own = facts
        own.route = Self.facts.route
        own.route?.lookup.isOwn = true
        #expect(PathForecast(own, expecting: nil).steps.last?.text.hasSuffix("packets to it stay here") ?? false)
        // Another that is here, and takes the packet, counts more.
        var both = Self.facts
        both.elsewhere = "home"
        #expect(!PathForecast(both, expecting: nil).ends)
    }

    @Test func `inside of a tunnel's own namespaces no route outside is missed, and none is taken for the datagrams' own`() {
        for outer in [nil, Self.facts.route] {
            var facts = Self.facts
            facts.outer = outer
            #expect(PathForecast(facts, expecting: nil).ends)
            facts.isInside = true
            #expect(!PathForecast(facts, expecting: nil).ends)
            #expect(Self.steps(facts).last == "outer route: outside, where it isn't seen from in here")
        }
    }

    @Test func `the whole way is told, step by step`() {
        #expect(
            Self.steps(Self.facts) == [
                "route: into office, from 10.8.0.1", "interface: up, MTU 1420", "peer: BwcH…wc= by 10.8.0.0/24",
                "session: handshake 42 s ago",
                "endpoint: 192.0.2.7:51820", "outer route: by eth0 via 192.0.2.254",
                "size: the largest packet, 1420 bytes, leaves as 1480; the way takes 1500",
            ])
        #expect(!PathForecast(Self.facts, expecting: "office").ends)
    }

    @Test func `it ends where the packet would`() {
        func last(_ change: (inout PathForecast.Facts) -> Void, expecting: String? = nil) -> String {
            var facts = Self.facts
            change(&facts)
            let forecast = PathForecast(facts, expecting: expecting)
            #expect(forecast.ends)
            return forecast.steps.last.map { "\($0.name): \($0.text)" } ?? ""
        }
        #expect(last { $0.route = nil } == "route: there is none to 10.8.0.5")
        let noTunnel = last { $0.snapshot = nil }
        #expect(noTunnel.hasPrefix("route: by office, which is no WireGuard tunnel"))
        #expect(last { $0.route?.lookup.isOwn = true } == "route: 10.8.0.5 is this machine's own address: packets to it stay here")
        #expect(last({ _ in }, expecting: "home") == "route: by office, not by home")
        #expect(last { $0.route?.isUp = false } == "interface: office is set down")
        #expect(last { $0.destination = IPAddress("10.9.0.1")! } == "peer: no peer's AllowedIPs include 10.9.0.1")
        let noEndpoint = last { $0.snapshot?.peers[0].endpoint = nil }
        #expect(noEndpoint.hasPrefix("endpoint: not known"))
        #expect(last { $0.outer = nil } == "outer route: there is none to 192.0.2.7")
        #expect(last { $0.outer?.interface = "office" } == "outer route: 192.0.2.7 is routed into the tunnel itself")
    }

    @Test func `what is too old or too large is said`() {
        var facts = Self.facts
        facts.unixNanoseconds = 300_000_000_000
        facts.outer?.lookup.mtu = 1400
        facts.outer?.lookup.table = 51820
        facts.snapshot?.firewallMark = 0xca6c
        let steps = Self.steps(facts)
        #expect(steps.contains("session: handshake 242 s ago, too old: another is made first"))
        #expect(steps.contains("outer route: by eth0 via 192.0.2.254, by table 51820, with mark 0xca6c"))
        #expect(steps.last == "size: the largest packet, 1420 bytes, leaves as 1480; the way takes 1400: it will be cut in fragments")
        #expect(PathForecast(facts, expecting: nil).steps.last?.remedy == "MTU = 1340 avoids that")
        facts.snapshot?.peers[0].lastHandshake = nil
        #expect(Self.steps(facts).contains("session: none yet: the packet waits while a handshake is made"))
    }
}
