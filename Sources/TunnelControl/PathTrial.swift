internal import LinuxSystem
public import NetworkTypes
internal import TunnelConfiguration
internal import TunnelCore
public import TunnelDiagnosis
public import WireGuardCrypto

/// Tries the way to the peers of a running tunnel from inside and outside: what the tunnel itself can't see. It changes nothing.
public final class PathTrial {
    private let interface: String
    private let tap: ArrivalTap?
    private let before: (received: UInt64, figures: UInt64)
    private let snapshot: TunnelSnapshot

    /// Begins to watch for what arrives at the tunnel's port.
    /// - Returns: nil if the tunnel can't be asked.
    public init?(of interface: String) {
        guard let answer = try? TunnelQuery.state(of: interface) else { return nil }
        self.interface = interface
        snapshot = answer.snapshot
        tap = try? ArrivalTap(port: answer.snapshot.listenPort)
        before = Self.arrivals(of: interface) ?? (0, 0)
    }

    /// Datagrams that the tunnel has got, by what it says: bytes of peers, and refused ones.
    private static func arrivals(of interface: String) -> (received: UInt64, figures: UInt64)? {
        guard let answer = try? TunnelQuery.state(of: interface), let report = try? TunnelQuery.report(of: interface) else { return nil }
        let received = answer.snapshot.peers.reduce(0) { $0 &+ $1.receivedBytes }
        let refused = DropReason.allCases.filter(\.isOfDatagrams).map { "drop_\($0.name)" }
        return (received, report.figures.filter { refused.contains($0.name) }.reduce(0) { $0 &+ $1.value })
    }

    /// What has arrived on an interface since, from a peer's address, while the tunnel got nothing at all.
    public func arrivedUnseen() -> ArrivedUnseen? {
        var arrivals: [ArrivalTap.Arrival: UInt64] = [:]
        switch tap {
        case .some(let tap): while let arrival = tap.next() { arrivals[arrival, default: 0] += 1 }
        case .none: return nil
        }
        let peers = Set(snapshot.peers.compactMap { $0.endpoint?.address })
        guard let most = arrivals.filter({ peers.contains($0.key.sender) }).max(by: { $0.value < $1.value }),
            let after = Self.arrivals(of: interface), after == before, var netlink = try? NetlinkSocket()
        else { return nil }
        let name = (try? netlink.link(index: most.key.interface))?.name ?? "\(most.key.interface)"
        return ArrivedUnseen(interface: name, sender: most.key.sender, count: most.value)
    }

    /// Sends echoes of several sizes through the tunnel to a peer's own address.
    /// - Parameter patience: how long to wait for the answers to each burst; there are three at most.
    /// - Returns: nil if no address of the peer's is known, or nothing answers there.
    public func echo(_ peer: PublicKey, patience: Interval) -> PathProbe? {
        guard let allowed = snapshot.peers.first(where: { $0.publicKey == peer })?.allowedIPs, var netlink = try? NetlinkSocket(),
            let link = (try? netlink.link(named: interface)) ?? nil,
            let own = try? netlink.addresses(ofLink: link.index).map(\.address)
        else { return nil }
        for address in InnerAddresses.candidates(allowed: allowed, own: own) {
            if let probe = echo(address, mtu: link.mtu, patience) { return probe }
        }
        return nil
    }

    private func echo(_ address: IPAddress, mtu: UInt32, _ patience: Interval) -> PathProbe? {
        guard let socket = try? EchoSocket(family: address.family, interface: interface) else { return nil }
        var sizes = ProbeSizes(least: address.family == .v4 ? 576 : 1280, most: mtu)
        while true {
            let burst = sizes.next
            guard !burst.isEmpty else { return sizes.result }
            for size in burst { _ = socket.send(to: address, sequence: UInt16(truncatingIfNeeded: size), size: Int(size)) }
            var replies: Set<UInt32> = []
            let end = Clock.now + patience
            while replies.count < burst.count, Clock.now < end {
                guard DescriptorPoll.wait([.init(socket.rawValue)], for: end.since(Clock.now)) == [true] else { break }
                while let sequence = socket.nextReply() { replies.insert(UInt32(sequence)) }
            }
            sizes.take(burst, answered: replies)
            guard sizes.answered != nil else { return nil }
        }
    }
}

/// Where a peer itself may be reached inside of the tunnel.
enum InnerAddresses {
    /// - Parameters:
    ///   - allowed: the peer's AllowedIPs.
    ///   - own: the interface's addresses.
    /// - Returns: at most three addresses: those that are the peer's alone, then the first of each of our networks that it may use.
    static func candidates(allowed: [IPPrefix], own: [IPInterfaceAddress]) -> [IPAddress] {
        var found = allowed.filter { Int($0.length) == $0.address.bitWidth }.map(\.address)
        for address in own where Int(address.prefixLength) < address.address.bitWidth - 1 {
            for number in 1...2 {
                guard let host = address.network.host(number), host != address.address, allowed.contains(where: { $0.contains(host) })
                else { continue }
                found.append(host)
            }
        }
        var distinct: [IPAddress] = []
        for address in found where !distinct.contains(address) { distinct.append(address) }
        return Array(distinct.prefix(3))
    }
}

extension IPPrefix {
    /// The address of that number in the prefix: 10.8.0.1 is number 1 of 10.8.0.0/24.
    fileprivate func host(_ number: Int) -> IPAddress? {
        switch address {
        case .v4(let first): .v4(IPv4Address(rawValue: first.rawValue + UInt32(number)))
        case .v6(let first): .v6(IPv6Address(high: first.high, low: first.low + UInt64(number)))
        }
    }
}

extension DropReason {
    /// Whether it is counted for a datagram from the network, not for a packet from the interface.
    fileprivate var isOfDatagrams: Bool { rawValue >= DropReason.tooShort.rawValue }
}
