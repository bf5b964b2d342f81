import MachineState

/// /etc/resolv.conf, whoever wrote it: a tunnel that comes and goes leaves it as it was, and what one run writes the next reads as the same.
enum ResolverFuzz {
    /// - Parameter bytes: the name servers of a tunnel up to a zero byte, and the file.
    static func run(_ bytes: [UInt8]) {
        let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return }
        let (text, content) = (String(decoding: parts[0], as: UTF8.self), Array(parts[1]))
        let servers = NameServers(method: .file, text: text)
        precondition(NameServers(method: .file, text: servers.text) == servers, "\(text) became \(servers.text)")

        var file = ResolverFile(content)
        let before = file
        if !ResolverFile.isOurs(content) { precondition(file.content == content && file.entries.isEmpty) }
        if !file.entries.isEmpty { precondition(ResolverFile(file.content) == file) }
        check(file.inForce.servers, of: file.content ?? [])

        guard !servers.isEmpty, !file.has("wg0") else { return }
        file.set(servers, for: "wg0")
        precondition(ResolverFile(file.content) == file, "\(file) is not read as it was written")
        precondition(file.text(of: "wg0") == servers.text)
        check(file.inForce.servers, of: file.content ?? [])
        if !servers.servers.isEmpty { precondition(file.inForce.servers.servers == servers.servers && file.inForce.tunnel == "wg0") }
        if servers.servers.isEmpty && before.entries.isEmpty {
            // A tunnel that only brings domains takes none away.
            precondition(Set(file.inForce.servers.searchDomains).isSuperset(of: before.inForce.servers.searchDomains))
        }
        file.remove("wg0")
        precondition(file == before && file.content == before.content)
    }

    /// The resolver reads line by line, and so do we.
    private static func check(_ inForce: NameServers, of content: [UInt8]) {
        let lines = content.split(separator: 10).filter { $0.first != UInt8(ascii: "#") }
        let servers = lines.flatMap { NameServers(method: .file, text: String(decoding: $0, as: UTF8.self)).servers }
        precondition(inForce.servers == servers, "\(servers) are asked, not \(inForce.servers)")
    }
}
