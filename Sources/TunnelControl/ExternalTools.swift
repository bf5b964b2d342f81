internal import LinuxSystem
internal import MachineState
internal import NetworkTypes

/// The programs of others that a tunnel is set up with: nft or iptables, resolvectl or resolvconf.
///
/// Each gets a stated time and is ended when it takes longer, or when whoever waits for it has gone.
struct ExternalTools: Sendable {
    /// How long one may take.
    static let patience = Interval.seconds(20)

    let cancellation: Cancellation?
    /// Whether what was done is taken back: that is given up only where somebody else does it.
    var isUndoing = false

    /// Readable when whoever waits has gone; negative where that is never.
    var cancelled: Int32 { cancellation.map { isUndoing ? $0.lastDescriptor : $0.descriptor } ?? -1 }

    var isCancelled: Bool { cancellation.map { isUndoing ? $0.isAbandoned : $0.isCancelled } ?? false }

    /// The firewall's program that is there, the newer one first.
    static var firewallTool: FirewallRules.Tool? {
        if ChildProcess.find("nft") != nil { return .nft }
        return ChildProcess.find("iptables-restore") != nil ? .iptables : nil
    }

    /// Runs a program.
    /// - Parameter step: what it is needed for.
    /// - Returns: what it printed.
    /// - Throws: when it isn't there, fails, or takes too long.
    @discardableResult
    func run(_ name: String, _ arguments: [String], input: String = "", for step: String) throws(SetupError) -> String {
        guard let program = ChildProcess.find(name) else { throw SetupError(step, "\(name) is not installed") }
        func attempt() throws(SetupError) -> ChildProcess.Completion {
            do throws(SystemError) {
                return try ChildProcess.run(
                    program, arguments, input: Array(input.utf8), limit: Self.patience, cancelledBy: cancelled)
            } catch {
                throw SetupError(step, error)
            }
        }
        var completion = try attempt()
        // A signal meant for all of us reaches it too (systemd's KillMode=control-group): what is being taken back still has to go. It comes once.
        if case .signalled = completion.status, completion.reason == .ended { completion = try attempt() }
        // One that was ended may have done it, all or in part.
        switch completion.reason {
        case .ended: break
        case .tooSlow:
            throw SetupError(step, "\(name) had not ended after \(Self.patience.nanoseconds / 1_000_000_000) s").uncertain
        case .cancelled: throw SetupError(step, "interrupted while \(name) ran").uncertain
        }
        if case .signalled(let signal) = completion.status { throw SetupError(step, "signal \(signal) ended \(name)").uncertain }
        guard completion.status.isSuccess else {
            throw SetupError(step, "\(name) says: \(completion.output.split(separator: "\n").first.map(String.init) ?? "nothing")")
        }
        return completion.output
    }

    // MARK: The packet filter

    /// Exchanges one set of rules for another, in one transaction of each program.
    func setFirewall(from: FirewallRules?, to rules: FirewallRules?, tunnel: String, for step: String) throws(SetupError) {
        switch (rules ?? from)?.tool {
        case .nft:
            let before = Self.nftTables(tunnel)
            do throws(SetupError) {
                try run("nft", ["-f", "-"], input: rules?.nftText(tunnel: tunnel) ?? FirewallRules.nftRemoval(tunnel: tunnel), for: step)
            } catch {
                var error = error
                // Each transaction makes the table anew, or takes it away: one that is the same was not touched.
                if let before, before == Self.nftTables(tunnel), !before.contains(where: { $0.handle == 0 }) { error.isUncertain = false }
                throw rules == nil ? error.helped(by: "`nft delete table \(FirewallRules.nftTable(tunnel: tunnel))` removes them") : error
            }
        case .iptables:
            if let rules, rules.interface.hasSuffix("+") {
                throw SetupError(
                    step, "iptables takes the + at the end of \(rules.interface) for any name", remedy: "install nft, or rename the tunnel")
            }
            for (family, prefix) in [(AddressFamily.v4, "iptables"), (.v6, "ip6tables")] {
                guard ChildProcess.find("\(prefix)-restore") != nil || family == .v4 else { continue }
                let saved = try run("\(prefix)-save", [], for: step)
                guard let text = FirewallRules.iptablesText(replacing: saved, with: rules, tunnel: tunnel, family) else { continue }
                try run("\(prefix)-restore", ["-n"], input: text, for: step)
            }
        case nil: break
        }
    }

    /// The tunnel's table, by the kernel's word; nil where that can't be had.
    private static func nftTables(_ tunnel: String) -> Set<FirewallTables.Table>? {
        let name = FirewallRules.nftTable(tunnel: tunnel).dropFirst("inet ".count)
        return (try? FirewallTables.all())?.filter { $0.name == name }
    }

    /// What is there of the rules. What can't be told is taken to be there: setting and removing them needs no certainty.
    func observed(_ rules: FirewallRules, tunnel: String) -> FirewallRules? {
        let step = "list the firewall rules"
        switch rules.tool {
        case .nft:
            let table = FirewallRules.nftTable(tunnel: tunnel)
            guard let tables = try? run("nft", ["list", "tables"], for: step) else { return rules }
            guard tables.split(separator: "\n").contains("table \(table)") else { return nil }
            return (try? run("nft", ["list", "table"] + table.split(separator: " ").map(String.init), for: step)).map {
                rules.observed(nftListing: $0)
            } ?? rules
        case .iptables:
            var listings: [(family: AddressFamily, text: String)] = []
            for (family, prefix) in [(AddressFamily.v4, "iptables"), (.v6, "ip6tables")] {
                guard ChildProcess.find("\(prefix)-restore") != nil || family == .v4 else { continue }
                guard let saved = try? run("\(prefix)-save", [], for: step) else { return rules }
                listings.append((family, saved))
            }
            return rules.observed(iptablesListings: listings, tunnel: tunnel)
        }
    }
}
