internal import LinuxSystem
internal import MachineState
internal import NetworkTypes

/// The name servers of a tunnel: through systemd-resolved where it runs, else resolvconf, else the file itself.
///
/// | | servers | servers and domains | domains alone |
/// |---|---|---|---|
/// | systemd-resolved | asked for everything (`~.`) | asked for everything, domains searched | searched, servers stay |
/// | resolvconf | the only ones (`-x`) | the only ones, domains searched | searched, servers stay |
/// | the file | the only ones | the only ones, domains searched | searched, servers stay |
struct NameServerSetup {
    let tools: ExternalTools
    let tunnel: String

    /// The method that this system takes.
    static var method: NameServers.Method {
        // Without the service running, the program is only there.
        if FileSystem.exists("/run/systemd/resolve/io.systemd.Resolve"), ChildProcess.find("resolvectl") != nil { return .resolvectl }
        return ChildProcess.find("resolvconf") != nil ? .resolvconf : .file
    }

    /// Exchanges a tunnel's name servers for others, or for none.
    /// - Parameter interface: its name now.
    func set(from: NameServers?, to servers: NameServers?, interface: String, for step: String) throws(SetupError) {
        switch (servers ?? from)?.method {
        case .resolvectl:
            guard let servers else {
                // With the interface its servers are gone already.
                var netlink = try? NetlinkSocket()
                guard (try? netlink?.link(named: interface)) ?? nil != nil else { return }
                try tools.run("resolvectl", ["revert", interface], for: step)
                return
            }
            if !servers.servers.isEmpty || from?.servers.isEmpty == false {
                try tools.run("resolvectl", ["dns", interface] + Self.orNone(servers.servers.map(\.description)), for: step)
            }
            try tools.run("resolvectl", ["domain", interface] + Self.orNone(servers.routingDomains), for: step)
        case .resolvconf:
            let name = Self.resolvconfPrefix() + tunnel
            guard let servers else {
                try tools.run("resolvconf", ["-d", name, "-f"], for: step)
                return
            }
            try tools.run("resolvconf", ["-a", name, "-m", "0"] + (servers.servers.isEmpty ? [] : ["-x"]), input: servers.text, for: step)
        case .file:
            try changeFile(for: step) { file in
                if let servers { file.set(servers, for: tunnel) } else { file.remove(tunnel) }
            }
        case nil: break
        }
    }

    /// The servers that are in force of those that were set; nil when they are gone.
    func observed(_ owned: NameServers) -> NameServers? {
        guard owned.method == .file else { return owned }
        guard let content = try? SystemFile(Self.path).read(), let text = ResolverFile(content).text(of: tunnel) else { return nil }
        var observed = owned
        if text != owned.text { observed.servers = [] }
        return observed
    }

    private static let path = "/etc/resolv.conf"

    private func changeFile(for step: String, _ change: (inout ResolverFile) -> Void) throws(SetupError) {
        let system = SystemFile(Self.path)
        do throws(SystemError) {
            // Two tunnels may come or go at the same moment.
            let lock = try FileDescriptor.directoryLock("/etc")
            defer { _ = lock.rawValue }
            let content = try system.read()
            var file = ResolverFile(content)
            change(&file)
            guard file.content != content else { return system.removeLeftover() }
            try system.write(file.content)
        } catch {
            throw SetupError(step, error, remedy: error.isPermissionDenied ? "is \(system.path) immutable, or read-only?" : nil)
        }
    }

    /// An empty argument takes back what was set.
    private static func orNone(_ values: [String]) -> [String] { values.isEmpty ? [""] : values }

    /// Debian's resolvconf orders interfaces by patterns of names; the first pattern's prefix puts the tunnel in front.
    private static func resolvconfPrefix() -> String {
        guard let program = ChildProcess.find("resolvconf"), FileSystem.resolved(program) == program,
            let bytes = try? FileSystem.read("/etc/resolvconf/interface-order", limit: 1 << 16)
        else { return "" }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let name = line.dropLast()
            if line.hasSuffix("*"), !name.isEmpty, name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }) {
                return "\(name)."
            }
        }
        return ""
    }
}
