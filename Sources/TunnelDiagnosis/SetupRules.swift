public import NetworkTypes

/// What has become of what the tunnel set up on its machine.
public enum SetupRules {
    /// What was put back so long ago is over.
    public static let memory = Interval.seconds(600)

    static func findings(_ observation: Observation) -> [Finding] {
        [
            addresses(observation), observation.removal.flatMap(removal), observation.resolver.map { resolver($0, observation.interface) },
        ].compactMap { $0 }
    }

    /// The kernel takes an interface's IPv6 addresses away when it is set down, and nobody gives them back when it is set up.
    private static func addresses(_ observation: Observation) -> Finding? {
        let missing = observation.missingAddresses.map { "\($0)" }
        guard !missing.isEmpty else { return nil }
        return Finding(
            .addressMissing, .warning, "its interface has lost \(missing.joined(separator: ", ")): nothing that is sent to it arrives",
            evidence: "`ip address show dev \(observation.interface)`", remedy: "wg-lite reload \(observation.interface) sets it again")
    }

    private static func removal(_ removal: RemovalObservation) -> Finding? {
        if let failure = removal.failure, !removal.isLeft {
            return Finding(
                .removedByOthers, .warning,
                "others removed what the tunnel needs \(removal.age.inWords) ago, and it could not be put back",
                evidence: removal.commands.joined(separator: "; "), remedy: failure)
        }
        guard removal.isLeft || removal.age <= memory else { return nil }
        let end = removal.isLeft ? "removed it again at once, and it is left so" : "it was put back \(removal.age.inWords) ago"
        return Finding(
            .removedByOthers, .warning, "others removed what the tunnel needs\(removal.isLeft ? ", " : "; ")\(end)",
            evidence: removal.commands.joined(separator: "; "),
            remedy: removal.isLeft ? "find out who does it (`ip monitor`, `nft monitor`), then `wg-lite reload` sets it again" : "")
    }

    private static func resolver(_ resolver: ResolverObservation, _ interface: String) -> Finding {
        let servers = resolver.servers.map { "\($0)" }.joined(separator: ", ")
        let asked = servers.isEmpty ? "" : "names are asked of \(servers)"
        switch resolver.reason {
        case .own: return note("\(asked) (this tunnel's, in \(resolver.keeper))")
        case .former: return note("\(asked) as before; the tunnel adds domains to search (in \(resolver.keeper))")
        case .later(let tunnel): return note("\(asked): those of \(tunnel), which came later (in \(resolver.keeper))")
        case .replaced:
            return Finding(
                .nameServersReplaced, .warning, "the tunnel's name servers are not in force: others have changed \(resolver.keeper)",
                evidence: asked, remedy: "wg-lite reload \(interface) sets them again")
        case .unset:
            return Finding(
                .nameServersReplaced, .warning, "the tunnel's name servers are not in force: they could not be set",
                remedy: "wg-lite reload \(interface) tries again, and says why")
        case .stopped:
            return Finding(
                .nameServersReplaced, .warning, "the tunnel's name servers are not in force: \(resolver.keeper) has them, and does not run",
                remedy: "start \(resolver.keeper) again; wg-lite reload \(interface) sets them where they are kept now")
        }
    }

    private static func note(_ sentence: String) -> Finding { Finding(.nameServersInForce, .note, sentence) }
}
