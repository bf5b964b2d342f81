public import WireGuardCrypto

/// One thing that is wrong, or worth to be looked at: its cause, what shows it, and what to do.
public struct Finding: Hashable, Sendable {
    /// What it means for the tunnel: the verdict and the exit status come from the worst.
    public enum Severity: Int, Hashable, Sendable, Comparable, CaseIterable {
        /// It works, and it is good to know.
        case note
        /// It works, but not all of it, or not for long.
        case warning
        /// It doesn't work.
        case error

        public static func < (a: Severity, b: Severity) -> Bool { a.rawValue < b.rawValue }

        /// Its name for machines.
        public var name: String { "\(self)" }
    }

    /// For machines; the sentence may get better, this stays.
    public var code: FindingCode
    public var severity: Severity
    /// The peer that it is about; nil for the whole tunnel.
    public var peer: PublicKey?
    /// The cause, in one sentence that goes on after "NAME does not work: ".
    public var sentence: String
    /// What shows it.
    public var evidence: String
    /// What to do about it, as something to type where that is possible.
    public var remedy: String

    public init(
        _ code: FindingCode, _ severity: Severity, peer: PublicKey? = nil, _ sentence: String, evidence: String = "", remedy: String = ""
    ) {
        self.code = code
        self.severity = severity
        self.peer = peer
        self.sentence = sentence
        self.evidence = evidence
        self.remedy = remedy
    }
}

