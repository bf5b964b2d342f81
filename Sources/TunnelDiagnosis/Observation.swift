public import NetworkTypes
public import TunnelConfiguration
public import WireGuardCrypto

/// What is known of a tunnel and of the machine around it at one moment: all that a ``Diagnosis`` is made from.
///
/// Whatever may not be known is optional, and no rule takes an unknown fact for a healthy one or for a broken one. Times are ages, so an
/// observation that was written down says the same for ever.
public struct Observation: Sendable {
    /// The interface's name.
    public var interface: String
    /// What was asked for.
    public var settings: TunnelSettings
    /// Whether it is being taken down: what is missing then is no finding.
    public var isEnding = false
    /// The interface as the kernel has it; nil before there is one.
    public var link: LinkObservation?
    /// The port that another program took while the interface was down, so that nothing is sent or received; nil where that isn't so.
    public var takenPort: UInt16?
    /// The peers in the order of the configuration; empty before the tunnel is up.
    public var peers: [PeerObservation] = []
    /// Of a file that isn't up: the routes to its endpoints now.
    public var outerRoutes: [PublicKey: RouteObservation] = [:]
    /// Where queries to each name server go.
    public var nameServers: [NameServerObservation] = []
    /// Who is asked for names; nil for a tunnel without name servers, or where that isn't known.
    public var resolver: ResolverObservation?
    /// What others removed of what the tunnel needs; nil for nothing.
    public var removal: RemovalObservation?
    /// Of the file's addresses, those that the interface doesn't have, though it is up; empty where that isn't to be told.
    public var missingAddresses: [IPInterfaceAddress] = []
    /// Networks that other interfaces are on.
    public var localNetworks: [LocalNetwork] = []
    /// This machine's own addresses: what one of them reports was found out here.
    public var ownAddresses: Set<IPAddress> = []
    /// Who sent handshakes that belong to no peer, the last few.
    public var strangers: [Stranger] = []
    /// What was not forwarded, by reason.
    public var drops: [DropObservation] = []
    /// What the kernel does with packets that come out of the tunnel, or with answers that come to us.
    public var filters = FilterObservation()
    /// Destinations of the routes into the tunnel, of all tables; nil where that isn't known.
    public var tunnelRoutes: [IPPrefix]?
    /// Interfaces that are tunnels of others.
    public var otherTunnels: Set<String> = []
    /// The firewall mark that the tunnel's own datagrams carry; 0 for none.
    public var mark: UInt32 = 0
    /// The mark that the tunnel's rules let out past it; nil without such rules.
    public var exemptMark: UInt32?
    /// Where this machine's packets to the Internet go, of the families of which the tunnel has made rules to get everything.
    public var everywhere: [AddressFamily: RouteObservation] = [:]
    /// Where this machine's packets to the IPv6 Internet go; nil where it wasn't looked up.
    public var internetIPv6: RouteObservation?
    /// Seconds of the Unix epoch by this machine's clock; nil where that doesn't matter.
    public var unixSeconds: UInt64?
    /// How far the clock is behind the last timestamp that we sent in an initiation; nil or zero when it isn't.
    public var clockBehindOurTimestamps: Interval?

    public init(interface: String, settings: TunnelSettings) {
        self.interface = interface
        self.settings = settings
    }

    /// An address of the Internet, that nobody has a route of its own to; nothing is sent there.
    public static func internet(_ family: AddressFamily) -> IPAddress {
        switch family {
        case .v4: .v4(IPv4Address(rawValue: 0x4141_4141))
        case .v6: .v6(IPv6Address(high: 0x2000 << 48, low: 1))
        }
    }
}

/// What was asked for: by a file, or of an interface without one by whoever configured it.
public struct TunnelSettings: Sendable {
    /// The file as its user wrote it; nil without one.
    public var file: String?
    /// Our public key; nil without a private key.
    public var publicKey: PublicKey?
    /// The interface's own, with the networks that they are in.
    public var addresses: [IPInterfaceAddress] = []
    /// Of the file's `DNS`; not the domains to search.
    public var nameServers: [IPAddress] = []
    /// The port that peers send to; nil: the kernel chooses one when the tunnel comes up.
    public var listenPort: UInt16?
    /// Bytes; nil: found from the routes.
    public var mtu: UInt32?
    /// Whether AllowedIPs become routes.
    public var addsRoutes = true
    /// Whether hooks may add routes of their own.
    public var hasHooks = false
    /// In the file's order.
    public var peers: [PeerSettings] = []

    public init() {}

    /// The peers by their keys, for rules that look at each peer: there may be ten thousand of them.
    var peersByKey: [PublicKey: PeerSettings] {
        Dictionary(peers.map { ($0.publicKey, $0) }) { first, _ in first }
    }
}

/// What was asked for of one peer.
public struct PeerSettings: Sendable {
    public var publicKey: PublicKey
    /// The line of its section in the file.
    public var line: Int?
    /// As it was written.
    public var endpointName: String?
    /// The address that it was written as or resolved to.
    public var endpoint: Endpoint?
    /// The addresses of the endpoint's name when it was looked up last; empty where that isn't known.
    public var nameAddresses: [IPAddress] = []
    /// As they are in force: those of the file, or what others have set since.
    public var allowedIPs: [IPPrefix] = []
    /// Of zeros it is none.
    public var hasPresharedKey = false
    /// Seconds; 0 for none.
    public var persistentKeepalive: UInt16 = 0

    public init(publicKey: PublicKey) {
        self.publicKey = publicKey
    }
}

extension TunnelSettings {
    /// What a file asks for.
    /// - Parameter resolved: the addresses of endpoints that were written as names.
    public init(_ file: ConfigurationFile, resolved: [EndpointName: Endpoint] = [:]) {
        self.file = file.name
        publicKey = file.interface.privateKey?.value.publicKey
        addresses = file.interface.addresses.map(\.value)
        nameServers = file.interface.dnsServers.map(\.value)
        listenPort = file.interface.listenPort?.value
        mtu = file.interface.mtu?.value
        addsRoutes = file.interface.table?.value != .off
        hasHooks = !file.interface.preUp.isEmpty || !file.interface.postUp.isEmpty
        peers = file.peers.compactMap { peer in
            guard let key = peer.publicKey else { return nil }
            var settings = PeerSettings(publicKey: key.value)
            settings.line = peer.header.line
            settings.endpointName = peer.endpoint.map { "\($0.value)" }
            settings.endpoint = peer.endpoint.flatMap { $0.value.literal ?? resolved[$0.value] }
            settings.allowedIPs = peer.allowedIPs.filter { $0.value.change != .remove }.map(\.value.prefix)
            settings.hasPresharedKey = peer.presharedKey.map { !$0.value.isZero } ?? false
            settings.persistentKeepalive = peer.persistentKeepalive?.value ?? 0
            return settings
        }
    }

    /// The peer that takes packets to an address: the longest prefix wins.
    func peer(for address: IPAddress) -> PeerSettings? {
        var best: (peer: PeerSettings, length: UInt8)?
        for peer in peers {
            for prefix in peer.allowedIPs where prefix.contains(address) && best.map({ prefix.length >= $0.length }) ?? true {
                best = (peer, prefix.length)
            }
        }
        return best?.peer
    }
}
