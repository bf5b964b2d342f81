internal import LinuxSystem
public import NetworkTypes
internal import TunnelConfiguration
internal import TunnelCore
internal import WireGuardCrypto
internal import WireGuardProtocol

/// What would happen to a packet to some address: the machine's part of its way, then the tunnel's, without sending anything.
public struct PathForecast: Sendable, Hashable {
    /// One step.
    public struct Step: Sendable, Hashable {
        /// What is asked there: `route`, `interface`, `peer`, `session`, `endpoint`, `outer route`, `size`.
        public var name: String
        /// What would happen.
        public var text: String
        /// The packet goes no further.
        public var isBad = false
        /// What would help.
        public var remedy: String?
    }

    /// The steps, in order; the last one is bad if the way ends there.
    public private(set) var steps: [Step] = []
    /// The tunnel that it goes into; nil if it goes into none.
    public private(set) var interface: String?

    /// Whether the way ends before the packet has left.
    public var ends: Bool { steps.last?.isBad ?? true }

    /// What is known of the machine and the tunnel.
    struct Facts {
        struct Hop {
            var interface: String
            var isUp = true
            var lookup: RouteLookup
        }

        var destination: IPAddress
        /// Nil: no route.
        var route: Hop?
        /// The tunnel's state; nil if the interface is none.
        var snapshot: TunnelSnapshot?
        /// Where the peer's datagrams would go; nil: no route.
        var outer: Hop?
        /// A tunnel that is up in namespaces of its own, so that no route from here leads into it.
        var elsewhere: String?
        /// This process is inside of the tunnel's own namespaces, and the peer's datagrams leave outside.
        var isInside = false
        var unixNanoseconds: UInt64
    }

    /// Asks the routing tables and the tunnel.
    /// - Parameter expected: the tunnel that it should go into; nil: whichever.
    public static func make(to destination: IPAddress, expecting expected: String?) throws(SetupError) -> PathForecast {
        do throws(SystemError) {
            var netlink = try NetlinkSocket()
            var facts = Facts(destination: destination, unixNanoseconds: Clock.unixNanoseconds)
            facts.route = try hop(to: destination, mark: 0, &netlink)
            if let name = facts.route?.interface { facts.snapshot = try? TunnelQuery.state(of: name).snapshot }
            facts.elsewhere = try elsewhere(expected, destination, &netlink)
            facts.isInside = facts.route.map { Isolation.isInside($0.interface) } ?? false
            if let endpoint = facts.owner?.peer.endpoint {
                facts.outer = try hop(to: endpoint.address, mark: facts.snapshot?.firewallMark ?? 0, &netlink)
            }
            return PathForecast(facts, expecting: expected)
        } catch {
            throw SetupError("look up the way to \(destination)", error)
        }
    }

    /// The tunnel that is meant, if its interface isn't here; without one the first of those that would take the packet.
    private static func elsewhere(
        _ expected: String?, _ destination: IPAddress, _ netlink: inout NetlinkSocket
    ) throws(SystemError) -> String? {
        for name in expected.map({ [$0] }) ?? RuntimeDirectory.runningInterfaces().map(\.name) where try netlink.link(named: name) == nil {
            if expected != nil { return name }
            guard let snapshot = try? TunnelQuery.state(of: name).snapshot else { continue }
            if Facts(destination: destination, snapshot: snapshot, unixNanoseconds: 0).owner != nil { return name }
        }
        return nil
    }

    private static func hop(to address: IPAddress, mark: UInt32, _ netlink: inout NetlinkSocket) throws(SystemError) -> Facts.Hop? {
        guard let lookup = try netlink.route(to: address, mark: mark), let link = try netlink.link(index: lookup.link) else { return nil }
        return Facts.Hop(interface: link.name, isUp: link.isUp, lookup: lookup)
    }

    /// What the facts come to.
    init(_ facts: Facts, expecting expected: String?) {
        follow(facts, expected)
    }

