internal import NetworkTypes
internal import WireGuardCrypto

extension ConfigurationReader {
    /// Reads the value of one setting into the section being read.
    mutating func read(_ setting: SourceSetting, _ value: ArraySlice<UInt8>) {
        // `wg` drops white space anywhere in its values.
        var dense = value.filter { !isSpace($0) }[...]
        defer { if setting.key.isSecret { unsafe dense.withUnsafeMutableBytes { unsafe wipe($0) } } }
        let peer = file.peers.count - 1
        switch setting.key {
        case .privateKey: file.interface.privateKey = key(setting, dense) { text throws(KeyTextError) in try PrivateKey(base64: text) }
        case .listenPort: file.interface.listenPort = located(setting, dense, ConfigurationValue.port)
        case .firewallMark: file.interface.firewallMark = located(setting, dense, ConfigurationValue.firewallMark)
        case .address: file.interface.addresses += entries(setting, spaces: true, ConfigurationValue.interfaceAddress)
        case .dns: readDNS(setting)
        case .mtu: file.interface.mtu = located(setting, value, ConfigurationValue.mtu)
        case .table: file.interface.table = located(setting, value, ConfigurationValue.table)
        case .preUp: file.interface.preUp.append(Located(HookCommand(bytes: Array(value)), at: setting.span))
        case .postUp: file.interface.postUp.append(Located(HookCommand(bytes: Array(value)), at: setting.span))
        case .preDown: file.interface.preDown.append(Located(HookCommand(bytes: Array(value)), at: setting.span))
        case .postDown: file.interface.postDown.append(Located(HookCommand(bytes: Array(value)), at: setting.span))
        case .saveConfig:
            file.interface.savesConfiguration = located(setting, value, ConfigurationValue.bool)?.value ?? false
        case .publicKey: file.peers[peer].publicKey = key(setting, dense) { text throws(KeyTextError) in try PublicKey(base64: text) }
        case .presharedKey:
            file.peers[peer].presharedKey = key(setting, dense) { text throws(KeyTextError) in try PresharedKey(base64: text) }
        case .allowedIPs: file.peers[peer].allowedIPs += entries(setting, spaces: false, ConfigurationValue.allowedIP)
        case .endpoint: file.peers[peer].endpoint = located(setting, dense, ConfigurationValue.endpoint)
        case .persistentKeepalive:
            file.peers[peer].persistentKeepalive = located(setting, dense, ConfigurationValue.persistentKeepalive)
        }
    }

    /// Reads a setting without a value, which has a default.
    mutating func readDefault(of key: ConfigurationKey, at span: SourceSpan) {
        if key == .mtu { file.interface.mtu = nil } else { file.interface.table = nil }
        report(.warning, "\(key.rawValue) has no value: it is chosen automatically", at: span)
    }

    private mutating func located<Value>(
        _ setting: SourceSetting, _ text: ArraySlice<UInt8>, _ parse: (ArraySlice<UInt8>) throws(ValueError) -> Value
    ) -> Located<Value>? {
        do {
            return Located(try parse(text), at: setting.span)
        } catch {
            report(error, of: setting.key, at: setting.span)
            return nil
        }
    }

    private mutating func key<Key>(
        _ setting: SourceSetting, _ text: ArraySlice<UInt8>, _ parse: (ArraySlice<UInt8>) throws(KeyTextError) -> Key
    ) -> Located<Key>? {
        do {
            return Located(try parse(text), at: setting.span)
        } catch {
            report(ConfigurationValue.explain(error), of: setting.key, at: setting.span)
            return nil
        }
    }

    private mutating func report(_ error: ValueError, of key: ConfigurationKey, at span: SourceSpan) {
        report(
            .error, "\(key.rawValue): \(error.message)", at: span, suggestion: error.suggestion)
    }

    /// The entries of a list, which commas separate; in the lists that `wg-quick` reads, spaces do as well.
    private mutating func entries<Value>(
        _ setting: SourceSetting, spaces: Bool, _ parse: (ArraySlice<UInt8>) throws(ValueError) -> Value
    ) -> [Located<Value>] {
        var values: [Located<Value>] = []
        for entry in pieces(of: setting, spaces: spaces) {
            do {
                values.append(
                    Located(try parse(file.source.bytes(entry).filter { !isSpace($0) && $0 != UInt8(ascii: ",") }[...]), at: entry))
            } catch {
                var error = error
                if !spaces, file.source.bytes(entry).contains(where: isSpace) { error.suggestion = "separate entries with commas" }
                report(error, of: setting.key, at: entry)
            }
        }
        return values
    }

    private mutating func readDNS(_ setting: SourceSetting) {
        for entry in pieces(of: setting, spaces: true) {
            let text = file.source.bytes(entry)
            let looksLikeAddress =
                text.contains(UInt8(ascii: ":"))
                || text.allSatisfy { $0 == UInt8(ascii: ".") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            if !looksLikeAddress {
                file.interface.dnsSearchDomains.append(Located(text.text, at: entry))
            } else if let address = IPAddress(text.text) {
                file.interface.dnsServers.append(Located(address, at: entry))
            } else {
                report(ValueError("\(ConfigurationValue.quoted(text)) is not an IPv4 or IPv6 address"), of: .dns, at: entry)
            }
        }
    }

    /// Where the entries of a list stand. Without `spaces`, an empty entry is one too, for the parser to refuse.
    private func pieces(of setting: SourceSetting, spaces: Bool) -> [SourceSpan] {
        let value = file.source.bytes(setting.span)
        let pieces = value.split(omittingEmptySubsequences: spaces) { $0 == UInt8(ascii: ",") || spaces && isSpace($0) }
        return pieces.map { piece in
            let trimmed = piece.trimmed
            // An empty entry is shown by the comma after or before it.
            return span(
                trimmed.isEmpty
                    ? value[max(value.startIndex, piece.startIndex - 1)..<max(piece.startIndex, value.startIndex + 1)] : trimmed,
                setting.line)
        }
    }
}
