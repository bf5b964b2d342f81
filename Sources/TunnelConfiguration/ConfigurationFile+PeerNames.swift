public import WireGuardCrypto

extension ConfigurationFile {
    /// What people call the peers: the first comment of a peer's section that isn't a setting taken out, without `friendly_name =` or
    /// `Name =` before it. Many files follow that custom, and programs that show peers read it.
    public var peerNames: [PublicKey: String] {
        var names: [PublicKey: String] = [:]
        for (peer, section) in zip(peers, sections.lazy.filter { $0.kind == .peer }) {
            guard let key = peer.publicKey?.value else { continue }
            // What stands behind the last setting belongs to the next section.
            names[key] = (section.headerLine...section.lastLine).lazy.compactMap { Self.name(inCommentOf: source.line($0)) }.first
        }
        return names
    }

    /// The longest name that is kept, in characters.
    private static let longestName = 64

    private static func name(inCommentOf line: ArraySlice<UInt8>) -> String? {
        guard let mark = line.firstIndex(of: UInt8(ascii: "#")) else { return nil }
        // Behind a setting it is a remark about that.
        let before = line[..<mark].trimmed
        guard before.isEmpty || before.first == UInt8(ascii: "[") else { return nil }
        var comment = line[mark...].drop { $0 == UInt8(ascii: "#") }.trimmed
        if let equals = comment.firstIndex(of: UInt8(ascii: "=")) {
            let word = comment[..<equals].trimmed
            if ConfigurationKey(word) != nil { return nil }
            if word.equalsIgnoringCase("friendly_name") || word.equalsIgnoringCase("name") { comment = comment[(equals + 1)...].trimmed }
        }
        return comment.isEmpty ? nil : String(comment.text.prefix(longestName))
    }
}
