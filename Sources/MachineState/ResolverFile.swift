/// /etc/resolv.conf while tunnels have their name servers in it: what it was before stands in it too, as comments.
///
/// So it can be given back from the file itself, after a crash or a reboot, in whatever order the tunnels go down. The tunnel that
/// came last is asked; when it goes, the one before it.
///
/// ```
/// # wg-lite: name servers of tunnels. `wg-lite down NAME` takes them out again, and gives back what was here before (below).
/// #tunnel wa nameserver 10.8.0.53
/// #tunnel wa search corp.example
/// nameserver 10.8.0.53
/// search corp.example
/// #before nameserver 192.0.2.53
/// ```
public struct ResolverFile: Hashable, Sendable {
    /// One tunnel's part.
    public struct Entry: Hashable, Sendable {
        public var tunnel: String
        /// Lines as in ``NameServers/text``.
        public var lines: [[UInt8]]

        /// Whether it brings servers, not only domains.
        var hasServers: Bool { lines.contains { $0.starts(with: "nameserver".utf8) } }
    }

    /// The tunnels, the one that is asked last.
    public private(set) var entries: [Entry] = []
    /// What was in the file before; nil when there was none.
    public private(set) var former: [UInt8]?

    private static let header = Array(
        "# wg-lite: name servers of tunnels. `wg-lite down NAME` takes them out again, and gives back what was here before (below).".utf8)
    private static let entryMark = Array("#tunnel ".utf8)
    private static let formerMark = Array("#before ".utf8)
    private static let noFormer = Array("#before-none".utf8)
    private static let unterminated = Array("#before-unterminated".utf8)
    private static let lineEnd = UInt8(ascii: "\n")

    /// Reads the file.
    /// - Parameter content: its bytes; nil when there is none. What any other program wrote is what was there before.
    public init(_ content: [UInt8]?) {
        guard let content, let lines = Self.ownLines(content) else {
            former = content
            return
        }
        var kept: [UInt8] = []
        var existed = true
        for line in lines {
            if let rest = line.dropping(Self.formerMark) {
                kept += rest + [Self.lineEnd]
            } else if line.elementsEqual(Self.noFormer) {
                existed = false
            } else if line.elementsEqual(Self.unterminated) {
                kept.removeLast(kept.isEmpty ? 0 : 1)
            } else if let rest = line.dropping(Self.entryMark), let space = rest.firstIndex(of: UInt8(ascii: " ")) {
                let tunnel = String(decoding: rest[..<space], as: UTF8.self)
                let value = Array(rest[(space + 1)...])
                if entries.last?.tunnel == tunnel {
                    entries[entries.count - 1].lines.append(value)
                } else {
                    entries.append(Entry(tunnel: tunnel, lines: [value]))
                }
            }
        }
        former = existed ? kept : nil
    }

    /// The lines of a file that we wrote; nil of any other.
    private static func ownLines(_ content: [UInt8]) -> [ArraySlice<UInt8>]? {
        let lines = content.split(separator: lineEnd, omittingEmptySubsequences: false)
        return lines.first?.elementsEqual(header) ?? false ? lines : nil
    }

    /// Whether `content` has a tunnel's name servers in it.
    public static func isOurs(_ content: [UInt8]) -> Bool { ownLines(content) != nil }

    /// What the resolver reads, and the tunnel whose servers those are; nil: those from before.
    public var inForce: (servers: NameServers, tunnel: String?) {
        let text = (entries.isEmpty ? former.map { [$0] } ?? [] : activeLines).map { String(decoding: $0, as: UTF8.self) + "\n" }.joined()
        return (NameServers(method: .file, text: text), entries.last { $0.hasServers }?.tunnel)
    }

    /// Whether a tunnel has its name servers in the file.
    public func has(_ tunnel: String) -> Bool { entries.contains { $0.tunnel == tunnel } }

    /// The servers and domains of a tunnel, as ``NameServers/text``; nil when it has none here.
    public func text(of tunnel: String) -> String? {
        entries.first { $0.tunnel == tunnel }.map { entry in entry.lines.map { String(decoding: $0, as: UTF8.self) + "\n" }.joined() }
    }

    /// Gives a tunnel its name servers, in its place if it has one, else as the one that is asked.
    public mutating func set(_ servers: NameServers, for tunnel: String) {
        let lines = servers.text.utf8.split(separator: Self.lineEnd).map(Array.init)
        if let place = entries.firstIndex(where: { $0.tunnel == tunnel }) {
            entries[place].lines = lines
        } else {
            entries.append(Entry(tunnel: tunnel, lines: lines))
        }
    }

    /// Takes a tunnel's part out; nothing happens where it has none.
    public mutating func remove(_ tunnel: String) {
        entries.removeAll { $0.tunnel == tunnel }
    }

    /// The file's bytes; nil when there should be none.
    public var content: [UInt8]? {
        guard !entries.isEmpty else { return former }
        var lines = [Self.header]
        for entry in entries { lines += entry.lines.map { Self.entryMark + Array("\(entry.tunnel) ".utf8) + $0 } }
        lines += activeLines
        if let former {
            let pieces = former.split(separator: Self.lineEnd, omittingEmptySubsequences: false)
            // Behind the last line end there is nothing; without one, that is said.
            lines += pieces.dropLast(pieces.last?.isEmpty ?? true ? 1 : 0).map { Self.formerMark + $0 }
            if let last = pieces.last, !last.isEmpty { lines.append(Self.unterminated) }
        } else {
            lines.append(Self.noFormer)
        }
        return lines.flatMap { $0 + [Self.lineEnd] }
    }

    /// What the resolver reads: the last tunnel's servers, or those from before where it brings only domains; its domains before others.
    private var activeLines: [[UInt8]] {
        let nameServer = Array("nameserver".utf8)
        let search = Array("search".utf8)
        let domain = Array("domain".utf8)
        let formerLines = (former ?? []).split(separator: Self.lineEnd).map(Array.init)
        let asked = entries.last(where: \.hasServers)
        var lines = (asked?.lines ?? formerLines).filter { $0.starts(with: nameServer) }
        // Tunnels with servers search in their own domains only, as resolvconf's exclusive ones do; others add theirs.
        let before = asked?.lines ?? formerLines
        let added = entries.filter { $0 != asked && !$0.hasServers }.reversed().flatMap(\.lines)
        let domains = (added + before.filter { $0.starts(with: search) || $0.starts(with: domain) })
            .flatMap { $0.split(whereSeparator: NameServers.isSpace).dropFirst() }
        if !domains.isEmpty { lines.append(search + domains.flatMap { [UInt8(ascii: " ")] + $0 }) }
        lines += formerLines.filter { $0.starts(with: "options".utf8) || $0.starts(with: "sortlist".utf8) }
        return lines
    }
}

extension ArraySlice<UInt8> {
    /// What follows `prefix`; nil where something else stands.
    fileprivate func dropping(_ prefix: [UInt8]) -> ArraySlice<UInt8>? {
        starts(with: prefix) ? dropFirst(prefix.count) : nil
    }
}
