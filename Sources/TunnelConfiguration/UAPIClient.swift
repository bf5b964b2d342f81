internal import NetworkTypes
public import TunnelCore
internal import WireGuardCrypto

/// The other end of the interface: what `wg-lite show`, `status` and `reload` say and read.
public enum UAPIClient {
    /// The text of a `get`.
    public static let get = Array("get=1\n\n".utf8)

    /// The text of a `set`. It holds keys: wipe it when it has been sent.
    public static func text(of update: TunnelUpdate) -> [UInt8] {
        var text = Array("set=1\n".utf8)
        if let key = update.privateKey {
            text += "private_key=".utf8
            if let key { key.appendHex(to: &text) } else { text += String(repeating: "0", count: KeyText.hexSize).utf8 }
            text.append(UInt8(ascii: "\n"))
        }
        if let port = update.listenPort { text += "listen_port=\(port)\n".utf8 }
        if let mark = update.firewallMark { text += "fwmark=\(mark)\n".utf8 }
        if update.replacesPeers { text += "replace_peers=true\n".utf8 }
        for peer in update.peers { append(peer, to: &text) }
        text.append(UInt8(ascii: "\n"))
        return text
    }

    private static func append(_ peer: PeerUpdate, to text: inout [UInt8]) {
        text += "public_key=".utf8
        peer.publicKey.appendHex(to: &text)
        text.append(UInt8(ascii: "\n"))
        if peer.removes {
            text += "remove=true\n".utf8
            return
        }
        if peer.updatesOnly { text += "update_only=true\n".utf8 }
        if let key = peer.presharedKey {
            text += "preshared_key=".utf8
            key.appendHex(to: &text)
            text.append(UInt8(ascii: "\n"))
        }
        if let endpoint = peer.endpoint { text += "endpoint=\(endpoint)\n".utf8 }
        if let interval = peer.persistentKeepalive { text += "persistent_keepalive_interval=\(interval)\n".utf8 }
        if peer.replacesAllowedIPs { text += "replace_allowed_ips=true\n".utf8 }
        for change in peer.allowedIPs { text += "allowed_ip=\(change.removes ? "-" : "")\(change.prefix)\n".utf8 }
    }
}

/// Reads one answer, whose parts may be split at any byte.
public struct UAPIAnswer: Sendable {
    /// The state that a `get` was answered with.
    public private(set) var snapshot = TunnelSnapshot(privateKey: nil, listenPort: 0, firewallMark: 0, peers: [])
    /// 0 for success, else positive; nil until the answer is complete.
    public private(set) var errno: Int32?
    /// Whether the empty line at its end has been read.
    public private(set) var isComplete = false

    private var lines = UAPILines()
    private var pendingErrno: Int32 = 71

    public init() {}

    /// Reads on.
    public mutating func consume(_ bytes: ArraySlice<UInt8>) {
        var lines = self.lines
        self.lines = UAPILines()
        lines.consume(bytes) { line in read(line) }
        self.lines = lines
    }

    private mutating func read(_ line: ArraySlice<UInt8>?) {
        guard !isComplete, let line else { return }
        if line.isEmpty {
            isComplete = true
            errno = pendingErrno
        } else if let (key, value) = line.keyAndValue {
            read(key: key, value: value)
        }
    }

    private mutating func read(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>) {
        let number = ConfigurationValue.decimal(value)
        if key.equals("errno") {
            pendingErrno = Int32(value.text).flatMap { Int32(exactly: $0.magnitude) } ?? 71
        } else if key.equals("public_key"), let publicKey = try? PublicKey(hex: value) {
            snapshot.peers.append(
                PeerSnapshot(
                    publicKey: publicKey, presharedKey: nil, endpoint: nil, persistentKeepalive: 0, lastHandshake: nil,
                    receivedBytes: 0, sentBytes: 0, allowedIPs: []))
        } else if !snapshot.peers.isEmpty {
            snapshot.peers[snapshot.peers.count - 1].read(key: key, value: value, number)
        } else if key.equals("private_key") {
            snapshot.privateKey = (try? PrivateKeyText.decode(hex: value)) ?? nil
        } else if key.equals("listen_port"), let number {
            snapshot.listenPort = UInt16(truncatingIfNeeded: number)
        } else if key.equals("fwmark"), let number {
            snapshot.firewallMark = UInt32(truncatingIfNeeded: number)
        }
    }
}

extension PeerSnapshot {
    fileprivate mutating func read(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>, _ number: UInt64?) {
        if key.equals("allowed_ip") {
            if let prefix = IPPrefix(value.text) { allowedIPs.append(prefix) }
        } else if key.equals("preshared_key") {
            if let key = try? PresharedKey(hex: value), !key.isZero { presharedKey = key }
        } else if key.equals("endpoint") {
            endpoint = Endpoint(value.text)
        } else if let number {
            if key.equals("last_handshake_time_sec"), number != 0 {
                lastHandshake = (lastHandshake ?? 0) &+ number &* 1_000_000_000
            } else if key.equals("last_handshake_time_nsec"), number != 0 {
                lastHandshake = (lastHandshake ?? 0) &+ number
            } else if key.equals("tx_bytes") {
                sentBytes = number
            } else if key.equals("rx_bytes") {
                receivedBytes = number
            } else if key.equals("persistent_keepalive_interval") {
                persistentKeepalive = UInt16(truncatingIfNeeded: number)
            }
        }
    }
}
