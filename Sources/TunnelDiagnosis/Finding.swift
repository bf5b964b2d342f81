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
    case noPrivateKey = "no-private-key"
    case onlyPeerIsItself = "only-peer-is-itself"
    case peerIsItself = "peer-is-itself"
    case linkDown = "link-down"
    case clockBehind = "clock-behind"
    // The way out.
    case endpointIsItself = "endpoint-is-itself"
    case endpointInTunnel = "endpoint-in-tunnel"
    case ownDatagrams = "own-datagrams"
    case noRoute = "no-route"
    case familyMissing = "family-missing"
    case networkDown = "network-down"
    case connectionTableFull = "connection-table-full"
    case filteredOut = "filtered-out"
    case sendProhibited = "send-prohibited"
    case sendFailed = "send-failed"
    case nameMoved = "name-moved"
    case throughOtherTunnel = "through-other-tunnel"
    case hostUnreachable = "host-unreachable"
    case networkUnreachable = "network-unreachable"
    case routingLoop = "routing-loop"
    case portClosed = "port-closed"
    case prohibited = "prohibited"
    // The way back and the keys.
    case filteredIn = "filtered-in"
    case reversePath = "reverse-path"
    case presharedKey = "preshared-key"
    case otherKeyOfPeer = "other-key-of-peer"
    case otherKeyOfOurs = "other-key-of-ours"
    case notWireGuard = "not-wireguard"
    case peerClockBehind = "peer-clock-behind"
    case answersLost = "answers-lost"
    case peerSilent = "peer-silent"
    case noAnswer = "no-answer"
    case natForgot = "nat-forgot"
    case keyUsedTwice = "key-used-twice"
    // What is inside.
    case ownAddressAllowed = "own-address-allowed"
    case duplicateAllowedIPs = "duplicate-allowed-ips"
    case localNetwork = "local-network"
    case notRouted = "not-routed"
    case noPeerForDestination = "no-peer-for-destination"
    case sourceNotAllowed = "source-not-allowed"
    case filteredInside = "filtered-inside"
    case nothingComesBack = "nothing-comes-back"
    case notForwarding = "not-forwarding"
    case largeMTU = "large-mtu"
    case pathMTU = "path-mtu"
    case smallMTU = "small-mtu"
    case removedByOthers = "removed-by-others"
    case nameServersReplaced = "name-servers-replaced"
    case nameServerUnreachable = "name-server-unreachable"
    case nameServerOutside = "name-server-outside"
    case besideTunnel = "beside-tunnel"
    case addressOutside = "address-outside"
    case noEndpoint = "no-endpoint"
    case natWithoutKeepalive = "nat-without-keepalive"
    case queueDrops = "queue-drops"
    case unknownSender = "unknown-sender"
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
