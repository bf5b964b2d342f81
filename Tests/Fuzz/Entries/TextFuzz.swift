import NetworkTypes
import TunnelConfiguration
import WireGuardCrypto

/// Words of configurations and requests: what was read is written so that it is read as the same.
enum TextFuzz {
    static func run(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        if let address = IPAddress(text) { precondition(IPAddress("\(address)") == address, "\(address)") }
        if let prefix = IPPrefix(text) {
            precondition(IPPrefix("\(prefix)") == prefix && prefix.contains(prefix), "\(prefix)")
        }
        if let address = IPInterfaceAddress(text) { precondition(IPInterfaceAddress("\(address)") == address, "\(address)") }
        if let endpoint = Endpoint(text) { precondition(Endpoint("\(endpoint)") == endpoint, "\(endpoint)") }
        if let key = try? PublicKey(base64: text) {
            precondition(text.utf8.count == 44 && key.base64 == text, "\(text) became \(key)")
        }
        let shown = TerminalText.escaped(text)
        precondition(!shown.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f || 0x80..<0xa0 ~= $0.value })
    }
}
