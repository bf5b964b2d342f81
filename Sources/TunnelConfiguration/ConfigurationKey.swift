/// The parts of a configuration file, as their headers name them.
public enum ConfigurationSection: String, Hashable, Sendable, CaseIterable {
    case interface = "Interface"
    case peer = "Peer"
}

/// The keys of a wg-quick file, whose case doesn't matter. Hooks, Address, DNS and AllowedIPs add up when they stand more than once in a
/// section; of the others the last line counts. What they hold is at ``InterfaceConfiguration`` and ``PeerConfiguration``.
/// Source: wg(8) and wg-quick(8).
public enum ConfigurationKey: String, Hashable, Sendable, CaseIterable {
    case privateKey = "PrivateKey"
    case listenPort = "ListenPort"
    case firewallMark = "FwMark"
    case address = "Address"
    case dns = "DNS"
    case mtu = "MTU"
    case table = "Table"
    case preUp = "PreUp"
    case postUp = "PostUp"
    case preDown = "PreDown"
    case postDown = "PostDown"
    case saveConfig = "SaveConfig"
    case publicKey = "PublicKey"
    case presharedKey = "PresharedKey"
    case allowedIPs = "AllowedIPs"
    case endpoint = "Endpoint"
    case persistentKeepalive = "PersistentKeepalive"

    /// Where the key may stand.
    public var section: ConfigurationSection {
        switch self {
        case .publicKey, .presharedKey, .allowedIPs, .endpoint, .persistentKeepalive: .peer
        default: .interface
        }
    }

    /// Whether its value is a command for the shell, in which `#` is the shell's business.
    var isHook: Bool {
        switch self {
        case .preUp, .postUp, .preDown, .postDown: true
        default: false
        }
    }

    /// Whether it may stand in a section more than once, each adding to the others.
    var accumulates: Bool {
        isHook || self == .address || self == .dns || self == .allowedIPs
    }

    /// Whether nothing after `=` is taken for its default, whatever an earlier line says: so wg-quick has its own single keys.
    var hasDefault: Bool { self == .mtu || self == .table }

    /// Whether its value must not be shown.
    var isSecret: Bool {
        self == .privateKey || self == .presharedKey
    }

    init?(_ name: ArraySlice<UInt8>) {
        guard let key = Self.allCases.first(where: { name.equalsIgnoringCase($0.rawValue) }) else { return nil }
        self = key
    }
}

/// The nearest of some names to a misspelt one.
public enum NearMiss {
    /// The candidate that needs the fewest edits to become `name`, if it is close enough to be meant.
    ///
    /// An edit is a character added, dropped, replaced, or swapped with its neighbour; case doesn't count.
    /// A third of the name's length is close enough.
    public static func nearest(to name: String, among candidates: some Sequence<String>) -> String? {
        let wanted = Array(name.lowercased().unicodeScalars)
        let limit = max(1, (wanted.count + 1) / 3)
        var best: (candidate: String, distance: Int)?
        for candidate in candidates {
            let distance = distance(wanted, Array(candidate.lowercased().unicodeScalars))
            if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.candidate
    }

    /// The restricted Damerau–Levenshtein distance, by rows.
    static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
        // Longer than any name here; keeps hostile input from costing a square of its size.
        guard abs(a.count - b.count) < 16, a.count < 64, b.count < 64 else { return .max }
        var before: [Int] = []
        var previous = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var cost = min(previous[j + 1] + 1, row[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, before[j - 1] + 1) }
                row.append(cost)
            }
            before = previous
            previous = row
        }
        return previous[b.count]
    }
}
