internal import ArgumentParser
internal import LinuxSystem
internal import TunnelControl

/// What a shell offers where a command wants a tunnel.
enum TunnelNames {
    /// A configuration: the names in /etc/wireguard, and the files and directories where the word points.
    static let configurations = CompletionKind.custom { _, _, prefix in configurations(prefix: prefix) }

    /// A tunnel that is up.
    static let running = CompletionKind.custom { _, _, _ in runningNames() }

    /// Either of them.
    static let any = CompletionKind.custom { _, _, prefix in
        let running = runningNames().filter { $0.hasPrefix(prefix) }
        return running + configurations(prefix: prefix).filter { !running.contains($0) }
    }

    private static func runningNames() -> [String] { RuntimeDirectory.runningInterfaces().map(\.name) }

    private static func configurations(prefix: String) -> [String] {
        configurations(prefix: prefix) {
            FileSystem.entries(of: $0)
        } isDirectory: {
            FileSystem.status($0)?.isDirectory ?? false
        }
    }

    /// - Parameters:
    ///   - prefix: what of the word is written.
    ///   - entries: the names in a directory.
    static func configurations(prefix: String, entries: (String) -> [String], isDirectory: (String) -> Bool) -> [String] {
        var words: [String] = []
        if !prefix.contains("/") {
            words = entries(ConfigurationSource.directory).filter { $0.hasSuffix(".conf") }.map { String($0.dropLast(5)) }
        }
        let directory = prefix.lastIndex(of: "/").map { String(prefix[...$0]) } ?? ""
        for entry in entries(directory.isEmpty ? "." : directory) where !entry.hasPrefix(".") {
            let path = directory + entry
            if entry.hasSuffix(".conf") { words.append(path) } else if isDirectory(path) { words.append(path + "/") }
        }
        return words.filter { $0.hasPrefix(prefix) }
    }
}
