internal import TunnelControl

/// What an address of the server names.
enum HTTPRoute: Hashable, Sendable {
    /// The list of the tunnels, or the page of the only one.
    case index
    case metrics
    case status
    /// The path's page of a tunnel.
    case page(String)
    /// What that page draws, as JSON.
    case path(String)

    /// - Parameter target: a request's target; what stands behind `?` says nothing here.
    init?(_ target: String) {
        let path = target.prefix { $0 != "?" }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard path.hasPrefix("/") else { return nil }
        switch (parts.count, parts.first, parts.last) {
        case (1, "", _): self = .index
        case (1, "metrics", _): self = .metrics
        case (1, "status.json", _): self = .status
        case (2, let name?, "") where ConfigurationSource.isInterfaceName(String(name)): self = .page(String(name))
        case (2, let name?, "path.json") where ConfigurationSource.isInterfaceName(String(name)): self = .path(String(name))
        default: return nil
        }
    }
}

/// What is answered.
struct HTTPAnswer: Hashable, Sendable {
    /// The status code of RFC 9110.
    var status = 200
    var contentType = "text/plain; charset=utf-8"
    var body = ""
    /// Where to go instead.
    var location: String?

    static let json = "application/json"
    static let html = "text/html; charset=utf-8"

    static func failure(_ status: Int, _ text: String) -> HTTPAnswer { HTTPAnswer(status: status, body: text + "\n") }
}

/// Whom a request may come from by its Host field: a page of the web that resolves its own name to this machine must not read the answer.
struct HostPolicy: Hashable, Sendable {
    /// Whether any name will do: for local sockets, and where the public was let in.
    var admitsAll: Bool

    /// - Parameter host: the Host field, with or without a port.
    func admits(_ host: String?) -> Bool {
        if admitsAll { return true }
        guard var name = host?.lowercased()[...] else { return false }
        if name.hasPrefix("[") {
            guard let end = name.firstIndex(of: "]") else { return false }
            return name[...end] == "[::1]"
        }
        if let colon = name.firstIndex(of: ":") { name = name[..<colon] }
        if name == "localhost" { return true }
        let numbers = name.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
    }
}
