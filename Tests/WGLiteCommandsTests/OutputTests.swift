import Logging
import NetworkTypes
import Testing
import TunnelConfiguration
import TunnelCore
import TunnelView
import WireGuardCrypto

@testable import WGLiteCommands

@Suite struct OutputTests {
    static let plain = ShowText(palette: Palette(isOn: false), showsSecrets: false, now: 1_000_000_000)

    static func state() throws -> TunnelSnapshot {
        TunnelSnapshot(
            privateKey: try PrivateKey(base64: "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="), listenPort: 51820, firewallMark: 0xca6c,
            peers: [
                PeerSnapshot(
                    publicKey: try PublicKey(base64: "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0="), presharedKey: nil, endpoint: nil,
                    persistentKeepalive: 0, lastHandshake: nil, receivedBytes: 0, sentBytes: 0, allowedIPs: []),
                PeerSnapshot(
                    publicKey: try PublicKey(base64: "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="),
                    presharedKey: try PresharedKey(base64: "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE="),
                    endpoint: Endpoint("[2001:db8::1]:7"),
                    persistentKeepalive: 25, lastHandshake: 999_999_910_000_000_000, receivedBytes: 1536, sentBytes: 5 << 30,
                    allowedIPs: [IPPrefix("10.0.0.0/8")!, IPPrefix("::/0")!]),
            ])
    }

    @Test func `the state reads as wg show writes it, the latest peer first, secrets hidden`() throws {
        #expect(
            Self.plain.text("wg0", try Self.state()) == """
                interface: wg0
                  public key: \(try Self.state().privateKey!.publicKey.base64)
                  private key: (hidden)
                  listening port: 51820
                  fwmark: 0xca6c

                peer: xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
                  preshared key: (hidden)
                  endpoint: [2001:db8::1]:7
                  allowed ips: 10.0.0.0/8, ::/0
                  latest handshake: 1 minute, 30 seconds ago
                  transfer: 1.50 KiB received, 5.00 GiB sent
                  persistent keepalive: every 25 seconds

                peer: TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=
                  allowed ips: (none)

                """)
    }

    @Test func `durations and clocks set back read as wg writes them`() {
        #expect(Self.plain.duration(31_536_000 + 86400 + 3600 + 60 + 1) == "1 year, 1 day, 1 hour, 1 minute, 1 second")
        #expect(Self.plain.duration(7200) == "2 hours")
        #expect(Self.plain.ago(1_000_000_000) == "Now")
        #expect(Self.plain.ago(1_000_000_001).contains("clock wound backward"))
    }

    @Test(arguments: [
        (UInt64(0), "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (1_572_864, "1.50 MiB"), (1 << 40, "1.00 TiB"),
        (1 << 60, "1048576.00 TiB"),
    ])
    func `sizes`(count: UInt64, text: String) {
        #expect(Self.plain.bytes(count) == text)
    }

    @Test func `JSON holds no secret, and any text`() throws {
        let shown = ShownTunnel(name: "wg0", snapshot: try Self.state(), figures: [(name: "drop_replay", value: 3)])
        let json = StateJSON.document([shown]).text
        #expect(json.contains("\"hasPresharedKey\":true") && json.contains("\"drop_replay\":3") && json.contains("\"endpoint\":null"))
        #expect(!json.contains("FpCyhws9") && !json.contains("yAnz5TF"))
        #expect(JSON.string("a\"b\\c\n\u{1}é").text == "\"a\\\"b\\\\c\\n\\u0001é\"")
        #expect(
            JSON.object([("a", .array([])), ("b", .array([.null, .bool(true)]))]).indented
                == "{\n  \"a\": [],\n  \"b\": [\n    null,\n    true\n  ]\n}")
    }

    @Test func `times in the tunnel are told by direction and stage, and only where there were packets`() {
        let counters: [(name: String, value: UInt64)] = [
            ("latency_out_50_ns", 12_300), ("latency_out_99_ns", 10_400_000), ("time_out_read_ns", 100), ("time_out_seal_ns", 300),
            ("time_in_receive_ns", 0),
        ]
        #expect(
            LatencyText(counters).lines == ["  packets on their way out take 12 µs, 99 % at most 10 ms: read 25 %, seal 75 %"])
        #expect(LatencyText([]).lines.isEmpty)
        #expect(LatencyText.text(999) == "999 ns")
    }
}
