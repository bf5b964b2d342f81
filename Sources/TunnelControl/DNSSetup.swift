internal import LinuxSystem
internal import NetworkTypes

/// The name servers of a tunnel: through systemd-resolved where it runs, else resolvconf, else the file itself.
enum DNSSetup {
    /// How the name servers were set, and so how they are taken back.
    enum Method: String, Hashable, Sendable {
        case resolvectl, resolvconf
        /// The file itself; its former content is kept in the runtime directory.
        case file
    }

    /// The method that this system takes.
    static func method() -> Method {
        // Without the service running, the program is only there.
        if FileSystem.exists("/run/systemd/resolve/io.systemd.Resolve"), ChildProcess.find("resolvectl") != nil { return .resolvectl }
        return ChildProcess.find("resolvconf") != nil ? .resolvconf : .file
    }

    private static var path: String { FileSystem.resolved("/etc/resolv.conf") ?? "/etc/resolv.conf" }
    private static func backupName(_ interface: String) -> String { "\(interface).resolv.conf" }

    static func set(
        servers: [IPAddress], searchDomains: [String], _ method: Method, interface: String, _ directory: RuntimeDirectory?,
        _ rollback: inout Rollback, _ report: SetupReport
    ) throws(SetupError) {
        switch method {
        case .resolvectl:
            try rollback.add(.dns(method, interface: interface))
            try run("resolvectl", ["dns", interface] + servers.map(\.description), report)
            // Without domains of their own the tunnel's servers are asked for everything.
            try run("resolvectl", ["domain", interface] + (searchDomains.isEmpty ? ["~."] : searchDomains), report)
        case .resolvconf:
            let name = resolvconfPrefix() + interface
            try rollback.add(.dns(method, interface: interface))
            try run("resolvconf", ["-a", name, "-m", "0", "-x"], report, input: text(servers, searchDomains))
        case .file:
            let (path, backup) = (path, backupName(interface))
            report.command("printf '\(text(servers, searchDomains, separator: "\\n"))' > \(path)")
            guard let records = directory?.records else { throw SetupError("set the name servers in \(path)", "nothing can be recorded") }
            do throws(SystemError) {
                try records.replace(backup, with: FileSystem.exists(path) ? try FileSystem.read(path) : [])
            } catch {
                throw SetupError("set the name servers in \(path)", error)
            }
            try rollback.add(.dns(method, interface: interface))
            do throws(SystemError) {
                try FileSystem.write(Array((fileHeader(interface) + text(servers, searchDomains)).utf8), to: path)
            } catch {
                throw SetupError("set the name servers in \(path)", error)
            }
        }
    }

    static func revert(_ method: Method, interface: String, _ directory: RuntimeDirectory?, _ report: SetupReport) throws(SetupError) {
        switch method {
        case .resolvectl:
            // With the interface its servers are gone already; nothing to say then.
            guard (try? LinkSetup.index(of: interface)) != nil else { return }
            try run("resolvectl", ["revert", interface], report)
        case .resolvconf: try run("resolvconf", ["-d", resolvconfPrefix() + interface, "-f"], report)
        case .file:
            let (path, backup) = (path, backupName(interface))
            guard let records = directory?.records else { return }
            defer { records.remove(backup) }
            guard let now = try? FileSystem.read(path), let former = (try? records.read(backup, limit: 1 << 20)) ?? nil else { return }
            // Whoever wrote the file since then knows better.
            guard now.starts(with: fileHeader(interface).utf8) else {
                return report.notice("\(path) was changed by another program; it stays as it is")
            }
            report.command("mv \(records.path(of: backup)) \(path)")
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
