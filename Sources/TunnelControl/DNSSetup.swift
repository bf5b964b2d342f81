internal import LinuxSystem
internal import NetworkTypes

/// The name servers of a tunnel: through systemd-resolved where it runs, else resolvconf, else the file itself.
enum DNSSetup {
    /// How the name servers were set, and so how they are taken back.
    enum Method: Hashable, Sendable, LosslessStringConvertible {
        case resolvectl
        /// With the name that resolvconf knows the interface by.
        case resolvconf(name: String)
        /// The file, and where its former content is kept.
        case file(path: String, backup: String)

        var description: String {
            switch self {
            case .resolvectl: "resolvectl"
            case .resolvconf(let name): "resolvconf \(name)"
            case .file(let path, let backup): "file \(path) \(backup)"
            }
        }

        init?(_ description: String) {
            let words = description.split(separator: " ").map(String.init)
            switch (words.first, words.count) {
            case ("resolvectl", 1): self = .resolvectl
            case ("resolvconf", 2): self = .resolvconf(name: words[1])
            case ("file", 3): self = .file(path: words[1], backup: words[2])
            default: return nil
            }
        }
    }

    /// The method that this system takes.
    /// - Parameter backup: where the file's content would be kept.
    static func method(interface: String, backup: String) -> Method {
        // Without the service running, the program is only there.
        if FileSystem.exists("/run/systemd/resolve/io.systemd.Resolve"), ChildProcess.find("resolvectl") != nil { return .resolvectl }
        if ChildProcess.find("resolvconf") != nil { return .resolvconf(name: resolvconfPrefix() + interface) }
        return .file(path: FileSystem.resolved("/etc/resolv.conf") ?? "/etc/resolv.conf", backup: backup)
    }

    static func set(
        servers: [IPAddress], searchDomains: [String], _ method: Method, interface: String, _ rollback: inout Rollback,
        _ report: SetupReport
    ) throws(SetupError) {
        switch method {
        case .resolvectl:
            rollback.add(.dns(method, interface: interface))
            try run("resolvectl", ["dns", interface] + servers.map(\.description), report)
            // Without domains of their own the tunnel's servers are asked for everything.
            try run("resolvectl", ["domain", interface] + (searchDomains.isEmpty ? ["~."] : searchDomains), report)
        case .resolvconf(let name):
            rollback.add(.dns(method, interface: interface))
            try run("resolvconf", ["-a", name, "-m", "0", "-x"], report, input: text(servers, searchDomains))
        case .file(let path, let backup):
            report.command("cp \(path) \(backup); printf '\(text(servers, searchDomains, separator: "\\n"))' > \(path)")
            do throws(SystemError) {
                let former = FileSystem.exists(path) ? try FileSystem.read(path) : []
                try FileSystem.replace(backup, with: former, permissions: 0o600)
                rollback.add(.dns(method, interface: interface))
                try FileSystem.write(Array((fileHeader(interface) + text(servers, searchDomains)).utf8), to: path)
            } catch {
                throw SetupError("set the name servers in \(path)", error)
            }
        }
    }

    static func revert(_ method: Method, interface: String, _ report: SetupReport) throws(SetupError) {
        switch method {
        case .resolvectl:
            // With the interface its servers are gone already; nothing to say then.
            guard (try? LinkSetup.index(of: interface)) != nil else { return }
            try run("resolvectl", ["revert", interface], report)
        case .resolvconf(let name): try run("resolvconf", ["-d", name, "-f"], report)
        case .file(let path, let backup):
            defer { FileSystem.remove(backup) }
            guard let now = try? FileSystem.read(path), let former = try? FileSystem.read(backup) else { return }
            // Whoever wrote the file since then knows better.
            guard now.starts(with: fileHeader(interface).utf8) else {
                return report.notice("\(path) was changed by another program; it stays as it is")
            }
            report.command("mv \(backup) \(path)")
            do throws(SystemError) {
                try FileSystem.write(former, to: path)
            } catch {
                throw SetupError("restore \(path)", error)
            }
        }
    }

    private static func fileHeader(_ interface: String) -> String { "# written by wg-lite for \(interface), until it goes down\n" }

    private static func text(_ servers: [IPAddress], _ searchDomains: [String], separator: String = "\n") -> String {
        var text = servers.map { "nameserver \($0)\(separator)" }.joined()
        if !searchDomains.isEmpty { text += "search \(searchDomains.joined(separator: " "))\(separator)" }
        return text
    }

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

    private static func run(_ name: String, _ arguments: [String], _ report: SetupReport, input: String = "") throws(SetupError) {
        report.command("\(name) \(arguments.joined(separator: " "))")
        let step = "set the name servers"
        guard let program = ChildProcess.find(name) else { throw SetupError(step, "\(name) is not installed") }
        let result: (status: ChildProcess.ExitStatus, output: String)
        do throws(SystemError) {
            result = try ChildProcess.run(program, arguments, input: Array(input.utf8))
        } catch {
            throw SetupError(step, error)
        }
        guard result.status.isSuccess else {
            throw SetupError(step, "\(name) says: \(result.output.split(separator: "\n").first.map(String.init) ?? "nothing")")
        }
    }
}
