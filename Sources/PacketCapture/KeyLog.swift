public import PathRecording
internal import TunnelConfiguration
internal import WireGuardCrypto

/// Secrets in the form that Wireshark's WireGuard dissector reads, as a file (`wg.keylog_file`) or inside a capture: lines
/// `TYPE=base64 of 32 bytes`. A copy of secrets: for a file of its own or a capture, never for a log.
///
/// With a handshake's lines, and the handshake in the capture, every packet of its session can be read by whoever has both. A preshared key
/// belongs to the ephemeral key of the line before.
public struct KeyLog: Hashable, Sendable {
    /// The line, with its end.
    public let text: String

    /// One line; nil if the bytes are no key.
    public init?(_ secret: RecordingSecret) {
        let base64: String? = unsafe secret.withUnsafeBytes { bytes in
            switch secret.kind {
            case .localStaticPrivateKey, .localEphemeralPrivateKey: unsafe PrivateKey(bytes)?.secretBase64
            case .remoteStaticPublicKey: unsafe PublicKey(bytes)?.base64
            case .presharedKey: unsafe PresharedKey(bytes)?.secretBase64
            }
        }
        guard let base64 else { return nil }
        text = "\(secret.kind.name)=\(base64)\n"
    }
}
