import NetworkTypes
import Testing
import TunnelConfiguration
import TunnelCore
import WireGuardCrypto

@testable import TunnelControl

@Suite struct SummaryTests {
    private static func peer(_ byte: UInt8, lastHandshake: UInt64? = nil) -> PeerSnapshot {
        PeerSnapshot(
            publicKey: PublicKey(bytes: InlineArray(repeating: byte)), presharedKey: nil, endpoint: Endpoint("192.0.2.7:51820"),
            persistentKeepalive: 0, lastHandshake: lastHandshake, receivedBytes: 0, sentBytes: 0, allowedIPs: [])
    }

    @Test func `up without waiting calls peers what the file calls them`() {
        let peers = (1...5).map { Self.peer($0, lastHandshake: $0 == 2 ? 1 : nil) }
        let lines = TunnelSetup.lines(of: peers, names: [peers[0].publicKey: "Carol"], interface: "office")
        #expect(lines[0].hasPrefix("  peer Carol \(peers[0].publicKey.abbreviation)  192.0.2.7:51820   waiting for the first handshake"))
        #expect(lines[1] == "  peer \(peers[1].publicKey.abbreviation)  192.0.2.7:51820   in touch")
        #expect(lines.count == 5 && lines[4] == "  and 1 more peer")
    }
}
