internal import NetworkTypes
internal import TunnelCore
internal import WireGuardCrypto

extension TunnelUpdate {
    /// Reads a line that concerns the interface.
    mutating func read(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>) throws(UAPIError) {
        if key.equals("private_key") {
            do {
                privateKey = .some(try PrivateKeyText.decode(hex: value))
            } catch {
                throw .invalid("private_key is not 64 hexadecimal digits")
            }
        } else if key.equals("listen_port") {
            listenPort = UInt16(try UAPIValue.number(value, of: "listen_port", atMost: 65535))
        } else if key.equals("fwmark") {
            firewallMark = UInt32(try UAPIValue.number(value, of: "fwmark", atMost: UInt64(UInt32.max)))
        } else if key.equals("replace_peers") {
            try UAPIValue.expectTrue(value, of: "replace_peers")
            replacesPeers = true
        } else {
            throw .invalid("unknown interface key \(UAPIValue.shown(key))")
        }
    }
}

extension PeerUpdate {
    /// Reads a line that concerns the peer.
    mutating func read(
        key: ArraySlice<UInt8>, value: ArraySlice<UInt8>, _ zoneIndex: (String) -> UInt32?
    ) throws(UAPIError) {
        if key.equals("allowed_ip") {
            let removes = value.first == UInt8(ascii: "-")
            guard let prefix = IPPrefix((removes ? value.dropFirst() : value).text) else {
                throw .invalid("allowed_ip \(UAPIValue.shown(value)) is not a prefix")
            }
            allowedIPs.append(AllowedIPChange(prefix, removes: removes))
        } else if key.equals("preshared_key") {
            do {
                presharedKey = try PresharedKey(hex: value)
            } catch {
                throw .invalid("preshared_key is not 64 hexadecimal digits")
            }
        } else if key.equals("endpoint") {
            endpoint = try UAPIValue.endpoint(value, zoneIndex)
        } else if key.equals("persistent_keepalive_interval") {
            persistentKeepalive = UInt16(try UAPIValue.number(value, of: "persistent_keepalive_interval", atMost: 65535))
        } else if key.equals("replace_allowed_ips") {
            try UAPIValue.expectTrue(value, of: "replace_allowed_ips")
            replacesAllowedIPs = true
            // What the same peer's earlier lines added is replaced as well.
            allowedIPs.removeAll()
        } else if key.equals("remove") {
            try UAPIValue.expectTrue(value, of: "remove")
            removes = true
        } else if key.equals("update_only") {
            try UAPIValue.expectTrue(value, of: "update_only")
            updatesOnly = true
        } else if key.equals("protocol_version") {
            guard value.equals("1") else { throw .invalid("protocol_version \(UAPIValue.shown(value)) is not 1") }
        } else {
            throw .invalid("unknown peer key \(UAPIValue.shown(key))")
        }
    }
}

/// The values of the interface's lines.
enum UAPIValue {
    static func number(_ text: ArraySlice<UInt8>, of key: StaticString, atMost limit: UInt64) throws(UAPIError) -> UInt64 {
        guard let number = ConfigurationValue.decimal(text), number <= limit else {
            throw .invalid("\(key) \(shown(text)) is not a number up to \(limit)")
        }
        return number
    }

    static func expectTrue(_ text: ArraySlice<UInt8>, of key: StaticString) throws(UAPIError) {
        guard text.equals("true") else { throw .invalid("\(key) \(shown(text)) is not true") }
    }

    static func endpoint(_ text: ArraySlice<UInt8>, _ zoneIndex: (String) -> UInt32?) throws(UAPIError) -> Endpoint {
        if let endpoint = Endpoint(text.text) { return endpoint }
        if let percent = text.firstIndex(of: UInt8(ascii: "%")), let bracket = text.firstIndex(of: UInt8(ascii: "]")), percent < bracket,
            let zone = zoneIndex(text[(percent + 1)..<bracket].text),
            let endpoint = Endpoint("\(text[..<percent].text)%\(zone)\(text[bracket...].text)")
        {
            return endpoint
        }
        throw .invalid("endpoint \(shown(text)) is not ADDRESS:PORT")
    }

    /// Foreign text for a log line: short, and printable.
    static func shown(_ text: ArraySlice<UInt8>) -> String {
        let printable = text.prefix(64).map { (0x20...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }
        return "\"\(printable[...].text)\(text.count > 64 ? "…" : "")\""
    }
}