/// What can be found. The names are stable; the order is that of explaining: what stands first explains what comes after it.
public enum FindingCode: String, Hashable, Sendable, CaseIterable {
    // The tunnel itself.
    /// An error: the interface has no private key, and no hook may set one. Nothing is sent or answered.
    case noPrivateKey = "no-private-key"
    /// An error: whatever peer there is has the interface's own public key and is left out, so that there is nobody.
    case onlyPeerIsItself = "only-peer-is-itself"
    /// A warning: one of several peers has the interface's own public key and is left out.
    case peerIsItself = "peer-is-itself"
    /// An error: the interface is not set up (IFF_UP).
    case linkDown = "link-down"
    /// An error: the interface is up, and another program has its port, so that the tunnel has no sockets.
    case portTaken = "port-taken"
    /// Our clock is behind the timestamp of our own last initiation, or before 2025: peers take what we send for replays. An error while a
    /// peer doesn't answer, else a warning.
    case clockBehind = "clock-behind"
    // The way out.
    /// An error: the endpoint is this tunnel's own port, or an address of this machine at which nobody listens.
    case endpointIsItself = "endpoint-is-itself"
    /// An error: the route to an endpoint leads into the tunnel itself; of a file that isn't up, it would.
    case endpointInTunnel = "endpoint-in-tunnel"
    /// An error: the tunnel read its own datagrams from its interface, and dropped them.
    case ownDatagrams = "own-datagrams"
    /// An error: no route to the endpoint, by a look-up or by the errno ENETUNREACH.
    case noRoute = "no-route"
    /// An error: this machine doesn't speak the endpoint's family (EAFNOSUPPORT, EADDRNOTAVAIL).
    case familyMissing = "family-missing"
    /// An error: the errno ENETDOWN.
    case networkDown = "network-down"
    /// An error: the errno EPERM, while the kernel's table of connections (conntrack) has no room.
    case connectionTableFull = "connection-table-full"
    /// An error: this machine's own firewall drops (EPERM) or rejects (ICMP port unreachable from an address of ours) what we send.
    case filteredOut = "filtered-out"
    /// An error: the errno EACCES, from a route that prohibits or because the endpoint is a broadcast address.
    case sendProhibited = "send-prohibited"
    /// An error: another errno of sendmsg(2).
    case sendFailed = "send-failed"
    /// An error: the peer can't be spoken with, and its endpoint's name has another address as well, or by now.
    case nameMoved = "name-moved"
    /// An error: the peer doesn't answer, and the way to it leads through a tunnel of others.
    case throughOtherTunnel = "through-other-tunnel"
    /// An error: nobody answers on the link (EHOSTUNREACH), or a router can't reach the endpoint (ICMP host unreachable).
    case hostUnreachable = "host-unreachable"
    /// An error: a router has no route to the endpoint (ICMP network unreachable).
    case networkUnreachable = "network-unreachable"
    /// An error: what we send goes in circles (ICMP time exceeded).
    case routingLoop = "routing-loop"
    /// An error: the endpoint says that nobody listens on that port (ICMP port unreachable).
    case portClosed = "port-closed"
    /// An error: somebody on the way rejects what we send (ICMP administratively prohibited; or port unreachable, not from the endpoint).
    case prohibited = "prohibited"
    // The way back and the keys.
    /// An error: datagrams for our port arrive on an interface of this machine, and none reaches the socket.
    case filteredIn = "filtered-in"
    /// A strict rp_filter dropped packets. An error where answers to us arrive on that interface and none reaches the socket, a warning
    /// where somebody is missed, else a note.
    case reversePath = "reverse-path"
    /// An error: the peer's responses don't open, since they are made with another preshared key.
    case presharedKey = "preshared-key"
    /// An error: who calls from the peer's endpoint has a public key that is no peer's.
    case otherKeyOfPeer = "other-key-of-peer"
    /// An error: who calls from the peer's endpoint calls another public key than ours.
    case otherKeyOfOurs = "other-key-of-ours"
    /// An error: the endpoint answers, with what is no message of WireGuard's.
    case notWireGuard = "not-wireguard"
    /// An error: the peer's initiations are refused, since we have accepted one with a later timestamp.
    case peerClockBehind = "peer-clock-behind"
    /// An error: the peer calls again and again, we answer, and none of the sessions is used.
    case answersLost = "answers-lost"
    /// An error: an endpoint that was configured answered before, and doesn't now.
    case peerSilent = "peer-silent"
    /// An error: no handshake was ever answered, not even by an error.
    case noAnswer = "no-answer"
    /// An endpoint that was learned, not configured, refuses or is silent. An error; its silence is a warning while another peer works.
    case natForgot = "nat-forgot"
    /// Two machines have one key: the peer's, which is heard by turns from two endpoints (a warning), or ours, so that the peer answers by
    /// turns only (an error while it is silent).
    case keyUsedTwice = "key-used-twice"
    // What is inside.
    /// A warning: an address of the interface is in a peer's AllowedIPs too; what is sent there stays on this machine.
    case ownAddressAllowed = "own-address-allowed"
    /// A warning: one network at two peers; the last of them gets it.
    case duplicateAllowedIPs = "duplicate-allowed-ips"
    /// A warning: the interface is up without an address that the file gives it.
    case addressMissing = "address-missing"
    /// A warning: a network of a peer, or of the interface, overlaps one that another interface is on.
    case localNetwork = "local-network"
    /// A warning: with `Table = off` nobody has made a route for some of a peer's AllowedIPs.
    case notRouted = "not-routed"
    /// A warning: packets to an address in nobody's AllowedIPs were dropped within ``DropRules/memory``.
    case noPeerForDestination = "no-peer-for-destination"
    /// A warning: packets whose source isn't in their peer's AllowedIPs were dropped within ``DropRules/memory``.
    case sourceNotAllowed = "source-not-allowed"
    /// A peer asks a host here in vain, and as many packets have vanished between the tunnel and their receivers. A warning for a name
    /// server, else a note.
    case filteredInside = "filtered-inside"
    /// A peer lives, and a host behind it is asked in vain. A warning for a name server, else a note.
    case nothingComesBack = "nothing-comes-back"
    /// This machine doesn't forward, and dropped packets for others. A warning where a peer asks here as often in vain, else a note.
    case notForwarding = "not-forwarding"
    /// Full packets leave in fragments: the interface's MTU and what the tunnel adds are more than the first hop takes. An error where
    /// echoes show that they vanish, else a warning.
    case largeMTU = "large-mtu"
    /// Full packets don't fit somewhere on the way. An error by echoes that aren't answered, a warning by a router's word (ICMP).
    case pathMTU = "path-mtu"
    /// A warning: the file's MTU is below the 1280 bytes that IPv6 needs, and there is IPv6 inside.
    case smallMTU = "small-mtu"
    /// A warning: others removed what the tunnel had set up, and it stays away or was put back within ``SetupRules/memory``.
    case removedByOthers = "removed-by-others"
    /// A warning: the tunnel's name servers are not in force, whether replaced, never set, or because their keeper doesn't run.
    case nameServersReplaced = "name-servers-replaced"
    /// A warning: there is no route to a name server of the tunnel.
    case nameServerUnreachable = "name-server-unreachable"
    /// A warning: a name server of the tunnel is in nobody's AllowedIPs, or queries to it leave beside the tunnel.
    case nameServerOutside = "name-server-outside"
    /// A warning: the tunnel is for everything, and somebody's rule or route comes first.
    case passedBy = "passed-by"
    /// A warning: all of IPv4 goes through the tunnel, and IPv6 to the Internet beside it.
    case besideTunnel = "beside-tunnel"
    /// A warning: the interface's network is in nobody's AllowedIPs.
    case addressOutside = "address-outside"
    /// Packets wait for a peer whose endpoint isn't known. A warning if all traffic is for it or no other peer works, else a note.
    case noEndpoint = "no-endpoint"
    /// A note: our address is private and the endpoint's isn't, and there is no PersistentKeepalive.
    case natWithoutKeepalive = "nat-without-keepalive"
    /// A warning: more than one packet in a hundred, and at least a hundred, found the interface's queue or the sockets' buffers full.
    case queueDrops = "queue-drops"
    /// Somebody calls who fits no peer that is missed. An error while a peer is missed and none works, else a note.
    case unknownSender = "unknown-sender"
    /// A note, and nothing wrong: who is asked for names.
    case nameServersInForce = "name-servers-in-force"

    /// Whether a note of this kind is told in the first line too: it is the answer to who asks why, and no trouble where nobody asks.
    var isRemark: Bool {
        switch self {
        case .nothingComesBack, .filteredInside, .natWithoutKeepalive: true
        default: false
        }
    }

    /// Where it stands among all: the lower explains more.
    var rank: Int { Self.ranks[self] ?? .max }

    private static let ranks = Dictionary(uniqueKeysWithValues: allCases.enumerated().map { ($0.element, $0.offset) })
}
