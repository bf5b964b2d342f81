internal import LinuxSystem
internal import MachineState
internal import NetworkTypes

/// The name servers of a tunnel: through systemd-resolved where it answers, else resolvconf, else the file itself.
///
/// | | servers | servers and domains | domains alone |
/// |---|---|---|---|
/// | systemd-resolved | asked for everything (`~.`) | asked for everything, domains searched | searched, servers stay |
/// | openresolv | the only ones (`-x`) | the only ones, domains searched | searched, servers stay |
/// | Debian's resolvconf | asked first; those from before only when they are silent | the same, domains searched | searched, servers stay |
/// | the file | the only ones | the only ones, domains searched | searched, servers stay |
struct NameServerSetup {
    let tools: ExternalTools
    let tunnel: String

    /// Whether systemd-resolved runs. One that was stopped leaves its socket, and asked by the bus it would be started again.
    static var hasService: Bool {
        let socket = "/run/systemd/resolve/io.systemd.Resolve"
        return FileSystem.status(socket).map { !$0.isSocket || UnixSocket.hasListener(at: socket) } ?? false
    }

    /// The method that this system takes: the first of which the program is there and does its work now.
    ///
    /// A service's program is there all the same when it was stopped: it is asked. Where `resolvconf` is a link to
    /// systemd-resolved's program, it is that service by another name.
    var method: NameServers.Method {
        if Self.hasService, (try? tools.run("resolvectl", ["dns"], for: "look at the name servers")) != nil { return .resolvectl }
        guard let program = ChildProcess.find("resolvconf"), !(FileSystem.resolved(program)?.hasSuffix("/resolvectl") ?? false) else {
            return .file
        }
        return .resolvconf
    }

    /// Exchanges a tunnel's name servers for others, or for none.
    /// - Parameter interface: its name now.
    func set(from: NameServers?, to servers: NameServers?, interface: String, for step: String) throws(SetupError) {
        switch (servers ?? from)?.method {
        case .resolvectl:
            guard let servers else {
                // With the interface its servers are gone already. A service that was stopped asks nobody, and isn't started for that.
                var netlink = try? NetlinkSocket()
                guard (try? netlink?.link(named: interface)) ?? nil != nil, Self.hasService else { return }
                return try takeBack("resolvectl", ["revert", interface], for: step)
            }
            if !servers.servers.isEmpty || from?.servers.isEmpty == false {
                try tools.run("resolvectl", ["dns", interface] + Self.orNone(servers.servers.map(\.description)), for: step)
            }
            try tools.run("resolvectl", ["domain", interface] + Self.orNone(servers.routingDomains), for: step)
        case .resolvconf:
            let name = Self.resolvconfPrefix() + tunnel
            guard let servers else {
                return try takeBack("resolvconf", ["-d", name, "-f"], for: step)
            }
            try tools.run("resolvconf", ["-a", name, "-m", "0"] + (servers.servers.isEmpty ? [] : ["-x"]), input: servers.text, for: step)
        case .file:
            try changeFile(for: step) { file in
                if let servers { file.set(servers, for: tunnel) } else { file.remove(tunnel) }
            }
        case nil: break
        }
    }

    private func takeBack(_ program: String, _ arguments: [String], for step: String) throws(SetupError) {
        do throws(SetupError) {
            try tools.run(program, arguments, for: step)
        } catch {
            throw error.helped(by: "`\(([program] + arguments).joined(separator: " "))` takes them back")
        }
    }

    /// What is there of what was set; nil when it is gone. What can't be told is taken to be there: else nobody would take it back.
    /// - Parameter interface: its name now.
    func observed(_ owned: NameServers, interface: String) -> NameServers? {
        let found: NameServers
        switch owned.method {
        case .resolvectl:
            guard let servers = try? tools.run("resolvectl", ["dns", interface], for: "look at the name servers"),
                let domains = try? tools.run("resolvectl", ["domain", interface], for: "look at the name servers")
            else { return owned }
            found = NameServers(resolvectlServers: servers, domains: domains)
        case .resolvconf:
            guard let text = resolvconfText() else { return owned }
            found = NameServers(method: .resolvconf, text: text)
        case .file:
            do throws(SystemError) {
                guard let content = try SystemFile(Self.path).read() else { return nil }
                found = NameServers(method: .file, text: ResolverFile(content).text(of: tunnel) ?? "")
            } catch {
                // In a pipe, a device or a directory there is nothing of ours; what can't be read is taken to have it.
                return error.isNoFile ? nil : owned
            }
        }
        guard !found.isEmpty else { return nil }
        // What a record knows of them is only how they were set.
        return owned.isEmpty || owned.isSame(as: found) ? owned : found
    }

    /// What resolvconf keeps for the tunnel, empty for nothing; nil where that can't be told.
    private func resolvconfText() -> String? {
        let name = Self.resolvconfPrefix() + tunnel
        let directory = "/run/resolvconf/interface"
        // Debian's keeps a file for each, and can't be asked.
        if FileSystem.exists("/etc/resolvconf/interface-order") {
            do throws(SystemError) {
                return String(decoding: try FileSystem.read("\(directory)/\(name)", limit: 1 << 16), as: UTF8.self)
            } catch {
                return error.isMissing ? "" : nil
            }
        }
        guard let all = try? tools.run("resolvconf", ["-i"], for: "look at the name servers") else { return nil }
        guard all.split(whereSeparator: \.isWhitespace).contains(Substring(name)) else { return "" }
        return try? tools.run("resolvconf", ["-l", name], for: "look at the name servers")
    }

    private static let path = "/etc/resolv.conf"
    /// Longer than it takes to exchange a file.
    private static let lockPatience = Interval.seconds(2)

    private func changeFile(for step: String, _ change: (inout ResolverFile) -> Void) throws(SetupError) {
        let system = SystemFile(Self.path)
        do throws(SystemError) {
            // Two tunnels may come or go at the same moment.
            let lock = try FileDescriptor.directoryLock("/etc", patience: Self.lockPatience, cancelledBy: tools.cancelled)
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
