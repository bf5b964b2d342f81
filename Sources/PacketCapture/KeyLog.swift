internal import TunnelConfiguration
public import WireGuardCrypto

/// Secrets in the form that Wireshark's WireGuard dissector reads, as a file (`wg.keylog_file`) or inside a capture: lines
/// `TYPE = base64 of 32 bytes`. A copy of secrets: for a file of its own or a capture, never for a log.
///
/// With a handshake's lines, and the handshake in the capture, every packet of its session can be read by whoever has both.
public struct KeyLog: Hashable, Sendable {
    /// The lines, each with its end.
    public private(set) var text = ""

    /// No lines.
    public init() {}

    /// Our static key: handshakes that others begin can be read with it.
    public mutating func add(localStatic key: PrivateKey) { add("LOCAL_STATIC_PRIVATE_KEY", key.secretBase64) }

    /// A peer, by the key that others begin handshakes with it to.
    public mutating func add(remoteStatic key: PublicKey) { add("REMOTE_STATIC_PUBLIC_KEY", key.base64) }

    /// What one handshake was made with. It has to be in front of the first message that we made for it.
    /// - Parameter presharedKey: belongs to the ephemeral key of the line before; zero stands for none.
    public mutating func add(localEphemeral key: PrivateKey, presharedKey: PresharedKey) {
        add("LOCAL_EPHEMERAL_PRIVATE_KEY", key.secretBase64)
        if !presharedKey.isZero { add("PRESHARED_KEY", presharedKey.secretBase64) }
    }

    private mutating func add(_ type: String, _ base64: String) { text += "\(type)=\(base64)\n" }
}
