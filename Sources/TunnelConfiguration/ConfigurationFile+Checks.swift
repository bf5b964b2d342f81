internal import NetworkTypes
internal import WireGuardCrypto

extension ConfigurationFile {
    /// Adds what only the whole file shows, and sorts the problems by place.
    mutating func check() {
        if !sections.contains(where: { $0.kind == .interface }) {
            report(.error, "there is no [Interface] section", at: nil)
        } else if interface.privateKey == nil, !has(.privateKey), interface.preUp.isEmpty, interface.postUp.isEmpty {
            report(.warning, "there is no PrivateKey: the tunnel stays silent until it is given one", at: nil)
        }
        if let mtu = interface.mtu, mtu.value < 1280, interface.addresses.contains(where: { $0.value.address.bitWidth == 128 }) {
            report(.warning, "MTU: IPv6 needs at least 1280", at: mtu.span)
        }
        checkAddresses()
        checkPeers()
        checkAllowedIPs()
        // A stable order: of the file, errors and warnings mixed; what belongs to no line comes first.
        let order = diagnostics.indices.sorted { a, b in
            let (first, second) = (diagnostics[a], diagnostics[b])
            return (first.line ?? 0, first.column ?? 0, a) < (second.line ?? 0, second.column ?? 0, b)
        }
        diagnostics = order.map { diagnostics[$0] }
    }

    private func has(_ key: ConfigurationKey) -> Bool {
        sections.contains { $0.settings.contains { $0.key == key } }
    }

    /// The kernel has an IPv6 address once, whatever the length of its prefix, and any address once with each.
    private mutating func checkAddresses() {
        var earlier: [IPAddress: Located<IPInterfaceAddress>] = [:]
        var seen: Set<IPInterfaceAddress> = []
        for address in interface.addresses {
            let isNew = seen.insert(address.value).inserted
            defer { earlier[address.value.address] = earlier[address.value.address] ?? address }
            guard let first = earlier[address.value.address] else { continue }
            if !isNew {
                report(.warning, "Address: \(address.value) stands in line \(first.span.line) already", at: address.span)
            } else if address.value.address.family == .v6 {
                report(
                    .error,
                    "Address: \(address.value.address) stands in line \(first.span.line) with another length (\(first.value)); IPv6 has it only once",
                    at: address.span)
            }
        }
    }

    private mutating func checkPeers() {
        let own = interface.privateKey?.value.publicKey
        var first: [PublicKey: Int] = [:]
        let peerSections = sections.filter { $0.kind == .peer }
        for (peer, section) in zip(peers, peerSections) {
            guard let key = peer.publicKey else {
                // A key that could not be read has been reported where it stands.
                if !section.settings.contains(where: { $0.key == .publicKey }) {
                    report(.error, "this peer has no PublicKey", at: peer.header)
                }
                continue
            }
            if key.value.isZero {
                report(.error, "PublicKey: a key of zeros belongs to nobody", at: key.span)
            } else if key.value == own {
                report(.warning, "PublicKey: this peer is the interface itself; it is left out", at: key.span)
            }
            if let line = first[key.value] {
                report(
                    .warning, "PublicKey: the same peer stands in line \(line); the two become one, with the AllowedIPs of the last",
                    at: key.span)
            } else {
                first[key.value] = key.span.line
            }
            if peer.allowedIPs.isEmpty, !section.settings.contains(where: { $0.key == .allowedIPs }) {
                report(.warning, "this peer has no AllowedIPs: nothing is sent to it or taken from it", at: peer.header)
            }
        }
    }

    private mutating func checkAllowedIPs() {
        struct Entry {
            var prefix: IPPrefix
            var peer: Int
            var span: SourceSpan
            /// Where on the stack the nearest one around it stands that is another peer's.
            var outer: Int?
        }
        var entries: [Entry] = []
        for (index, peer) in peers.enumerated() {
            for entry in peer.allowedIPs where entry.value.change != .remove {
                if entry.value.written.hasHostBits {
                    report(
                        .warning, "AllowedIPs: \(entry.value.written) has bits set beyond its length; it means \(entry.value.prefix)",
                        at: entry.span)
                }
                entries.append(Entry(prefix: entry.value.prefix, peer: index, span: entry.span))
            }
        }
        // A wider prefix sorts before what it contains, so the prefixes around an entry are always on the stack.
        let order = entries.indices.sorted { (entries[$0].prefix, $0) < (entries[$1].prefix, $1) }
        var around: [Entry] = []
        var reported: Set<[Int]> = []
        for index in order {
            var entry = entries[index]
            while let last = around.last, !last.prefix.contains(entry.prefix) { around.removeLast() }
            // Thousands of the same peer's may lie around each other: none of them is looked at twice.
            if let last = around.last {
                let isSamePeer = peers[last.peer].publicKey?.value == peers[entry.peer].publicKey?.value
                entry.outer = isSamePeer ? last.outer : around.count - 1
            }
            if let outer = entry.outer.map({ around[$0] }) {
                report(outer: (outer.prefix, outer.peer), inner: (entry.prefix, entry.peer), at: entry.span, &reported)
            }
            around.append(entry)
        }
    }

    private mutating func report(
        outer: (prefix: IPPrefix, peer: Int), inner: (prefix: IPPrefix, peer: Int), at span: SourceSpan, _ reported: inout Set<[Int]>
    ) {
        if outer.prefix == inner.prefix {
            let (winner, loser) = outer.peer > inner.peer ? (outer.peer, inner.peer) : (inner.peer, outer.peer)
            report(
                .warning,
                "AllowedIPs: \(inner.prefix) stands at peer \(label(loser)) as well as at peer \(label(winner)); only the latter gets it",
                at: span)
        } else if !outer.prefix.isDefaultRoute, reported.insert([outer.peer, inner.peer]).inserted {
            // One word a pair of peers; a default route around everything else is how it should be.
            report(
                .warning,
                "AllowedIPs: \(inner.prefix) of peer \(label(inner.peer)) lies within \(outer.prefix) of peer \(label(outer.peer)); the longer prefix wins",
                at: span)
        }
    }

    private func label(_ peer: Int) -> String {
        "\(peers[peer].publicKey?.value.abbreviation ?? "without a key") (line \(peers[peer].header.line))"
    }
}