    private mutating func follow(_ facts: Facts, _ expected: String?) {
        if facts.snapshot == nil, facts.route?.lookup.isOwn != true, let elsewhere = facts.elsewhere {
            return add(
                "route", "\(elsewhere) is in namespaces of its own: nothing goes into it from here",
                remedy: "send it from inside, for example by ping, while `wg-lite trace \(elsewhere) \(facts.destination)` follows")
        }
        guard let route = facts.route else {
            add(
                "route", "there is none to \(facts.destination)",
                remedy: "`ip route get \(facts.destination)` says the same; add it to a peer's AllowedIPs")
            return
        }
        guard !route.lookup.isOwn else {
            return add(
                "route", "\(facts.destination) is this machine's own address: packets to it stay here",
                remedy: "ask for an address of a peer's; `wg-lite show` lists their AllowedIPs")
        }
        let table = route.lookup.table == RouteSpecification.mainTable ? "" : ", by table \(route.lookup.table) of a policy rule"
        let gateway = route.lookup.gateway.map { " via \($0)" } ?? ""
        let source = route.lookup.source.map { ", from \($0)" } ?? ""
        guard let snapshot = facts.snapshot, expected == nil || expected == route.interface else {
            let wrong = facts.snapshot == nil ? "which is no WireGuard tunnel (or one that may not be asked)" : "not by \(expected ?? "")"
            add(
                "route", "by \(route.interface)\(gateway)\(table), \(wrong)",
                remedy: "its network must be in the AllowedIPs of the tunnel's peer; `ip route get \(facts.destination)` shows what wins")
            return
        }
        interface = route.interface
        steps.append(Step(name: "route", text: "into \(route.interface)\(gateway)\(source)\(table)"))
        guard route.isUp else { return add("interface", "\(route.interface) is set down", remedy: "`ip link set \(route.interface) up`") }
        steps.append(Step(name: "interface", text: "up, MTU \(route.lookup.mtu)"))
        guard let (peer, prefix) = facts.owner else {
            return add(
                "peer", "no peer's AllowedIPs include \(facts.destination)", remedy: "add its network to the peer behind which it is")
        }
        steps.append(Step(name: "peer", text: "\(peer.publicKey.abbreviation) by \(prefix)"))
        session(peer, snapshot, facts)
        guard let endpoint = peer.endpoint else {
            return add(
                "endpoint", "not known: the peer has not been heard of, and none is configured",
                remedy: "set the peer's Endpoint, or let it call")
        }
        steps.append(Step(name: "endpoint", text: "\(endpoint)"))
        outer(endpoint, snapshot, facts, route)
    }

    private mutating func session(_ peer: PeerSnapshot, _ snapshot: TunnelSnapshot, _ facts: Facts) {
        guard let last = peer.lastHandshake else {
            steps.append(Step(name: "session", text: "none yet: the packet waits while a handshake is made"))
            return
        }
        let age = facts.unixNanoseconds > last ? (facts.unixNanoseconds - last) / 1_000_000_000 : 0
        let isOver = age >= Limits.rejectAfterTime.nanoseconds / 1_000_000_000
        steps.append(Step(name: "session", text: "handshake \(age) s ago\(isOver ? ", too old: another is made first" : "")"))
    }

    private mutating func outer(_ endpoint: Endpoint, _ snapshot: TunnelSnapshot, _ facts: Facts, _ inner: Facts.Hop) {
        let mark = snapshot.firewallMark == 0 ? "" : ", with mark 0x\(String(snapshot.firewallMark, radix: 16))"
        guard !facts.isInside else {
            return steps.append(Step(name: "outer route", text: "outside, where it isn't seen from in here\(mark)"))
        }
        guard let outer = facts.outer else {
            return add(
                "outer route", "there is none to \(endpoint.address)\(mark)", remedy: "`ip route get \(endpoint.address)` says the same")
        }
        guard outer.interface != inner.interface else {
            return add(
                "outer route", "\(endpoint.address) is routed into the tunnel itself",
                remedy: "add a route to it that leads around the tunnel")
        }
        let table = outer.lookup.table == RouteSpecification.mainTable ? "" : ", by table \(outer.lookup.table)"
        steps.append(
            Step(
                name: "outer route",
                text: "by \(outer.interface)\(outer.lookup.gateway.map { " via \($0)" } ?? "")"
                    + "\(outer.lookup.source.map { ", from \($0)" } ?? "")\(table)\(mark)"))
        let header = endpoint.address.bitWidth == 32 ? 28 : 48
        let largest = Int(inner.lookup.mtu) + TransportMessage.overhead + header
        let fits = largest <= Int(outer.lookup.mtu)
        steps.append(
            Step(
                name: "size",
                text: "the largest packet, \(inner.lookup.mtu) bytes, leaves as \(largest); the way takes \(outer.lookup.mtu)"
                    + (fits ? "" : ": it will be cut in fragments"),
                remedy: fits ? nil : "MTU = \(Int(outer.lookup.mtu) - TransportMessage.overhead - header) avoids that"))
    }

    private mutating func add(_ name: String, _ text: String, remedy: String) {
        steps.append(Step(name: name, text: text, isBad: true, remedy: remedy))
    }
}

extension PathForecast.Facts {
    /// Whose the destination is: the longest of all peers' prefixes.
    var owner: (peer: PeerSnapshot, prefix: IPPrefix)? {
        var best: (peer: PeerSnapshot, prefix: IPPrefix)?
        for peer in snapshot?.peers ?? [] {
            for prefix in peer.allowedIPs where prefix.contains(destination) && prefix.length >= best?.prefix.length ?? 0 {
                best = (peer, prefix)
            }
        }
        return best
    }
}
