internal import LinuxSystem
internal import NetworkTypes
public import TunnelConfiguration

/// A tunnel whose interface is in namespaces of its own, with a command that runs there: what `wg-lite run` asks for.
public struct Isolation: Sendable {
    /// What the tunnel lives as long as; it takes the process's signals.
    public var command: CommandInside
    /// Ports inside that can be reached from outside.
    public var ports: [PublishedPort]

    public init(command: CommandInside, ports: [PublishedPort] = []) {
        self.command = command
        self.ports = ports
    }

    /// The variable that tells a command inside which tunnel's namespaces it is in.
    public static let variable = "WG_LITE_INTERFACE"

    /// Whether this process is inside of that tunnel. Its datagrams leave outside, by routes that can't be seen from there.
    static func isInside(_ interface: String) -> Bool { Process.environment(variable) == interface }

    /// The names that a tunnel of the file `base`.conf may have: several run at a time, each with one of its own.
    public static func names(_ base: String) -> [String] {
        [base]
            + (2...99).map { number in
                let ending = "-\(number)"
                return String(base.prefix(15 - ending.count)) + ending
            }
    }

    /// What of a file has another meaning inside, or none.
    /// - Parameters:
    ///   - skipsHooks: whether what the file has run is passed over.
    ///   - mayMark: whether this process may mark what it sends.
    /// - Returns: what a person should know.
    /// - Throws: when it has hooks and they aren't to be passed over, or a mark that can't be set.
    public static func notices(on file: ConfigurationFile, skipsHooks: Bool, mayMark: Bool) throws(SetupError) -> [String] {
        var notices: [String] = []
        let settings = file.interface
        if let mark = settings.firewallMark, mark.value != 0, !mayMark {
            throw SetupError(
                "run \(file.name)",
                "line \(mark.span.line) marks what the tunnel sends (FwMark), and that takes a privilege (CAP_NET_ADMIN)",
                remedy: "use a copy without that line, or sudo", isConfiguration: true)
        }
        for (name, hooks) in [
            ("PreUp", settings.preUp), ("PostUp", settings.postUp), ("PreDown", settings.preDown), ("PostDown", settings.postDown),
        ] {
            guard let hook = hooks.first, !skipsHooks else { continue }
            throw SetupError(
                "run \(file.name)",
                "line \(hook.span.line) is a hook (\(name)): hooks change the machine as root, and `run` changes nothing of it",
                remedy: "--skip-hooks runs without them; `wg-lite up` runs them", isConfiguration: true)
        }
        switch settings.table?.value ?? .automatic {
        case .automatic: break
        case .off: notices.append("Table = off: nothing but the tunnel's own networks has a route inside")
        case .number, .named:
            notices.append("Table is about this machine's routes: inside, the tunnel's routes are the only ones")
        }
        if settings.dnsServers.isEmpty {
            notices.append("\(file.name) has no DNS: names can't be looked up inside, but for those in /etc/hosts")
        }
        let allowed = DestinationSet(file)
        for server in settings.dnsServers.map(\.value) where !allowed.contains(server) {
            notices.append("the name server \(server) is in nobody's AllowedIPs: it can't be reached inside")
        }
        return notices
    }

    /// What has a route inside.
    private struct DestinationSet {
        let prefixes: [IPPrefix]

        init(_ file: ConfigurationFile) {
            prefixes = file.peers.flatMap { $0.allowedIPs.map(\.value.prefix) }
        }

        func contains(_ address: IPAddress) -> Bool { prefixes.contains { $0.contains(address) } }
    }
}
