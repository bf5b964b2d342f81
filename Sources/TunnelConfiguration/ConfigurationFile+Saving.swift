public import NetworkTypes
public import TunnelCore
internal import WireGuardCrypto

extension ConfigurationFile {
    /// The file's text with the state of the running tunnel written back, as SaveConfig wants it.
    ///
    /// Only what differs changes: comments, order, spelling and host names stay as they are. New peers go to the end, peers
    /// that are gone leave with the comments directly above them.
    /// - Parameter addresses: the interface's addresses, or nil to leave that key alone.
    public func text(saving snapshot: TunnelSnapshot, addresses: [IPInterfaceAddress]? = nil) -> [UInt8] {
        var edit = SourceEdit(source: source, sections: sections)
        save(interface: snapshot, addresses, &edit)
        let running = Dictionary(snapshot.peers.map { ($0.publicKey, $0) }, uniquingKeysWith: { $1 })
        var written: Set<PublicKey> = []
        let peerSections = sections.indices.filter { sections[$0].kind == .peer }
        for (peer, section) in zip(peers, peerSections) {
            guard let key = peer.publicKey?.value else { continue }
            if let state = running[key], written.insert(key).inserted {
                save(peer, state, section, &edit)
            } else {
                edit.remove(section: section)
            }
        }
        for state in snapshot.peers where !written.contains(state.publicKey) { edit.append(lines: Self.lines(of: state)) }
        return edit.result()
    }

    private func save(interface snapshot: TunnelSnapshot, _ addresses: [IPInterfaceAddress]?, _ edit: inout SourceEdit) {
        guard let section = sections.lastIndex(where: { $0.kind == .interface }) else { return }
        if let key = snapshot.privateKey, !(interface.privateKey.map { $0.value == key } ?? false) {
            edit.set(.privateKey, to: key.secretBase64, in: section)
        }
        if snapshot.listenPort != 0, interface.listenPort?.value != snapshot.listenPort {
            edit.set(.listenPort, to: String(snapshot.listenPort), in: section)
        }
        // Without a mark in the file, the running one may be what default routes asked for.
        if let mark = interface.firewallMark, mark.value != snapshot.firewallMark {
            edit.set(.firewallMark, to: "0x" + String(snapshot.firewallMark, radix: 16), in: section)
        }
        if let addresses, Set(addresses) != Set(interface.addresses.map(\.value)) {
            edit.set(.address, to: addresses.map(\.description).joined(separator: ", "), in: section)
        }
    }

    private func save(_ peer: PeerConfiguration, _ state: PeerSnapshot, _ section: Int, _ edit: inout SourceEdit) {
        if !((peer.presharedKey?.value ?? .zero) == (state.presharedKey ?? .zero)) {
            edit.set(.presharedKey, to: state.presharedKey?.secretBase64, in: section)
        }
        if Set(peer.allowedIPs.map(\.value.prefix)) != Set(state.allowedIPs) {
            let list = state.allowedIPs.map(\.description).joined(separator: ", ")
            edit.set(.allowedIPs, to: list.isEmpty ? nil : list, in: section)
        }
        // A name outlives the address it had when it was looked up.
        let isNamed = peer.endpoint.map { $0.value.literal == nil } ?? false
        if !isNamed, let endpoint = state.endpoint, peer.endpoint?.value.literal != endpoint {
            edit.set(.endpoint, to: endpoint.description, in: section)
        }
        if (peer.persistentKeepalive?.value ?? 0) != state.persistentKeepalive {
            edit.set(
                .persistentKeepalive, to: state.persistentKeepalive == 0 ? nil : String(state.persistentKeepalive), in: section)
        }
    }

    private static func lines(of peer: PeerSnapshot) -> [String] {
        var lines = ["", "[Peer]", "PublicKey = \(peer.publicKey.base64)"]
        if let key = peer.presharedKey, !key.isZero { lines.append("PresharedKey = \(key.secretBase64)") }
        if !peer.allowedIPs.isEmpty {
            lines.append("AllowedIPs = \(peer.allowedIPs.map(\.description).joined(separator: ", "))")
        }
        if let endpoint = peer.endpoint { lines.append("Endpoint = \(endpoint)") }
        if peer.persistentKeepalive != 0 { lines.append("PersistentKeepalive = \(peer.persistentKeepalive)") }
        return lines
    }
}

/// Changes to the lines of a file, collected against their original numbers.
private struct SourceEdit {
    let source: SourceText
    let sections: [SourceSection]
    private var replaced: [Int: [UInt8]] = [:]
    private var removed: Set<Int> = []
    private var inserted: [Int: [String]] = [:]
    private var appended: [String] = []

    init(source: SourceText, sections: [SourceSection]) {
        self.source = source
        self.sections = sections
    }

    /// Gives `key` the value in this section: its last line changes in place, other lines of it go, a missing one is added.
    mutating func set(_ key: ConfigurationKey, to value: String?, in section: Int) {
        let lines = sections[section].settings.filter { $0.key == key }
        for setting in lines.dropLast() { removed.insert(setting.line) }
        switch (lines.last, value) {
        case (let setting?, let value?):
            var line = Array(source.line(setting.line))
            line.replaceSubrange(setting.span.bytes, with: value.utf8)
            replaced[setting.line] = line
        case (let setting?, nil): removed.insert(setting.line)
        case (nil, let value?): inserted[sections[section].lastLine, default: []].append("\(key.rawValue) = \(value)")
        case (nil, nil): break
        }
    }

    /// Removes a section with the comments directly above its header, but not those above the next one.
    mutating func remove(section: Int) {
        let first = firstLine(of: section)
        let end = section + 1 < sections.count ? firstLine(of: section + 1) : source.lines.count + 1
        removed.formUnion(first..<end)
    }

    mutating func append(lines: [String]) {
        appended += lines
    }

    private func firstLine(of section: Int) -> Int {
        var line = sections[section].headerLine
        let floor = section > 0 ? sections[section - 1].lastLine : 0
        while line - 1 > floor, source.line(line - 1).trimmed.first == UInt8(ascii: "#") { line -= 1 }
        return line
    }

    func result() -> [UInt8] {
        var text: [UInt8] = []
        func add(_ line: some Sequence<UInt8>) {
            text += line
            text.append(UInt8(ascii: "\n"))
        }
        for number in source.lines.indices.map({ $0 + 1 }) {
            if !removed.contains(number) { add(replaced[number] ?? Array(source.line(number))) }
            for line in inserted[number] ?? [] { add(line.utf8) }
        }
        for line in appended { add(line.utf8) }
        if !source.endsWithNewline, appended.isEmpty, text.last == UInt8(ascii: "\n") { text.removeLast() }
        return text
    }
}
