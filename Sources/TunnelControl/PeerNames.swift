internal import LinuxSystem
internal import TunnelConfiguration
public import WireGuardCrypto

/// What the file that a tunnel runs with calls its peers, as lines: the key in base64, a space, the name.
struct PeerNames: Hashable {
    var names: [PublicKey: String]

    init(_ names: [PublicKey: String]) {
        self.names = names
    }

    /// Control characters in a name don't leave the program.
    var text: String {
        names.map { "\($0.base64) \(TerminalText.escaped($1))\n" }.joined()
    }

    /// Reads what ``text`` wrote; other lines are passed over.
    init(text: String) {
        names = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1)
            guard words.count == 2, let key = try? PublicKey(base64: words[0]) else { continue }
            names[key] = String(words[1])
        }
    }
}

extension TunnelQuery {
    /// What the file of one of our running tunnels calls its peers; empty of other programs' tunnels.
    public static func peerNames(of interface: String) -> [PublicKey: String] {
        for directory in RuntimeDirectory.present {
            guard let answer = ControlChannel.ask(directory.control(of: interface), .names, show: { _ in }) else { continue }
            return ((try? answer.get()).map { PeerNames(text: $0) })?.names ?? [:]
        }
        return [:]
    }
}
