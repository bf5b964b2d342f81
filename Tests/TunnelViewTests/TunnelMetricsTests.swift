import NetworkTypes
import PathRecording
import Testing
import TunnelConfiguration
import TunnelCore
import TunnelDiagnosis
import WireGuardCrypto

@testable import TunnelView

@Suite struct TunnelMetricsTests {
    static func tunnel(_ name: String = "wg0") throws -> MeasuredTunnel {
        let named = try PublicKey(base64: "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=")
        let other = try PublicKey(base64: "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=")
        let snapshot = TunnelSnapshot(
            privateKey: try PrivateKey(base64: "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="), listenPort: 51820, firewallMark: 0,
            peers: [
                PeerSnapshot(
                    publicKey: named, presharedKey: try PresharedKey(base64: "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE="),
                    endpoint: Endpoint("192.0.2.7:51820"), persistentKeepalive: 25, lastHandshake: 1_562_834_127_900_000_000,
                    receivedBytes: 71_420_072, sentBytes: 3_208_804, allowedIPs: [IPPrefix("10.70.0.2/32")!, IPPrefix("10.70.0.66/32")!]),
                PeerSnapshot(
                    publicKey: other, presharedKey: nil, endpoint: nil, persistentKeepalive: 0, lastHandshake: nil, receivedBytes: 0,
                    sentBytes: 0, allowedIPs: []),
            ])
        return MeasuredTunnel(name: name, snapshot: snapshot, names: [named: "Anna's \"phone\" \\ one"])
    }

    @Test func `peers have the names, labels and their order that dashboards were made for`() throws {
        let text = TunnelMetrics.text([try Self.tunnel()], version: "1.2.3")
        let labels =
            #"interface="wg0",public_key="xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=",allowed_ips="10.70.0.2/32,10.70.0.66/32",friendly_name="Anna's \"phone\" \\ one""#
        #expect(text.contains("# TYPE wireguard_sent_bytes_total counter\nwireguard_sent_bytes_total{\(labels)} 3208804\n"))
        #expect(text.contains("wireguard_received_bytes_total{\(labels)} 71420072\n"))
        #expect(text.contains("wireguard_latest_handshake_seconds{\(labels)} 1562834127\n"))
        #expect(
            text.contains(
                #"wireguard_latest_handshake_seconds{interface="wg0",public_key="TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=",allowed_ips="(none)"} 0"#
            ))
        #expect(text.contains(#"wg_lite_build_info{version="1.2.3"} 1"#))
    }

    @Test func `no secret is in it`() throws {
        let text = TunnelMetrics.text([try Self.tunnel()], version: "1")
        #expect(!text.contains("yAnz5TF+") && !text.contains("FpCyhws9"))
    }

    @Test func `each metric stands once, with all its samples, and no series twice`() throws {
        var measured = [try Self.tunnel(), try Self.tunnel("wg1")]
        var figures = PathFigures(unixNanoseconds: 1, interval: .seconds(1))
        figures.drops = [DropFigures(.noPeerForDestination, peer: nil, count: 3)]
        figures.queues = [QueueFigures(name: "receive_ring", used: 1, capacity: 2, losses: 3)]
        measured[0].figures = figures
        measured[1].figures = figures
        let lines = TunnelMetrics.text(measured, silent: ["wg2"], version: "1").split(separator: "\n")
        let types = lines.filter { $0.hasPrefix("# TYPE") }
        #expect(Set(types).count == types.count)
        let series = lines.filter { !$0.hasPrefix("#") }.map { $0[..<$0.lastIndex(of: " ")!] }
        #expect(Set(series).count == series.count)
        #expect(lines.contains(#"wg_lite_up{interface="wg2"} 0"#))
        #expect(lines.contains(#"wg_lite_dropped_packets_total{interface="wg0",reason="no_peer_for_destination"} 3"#))
        #expect(lines.contains(#"wg_lite_queue_losses_total{interface="wg1",queue="receive_ring"} 3"#))
    }

    @Test func `histograms accumulate to their count`() throws {
        var figures = PathFigures(unixNanoseconds: 1, interval: .seconds(1))
        var stage = StageFigures()
        for nanoseconds: UInt64 in [1, 15, 16, 5_000, 3_000_000_000, 60_000_000_000] {
            stage.times.record(Interval(nanoseconds: nanoseconds), packets: 1)
        }
        for size in [1, 2, 3, 300] { stage.batchSizes.record(size) }
        stage.time = Interval(nanoseconds: 1_500_000_000)
        stage.packets = 306
        figures.outbound[.seal] = stage
        var tunnel = try Self.tunnel()
        tunnel.figures = figures
        let text = TunnelMetrics.text([tunnel], version: "1")
        func value(_ metric: String, _ more: String = "") -> Substring? {
            text.split(separator: "\n").first { $0.hasPrefix("\(metric){interface=\"wg0\",direction=\"out\",stage=\"seal\"\(more)} ") }?
                .split(separator: " ").last
        }
        #expect(value("wg_lite_stage_seconds_bucket", ",le=\"0.000000016\"") == "2")
        #expect(value("wg_lite_stage_seconds_bucket", ",le=\"0.000065536\"") == "4")
        #expect(value("wg_lite_stage_seconds_bucket", ",le=\"4.294967296\"") == "5")
        #expect(value("wg_lite_stage_seconds_bucket", ",le=\"+Inf\"") == "6")
        #expect(value("wg_lite_stage_seconds_count") == "6" && value("wg_lite_stage_seconds_sum") == "1.5")
        #expect(value("wg_lite_stage_batch_packets_bucket", ",le=\"1\"") == "1")
        #expect(value("wg_lite_stage_batch_packets_bucket", ",le=\"3\"") == "3")
        #expect(value("wg_lite_stage_batch_packets_bucket", ",le=\"+Inf\"") == "4" && value("wg_lite_stage_batch_packets_sum") == "306")
    }
}
