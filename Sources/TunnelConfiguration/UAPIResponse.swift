internal import NetworkTypes
public import TunnelCore
internal import WireGuardCrypto

/// The answer to a `get`, written piece by piece: the text of 10 000 peers is never in memory at once.
///
/// It has the standard's keys and no others. A piece never outgrows the room it is written into: memory that moves leaves copies of keys.
/// Source: WireGuard cross-platform userspace interface.
public struct UAPIResponse: Sendable {
    private let snapshot: TunnelSnapshot
    /// The next peer to write; -1 before the interface, one past the last for the end.
    private var position = -1
    /// The next prefix of the peer before `position`, whose other lines are written.
    private var prefix = 0
    private var isComplete = false

    public init(_ snapshot: TunnelSnapshot) {
        self.snapshot = snapshot
    }

    /// Bytes of a piece.
    public static let pieceSize = 64 << 10
    /// Bytes of what is written in one go, at most: a peer's lines without its prefixes.
    static let longestPart = 512

    /// Appends the next part, as long as `text` has no more than `size` bytes. It holds keys: wipe it when it has been sent.
    /// - Parameter size: at least 512 more than `text` has.
    /// - Returns: whether anything was left to write.
    public mutating func write(into text: inout [UInt8], upTo size: Int = pieceSize) -> Bool {
        guard !isComplete else { return false }
        while !isComplete, text.count + Self.longestPart <= size {
            if position >= 1, prefix < snapshot.peers[position - 1].allowedIPs.count {
                text.append("allowed_ip=")
                text.append(snapshot.peers[position - 1].allowedIPs[prefix])
                text.append(UInt8(ascii: "\n"))
                prefix += 1
                continue
            }
            if position < 0 {
                writeInterface(into: &text)
            } else if position < snapshot.peers.count {
                Self.write(snapshot.peers[position], into: &text)
            } else {
                text += "errno=0\n\n".utf8
                isComplete = true
            }
            position += 1
            prefix = 0
        }
        return true
    }

    /// The answer to a `set`: 0 is success. The `wg` client negates what it reads here, so a failure is negative.
    public static func answerToSet(errno: Int32) -> [UInt8] {
        Array("errno=\(errno == 0 ? 0 : -abs(errno))\n\n".utf8)
    }

    /// The answer to a `get` that failed. The `wg` client takes only digits here, so it is positive.
    public static func failureOfGet(errno: Int32) -> [UInt8] {
        Array("errno=\(abs(errno))\n\n".utf8)
    }

    private func writeInterface(into text: inout [UInt8]) {
        if let key = snapshot.privateKey {
            text += "private_key=".utf8
            key.appendHex(to: &text)
            text.append(UInt8(ascii: "\n"))
        }
        if snapshot.listenPort != 0 { text += "listen_port=\(snapshot.listenPort)\n".utf8 }
        if snapshot.firewallMark != 0 { text += "fwmark=\(snapshot.firewallMark)\n".utf8 }
    }

    private static func write(_ peer: PeerSnapshot, into text: inout [UInt8]) {
        text.append("public_key=")
        peer.publicKey.appendHex(to: &text)
        text.append("\npreshared_key=")
        if let key = peer.presharedKey { key.appendHex(to: &text) } else { text.append(noKey) }
        text.append("\nprotocol_version=1\n")
        if let endpoint = peer.endpoint { text += "endpoint=\(endpoint)\n".utf8 }
        let handshake = peer.lastHandshake ?? 0
        write("last_handshake_time_sec=", handshake / 1_000_000_000, into: &text)
        write("last_handshake_time_nsec=", handshake % 1_000_000_000, into: &text)
        write("tx_bytes=", peer.sentBytes, into: &text)
        write("rx_bytes=", peer.receivedBytes, into: &text)
        write("persistent_keepalive_interval=", UInt64(peer.persistentKeepalive), into: &text)
    }

    /// 64 zeros.
    private static let noKey: StaticString = "0000000000000000000000000000000000000000000000000000000000000000"

    private static func write(_ key: StaticString, _ number: UInt64, into text: inout [UInt8]) {
        text.append(key)
        text.append(decimal: number)
        text.append(UInt8(ascii: "\n"))
    }
}
