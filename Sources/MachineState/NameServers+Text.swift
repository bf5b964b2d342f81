internal import NetworkTypes

extension NameServers {
    /// What is written for resolvconf and into the file.
    public var text: String {
        servers.map { "nameserver \($0)\n" }.joined() + (searchDomains.isEmpty ? "" : "search \(searchDomains.joined(separator: " "))\n")
    }

    /// Reads lines as in resolv.conf(5); what isn't a server or a domain to search is passed over.
    public init(method: Method, text: String) {
        self.init(method: method, servers: [], searchDomains: [])
        // By bytes, as the resolver does: to Swift a line end of two characters is one of its own. A keyword begins its line.
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            guard let first = line.first, !Self.isSpace(first) else { continue }
            let words = line.split(whereSeparator: Self.isSpace).map { String(decoding: $0, as: UTF8.self) }
            switch words.first {
            case "nameserver": servers += words.dropFirst().prefix(1).compactMap { IPAddress($0) }
            case "search", "domain": searchDomains = Array(words.dropFirst())
            default: break
            }
        }
    }

    /// A space, a tab, or what else of ASCII parts words.
    static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || (9...13).contains(byte) }

    /// The domains for systemd-resolved: with servers, the tunnel's are asked for everything; otherwise names would reach other links'.
    public var routingDomains: [String] { searchDomains + (servers.isEmpty ? [] : ["~."]) }

    /// Reads what `resolvectl dns LINK` and `resolvectl domain LINK` print: `Link 7 (wg0): WORD…`.
    public init(resolvectlServers: String, domains: String) {
        let words = { (text: String) in
            text.firstRange(of: "): ").map { text[$0.upperBound...].split(whereSeparator: \.isWhitespace).map(String.init) } ?? []
        }
        self.init(
            method: .resolvectl, servers: words(resolvectlServers).compactMap { IPAddress($0) },
            searchDomains: words(domains).filter { $0 != "~." })
    }

    /// Whether both ask the same servers and search the same domains, in whatever order and case a program repeats them.
    public func isSame(as other: NameServers) -> Bool {
        Set(servers) == Set(other.servers) && Set(searchDomains.map { $0.lowercased() }) == Set(other.searchDomains.map { $0.lowercased() })
    }

    /// Whether nothing is set.
    public var isEmpty: Bool { servers.isEmpty && searchDomains.isEmpty }

    func command(interface: String) -> String {
        switch method {
        case .resolvectl:
            "resolvectl dns \(interface) \(servers.map(\.description).joined(separator: " ")); "
                + "resolvectl domain \(interface) \(routingDomains.joined(separator: " "))"
        case .resolvconf: "resolvconf -a \(interface) -m 0\(servers.isEmpty ? "" : " -x") <<< \"\(text)\""
        case .file: "printf '\(text.replacing("\n", with: "\\n"))' > /etc/resolv.conf"
        }
    }

    func removal(interface: String) -> String {
        switch method {
        case .resolvectl: "resolvectl revert \(interface)"
        case .resolvconf: "resolvconf -d \(interface) -f"
        case .file: "mv /etc/resolv.conf.before /etc/resolv.conf"
        }
    }
}
