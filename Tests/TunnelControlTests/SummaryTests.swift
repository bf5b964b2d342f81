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

    @Test func `down says what is gone, and of a device without a file that it isn't all`() {
        #expect(
            TunnelSetup.summary("office", routes: 1, addresses: 2, hasFile: true)
                == "office is down: 1 route, 2 addresses and the interface removed")
        let device = TunnelSetup.summary("wg0", routes: 0, addresses: 0, hasFile: false)
        #expect(device.hasPrefix("wg0 is down: the interface removed\n") && device.contains("wg-quick or others set up around it"))
    }

    @Test func `up of a tunnel that is being taken down says so, and doesn't offer to reload it`() {
        let ending = SetupError(taken: "office", by: "7", isEnding: true)
        #expect(ending.isTaken && ending.cause == "it is being taken down, by process 7")
        #expect(ending.remedy.map { $0.hasPrefix("try again") && !$0.contains("reload") } ?? false)
        let up = SetupError(taken: "office", by: "7", isEnding: false)
        #expect(up.isTaken && up.cause == "it is up already, run by process 7" && up.remedy?.contains("reload office") ?? false)
    }

    @Test func `up without waiting calls peers what the file calls them`() {
        let peers = (1...5).map { Self.peer($0, lastHandshake: $0 == 2 ? 1 : nil) }
        let lines = TunnelSetup.lines(of: peers, names: [peers[0].publicKey: "Carol"], interface: "office")
        #expect(lines[0].hasPrefix("  peer Carol \(peers[0].publicKey.abbreviation)  192.0.2.7:51820   waiting for the first handshake"))
        #expect(lines[1] == "  peer \(peers[1].publicKey.abbreviation)  192.0.2.7:51820   in touch")
        #expect(lines.count == 5 && lines[4] == "  and 1 more peer")
    }
}
