internal import LinuxSystem
internal import MachineState

/// The files and directories that differ in a tunnel's own mount namespace: name servers, and what leads past them.
struct InsideFiles {
    static let resolverPath = "/etc/resolv.conf"

    /// What stands in resolv.conf: the servers of the tunnel's file, or none. Without one the resolver asks this machine's own port 53, which
    /// nobody answers inside.
    static func resolverText(_ servers: NameServers, file: String) -> String {
        let head = "# wg-lite run: the name servers of \(file); others can't be reached from here.\n"
        guard servers.servers.isEmpty else { return head + servers.text }
        return "# wg-lite run: \(file) has no DNS, so names can't be looked up here.\n" + servers.text
    }

    /// Puts them in place, in this process's mount namespace.
    /// - Returns: what couldn't be, and can be lived with.
    /// - Throws: when names could be looked up past the tunnel.
    static func place(resolverText: String) throws(SystemError) -> String? {
        try Namespaces.keepMountsPrivate()
        let nameServices = (try? FileSystem.read(NameServiceSwitch.path, limit: 1 << 16)).map { String(decoding: $0, as: UTF8.self) }
        // A place to make files in; it is gone again before anybody else runs here.
        let scratch = FileSystem.status("/tmp")?.isDirectory ?? false ? "/tmp" : "/run"
        let hidden = Set(NameServiceSwitch.hiddenDirectories.compactMap { FileSystem.resolved($0) })
        let resolver = FileSystem.resolved(resolverPath)
        try Namespaces.cover(scratch)
        let text = Array(resolverText.utf8)
        do throws(SystemError) {
            try FileSystem.write(text, to: "\(scratch)/resolv.conf")
            try FileSystem.makeDirectory("\(scratch)/hidden", permissions: 0o755)
            // What /etc/resolv.conf may lead to in one of them.
            for name in ["resolv.conf", "stub-resolv.conf"] { try FileSystem.write(text, to: "\(scratch)/hidden/\(name)") }
            for directory in hidden.sorted() { try Namespaces.show("\(scratch)/hidden", at: directory) }
            if let nameServices, let confined = NameServiceSwitch.confined(nameServices),
                let path = FileSystem.resolved(NameServiceSwitch.path)
            {
                try FileSystem.write(Array(confined.utf8), to: "\(scratch)/nsswitch.conf")
                try Namespaces.show("\(scratch)/nsswitch.conf", at: path)
            }
            if let resolver, !hidden.contains(where: { resolver.hasPrefix("\($0)/") }) {
                try Namespaces.show("\(scratch)/resolv.conf", at: resolver)
            }
        } catch {
            try? Namespaces.uncover(scratch)
            throw error
        }
        try Namespaces.uncover(scratch)
        return resolver == nil
            ? "there is no \(resolverPath) that the tunnel's name servers could stand in: names can't be looked up inside" : nil
    }
}
