public import NetworkTypes
public import WireGuardCrypto

/// A wg-quick file read into values, each with the place it was written at.
///
/// Reading accepts what `wg` and `wg-quick` accept and never stops at the first problem: `diagnostics` holds all of them.
/// The text is kept, so that changes can be written back with comments, order and host names as they were.
/// Source: wg(8), wg-quick(8).
public struct ConfigurationFile: Sendable {
    /// All of its [Interface] sections.
    public internal(set) var interface = InterfaceConfiguration()
    /// The peers in the order of the file.
    public internal(set) var peers: [PeerConfiguration] = []
    /// Every problem, in the order of the file.
    public internal(set) var diagnostics: [ConfigurationDiagnostic] = []
    /// How many more problems of each kind there are; a file may have as many as it has bytes.
    public private(set) var omittedErrors = 0
    /// How many warnings there are beyond those in ``diagnostics``.
    public private(set) var omittedWarnings = 0
    /// How many of each kind ``diagnostics`` holds at most: nobody reads more, and each has a copy of its line.
    public static let mostDiagnostics = 100
    private var errorCount = 0
    private var warningCount = 0

    var source: SourceText
    var sections: [SourceSection] = []
    /// Lines with the headers of sections that there aren't, for nothing behind them to be taken for another section's.
    var unknownHeaders: [Int] = []

    /// The file's bytes.
    public var text: SecretText { source.text }

    /// Whether some problem keeps the file from being used.
    public var hasErrors: Bool {
        errorCount > 0
    }

    /// Adds a problem, or counts it where there are enough of its kind.
    mutating func report(
        _ severity: ConfigurationDiagnostic.Severity, _ message: String, at span: SourceSpan?, suggestion: String? = nil
    ) {
        switch severity {
        case .error:
            errorCount += 1
            guard errorCount <= Self.mostDiagnostics else {
                omittedErrors += 1
                return
            }
        case .warning:
            warningCount += 1
            guard warningCount <= Self.mostDiagnostics else {
                omittedWarnings += 1
                return
            }
        }
        diagnostics.append(ConfigurationDiagnostic(severity, message, at: span, in: source, suggestion: suggestion))
    }

    /// What diagnostics call the file.
    public var name: String { source.name }

    /// Reads a file.
    /// - Parameters:
    ///   - text: the file's bytes.
    ///   - name: what diagnostics call it.
    ///   - isReadableByOthers: whether its permissions, or its directory's, let others read it; worth a warning.
    public init(text: [UInt8], name: String, isReadableByOthers: Bool = false) {
        var reader = ConfigurationReader(source: SourceText(name: name, bytes: text))
        self = reader.read(isReadableByOthers: isReadableByOthers)
    }

    /// The file as a running tunnel keeps it: the keys are where they are used, and here neither as values nor in the text.
    public var withoutSecrets: ConfigurationFile {
        var file = self
        file.interface.privateKey = nil
        for index in file.peers.indices { file.peers[index].presharedKey = nil }
        file.source = source.mapping(ConfigurationDiagnostic.blotSecrets)
        return file
    }

    init(source: SourceText) {
        self.source = source
    }
}

/// The [Interface] part of a configuration file. Several such sections count as one.
public struct InterfaceConfiguration: Sendable {
    /// Nil: somebody else gives it one (`wg set`, a hook), or nobody.
    public internal(set) var privateKey: Located<PrivateKey>?
    /// 0, or nil: the kernel chooses one.
    public internal(set) var listenPort: Located<UInt16>?
    /// 0 for `off`.
    public internal(set) var firewallMark: Located<UInt32>?
    /// The interface's own, host bits included; without `/length` alone in their network.
    public internal(set) var addresses: [Located<IPInterfaceAddress>] = []
    /// Entries of DNS that are addresses, in the order in which they are asked.
    public internal(set) var dnsServers: [Located<IPAddress>] = []
    /// Entries of DNS that aren't addresses.
    public internal(set) var dnsSearchDomains: [Located<String>] = []
    /// Bytes of the longest packet, 68 to 65535; nil: from the routes to the endpoints.
    public internal(set) var mtu: Located<UInt32>?
    /// Nil as ``RoutingTableChoice/automatic``.
    public internal(set) var table: Located<RoutingTableChoice>?
    /// In the file's order, as the three that follow.
    public internal(set) var preUp: [Located<HookCommand>] = []
    public internal(set) var postUp: [Located<HookCommand>] = []
    public internal(set) var preDown: [Located<HookCommand>] = []
    public internal(set) var postDown: [Located<HookCommand>] = []
    /// SaveConfig: whether ``ConfigurationFile/text(saving:since:)`` is written back when the tunnel goes down.
    public internal(set) var savesConfiguration = false
}

/// Where the routes of the allowed IPs go.
public enum RoutingTableChoice: Hashable, Sendable {
    /// The main table; default routes get a table and rules of their own.
    case automatic
    /// No routes are added.
    case off
    /// That table; never 0, which is read as the main table's 254.
    case number(UInt32)
    /// A table that the system has a name for.
    case named(String)

    /// The main table's number, which the kernel takes 0 for.
    static let main: UInt32 = 254
}

/// One [Peer] of a configuration file.
public struct PeerConfiguration: Sendable {
    /// Where the section begins.
    public internal(set) var header: SourceSpan
    /// Always present in a file without errors.
    public internal(set) var publicKey: Located<PublicKey>?
    /// Nil or zeros: none.
    public internal(set) var presharedKey: Located<PresharedKey>?
    /// The lines of one peer add up; a prefix that two peers have is the last one's.
    public internal(set) var allowedIPs: [Located<AllowedIPEntry>] = []
    /// Nil: the peer has to begin.
    public internal(set) var endpoint: Located<EndpointName>?
    /// Seconds; 0 for `off`.
    public internal(set) var persistentKeepalive: Located<UInt16>?
}

/// One entry of AllowedIPs.
public struct AllowedIPEntry: Hashable, Sendable {
    /// As it was written, host bits included.
    public var written: IPInterfaceAddress
    /// What the entry does with the prefix: newer `wg` reads `+` and `-` before it as a change to the running peer.
    public var change: Change

    /// What an entry does to the peer's list.
    public enum Change: Hashable, Sendable {
        /// Without a sign the peer's entries are its whole list, if all are so; with `+` and `-` they change the one that runs.
        case replace, add, remove
    }

    /// The prefix that is routed.
    public var prefix: IPPrefix { written.network }
}

/// Where a peer is reached, by address or by name.
public struct EndpointName: Hashable, Sendable {
    /// A host name or an address, without brackets.
    public var host: String
    /// A port number, or the name of a service.
    public var service: String

    public init(host: String, service: String) {
        self.host = host
        self.service = service
    }

    /// The endpoint, if it needs no resolution.
    public var literal: Endpoint? {
        Endpoint(description)
    }
}

extension EndpointName: CustomStringConvertible {
    /// `HOST:PORT`, with an address of IPv6 in brackets.
    public var description: String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(service)" : "\(host):\(service)"
    }
}

/// A section as it stands in the text.
struct SourceSection: Sendable {
    var kind: ConfigurationSection
    var headerLine: Int
    var settings: [SourceSetting] = []

    /// The last line that says something.
    var lastLine: Int { settings.last?.line ?? headerLine }
}

/// A key and its value as they stand in the text.
struct SourceSetting: Sendable {
    var key: ConfigurationKey
    /// The value without white space around it.
    var span: SourceSpan
    var line: Int { span.line }
}
