internal import NetworkTypes
public import PathRecording
internal import TunnelConfiguration
public import TunnelCore
public import TunnelDiagnosis
public import WireGuardCrypto

/// Everything that is told of one tunnel in metrics.
public struct MeasuredTunnel: Sendable {
    /// The interface's.
    public var name: String
    /// Its settings and counters; its secrets go nowhere.
    public var snapshot: TunnelSnapshot
    /// What the file calls the peers.
    public var names: [PublicKey: String]
    /// How it is; nil where nobody can say.
    public var diagnosis: Diagnosis?
    /// What its stages have counted; nil of other programs' tunnels.
    public var figures: PathFigures?

    public init(
        name: String, snapshot: TunnelSnapshot, names: [PublicKey: String] = [:], diagnosis: Diagnosis? = nil, figures: PathFigures? = nil
    ) {
        self.name = name
        self.snapshot = snapshot
        self.names = names
        self.diagnosis = diagnosis
        self.figures = figures
    }
}

/// The state of tunnels as Prometheus takes it: the names and labels of the two exporters that are in wide use, unchanged, so that
/// dashboards and alerts made for them go on working, and beside them what only we know. No secrets are in it.
public enum TunnelMetrics {
    /// - Parameters:
    ///   - tunnels: those that could be asked.
    ///   - silent: the names of those that could not.
    ///   - version: of this program.
    public static func text(_ tunnels: [MeasuredTunnel], silent: [String] = [], version: String) -> String {
        var text = PrometheusText()
        writePeers(tunnels, &text)
        writeDevices(tunnels, &text)
        writeDiagnoses(tunnels, silent, &text)
        let measured = tunnels.compactMap { tunnel in tunnel.figures.map { (tunnel.name, $0) } }
        writeStages(measured, &text)
        writeDrops(measured, &text)
        writeQueues(measured, &text)
        text.metric("wg_lite_build_info", .gauge, "The version of the program that answers")
        text.sample("wg_lite_build_info", [("version", version)], 1)
        return text.text
    }

    /// Each peer with its labels, in the order of the exporter by MindFlavor.
    private static func writePeers(_ tunnels: [MeasuredTunnel], _ text: inout PrometheusText) {
        let peers = tunnels.flatMap { tunnel in
            tunnel.snapshot.peers.map { peer in
                var labels = [
                    ("interface", tunnel.name), ("public_key", peer.publicKey.base64), ("allowed_ips", allowedIPs(of: peer) ?? "(none)"),
                ]
                if let name = tunnel.names[peer.publicKey] { labels.append(("friendly_name", name)) }
                return (peer, labels)
            }
        }
        text.metric("wireguard_sent_bytes_total", .counter, "Bytes sent to the peer")
        for (peer, labels) in peers { text.sample("wireguard_sent_bytes_total", labels, peer.sentBytes) }
        text.metric("wireguard_received_bytes_total", .counter, "Bytes received from the peer")
        for (peer, labels) in peers { text.sample("wireguard_received_bytes_total", labels, peer.receivedBytes) }
        text.metric("wireguard_latest_handshake_seconds", .gauge, "UNIX timestamp seconds of the last handshake, 0 before the first")
        for (peer, labels) in peers { text.sample("wireguard_latest_handshake_seconds", labels, unixSeconds(peer)) }
    }

    /// The same in the form of the exporter by mdlayher. A peer of two tunnels is two series, so the tunnel is among the labels.
    private static func writeDevices(_ tunnels: [MeasuredTunnel], _ text: inout PrometheusText) {
        text.metric("wireguard_device_info", .gauge, "Metadata about a device.")
        for tunnel in tunnels {
            let key = tunnel.snapshot.privateKey?.publicKey.base64 ?? ""
            text.sample("wireguard_device_info", [("device", tunnel.name), ("public_key", key)], 1)
        }
        let peers = tunnels.flatMap { tunnel in tunnel.snapshot.peers.map { (tunnel.name, $0) } }
        text.metric("wireguard_peer_info", .gauge, "Metadata about a peer.")
        for (device, peer) in peers {
            text.sample(
                "wireguard_peer_info",
                [
                    ("allowed_ips", allowedIPs(of: peer) ?? ""), ("device", device), ("endpoint", peer.endpoint.map { "\($0)" } ?? ""),
                    ("public_key", peer.publicKey.base64),
                ], 1)
        }
        func series(_ name: String, _ kind: PrometheusText.Kind, _ help: String, _ value: (PeerSnapshot) -> UInt64) {
            text.metric(name, kind, help)
            for (device, peer) in peers { text.sample(name, [("device", device), ("public_key", peer.publicKey.base64)], value(peer)) }
        }
        series("wireguard_peer_receive_bytes_total", .counter, "Number of bytes received from a given peer.") { $0.receivedBytes }
        series("wireguard_peer_transmit_bytes_total", .counter, "Number of bytes transmitted to a given peer.") { $0.sentBytes }
        series("wireguard_peer_last_handshake_seconds", .gauge, "UNIX timestamp for the last handshake with a given peer.", unixSeconds)
    }

    private static func writeDiagnoses(_ tunnels: [MeasuredTunnel], _ silent: [String], _ text: inout PrometheusText) {
        text.metric("wg_lite_up", .gauge, "Whether the tunnel's process answers")
        for tunnel in tunnels { text.sample("wg_lite_up", [("interface", tunnel.name)], 1) }
        for name in silent { text.sample("wg_lite_up", [("interface", name)], 0) }
        let diagnoses = tunnels.compactMap { tunnel in tunnel.diagnosis.map { (tunnel, $0) } }
        text.metric(
            "wg_lite_verdict", .gauge, "1 for the verdict that holds: works, works-with-findings, works-in-part, waits, does-not-work")
        for (tunnel, diagnosis) in diagnoses {
            for outcome in Verdict.Outcome.allCases {
                let holds: UInt64 = outcome == diagnosis.verdict.outcome ? 1 : 0
                text.sample("wg_lite_verdict", [("interface", tunnel.name), ("verdict", outcome.rawValue)], holds)
            }
        }
        text.metric("wg_lite_findings", .gauge, "Findings of status by code and severity; there is no sample of what isn't found")
        for (tunnel, diagnosis) in diagnoses {
            var counts: [(code: FindingCode, severity: Finding.Severity, count: UInt64)] = []
            for finding in diagnosis.findings {
                if let index = counts.firstIndex(where: { $0.code == finding.code && $0.severity == finding.severity }) {
                    counts[index].count += 1
                } else {
                    counts.append((finding.code, finding.severity, 1))
                }
            }
            for (code, severity, count) in counts {
                text.sample(
                    "wg_lite_findings", [("interface", tunnel.name), ("code", code.rawValue), ("severity", severity.name)], count)
            }
        }
        text.metric(
            "wg_lite_peer_state", .gauge, "1, with the peer's state: working, idle, silent, no-answer, refused, unreachable, waiting")
        for (tunnel, diagnosis) in diagnoses {
            for peer in diagnosis.peers {
                text.sample(
                    "wg_lite_peer_state",
                    [("interface", tunnel.name), ("public_key", peer.publicKey.base64), ("state", peer.state.name)], 1)
            }
        }
    }

    private static func writeStages(_ measured: [(name: String, figures: PathFigures)], _ text: inout PrometheusText) {
        let stages = measured.flatMap { tunnel in
            PathDirection.allCases.flatMap { direction in
                zip(direction.stageNames, tunnel.figures[direction].stages).map { name, stage in
                    (labels: [("interface", tunnel.name), ("direction", direction.word), ("stage", name)], stage: stage)
                }
            }
        }
        text.metric("wg_lite_stage_packets_total", .counter, "Packets that came out of a stage of the path")
        for (labels, stage) in stages { text.sample("wg_lite_stage_packets_total", labels, stage.packets) }
        text.metric("wg_lite_stage_bytes_total", .counter, "Bytes that came out of a stage of the path")
        for (labels, stage) in stages { text.sample("wg_lite_stage_bytes_total", labels, stage.bytes) }
        text.metric("wg_lite_stage_seconds", .histogram, "How long batches took in a stage of the path")
        for (labels, stage) in stages {
            text.histogram(
                "wg_lite_stage_seconds", labels, buckets: buckets(stage.times), sum: PrometheusText.seconds(stage.time.nanoseconds))
        }
        text.metric("wg_lite_stage_batch_packets", .histogram, "How many packets were in a stage's batches")
        for (labels, stage) in stages {
            let buckets = (0..<BatchSizeHistogram.bucketCount).map { bucket in
                let sizes = BatchSizeHistogram.sizes(of: bucket)
                return (bound: sizes.upperBound == .max ? nil : "\(sizes.upperBound)", count: stage.batchSizes.counts[bucket])
            }
            text.histogram("wg_lite_stage_batch_packets", labels, buckets: buckets, sum: "\(stage.packets)")
        }
    }

    /// Bounds are every fourth power of two: a series for each of the histogram's 36 buckets would be thousands.
    private static func buckets(_ histogram: LatencyHistogram) -> [(bound: String?, count: UInt64)] {
        stride(from: 0, to: LatencyHistogram.bucketCount, by: 4).map { first in
            let end = min(first + 4, LatencyHistogram.bucketCount)
            let count = (first..<end).reduce(0) { $0 + histogram.counts[$1] }
            let isLast = end == LatencyHistogram.bucketCount
            return (isLast ? nil : PrometheusText.seconds(LatencyHistogram.start(of: end).nanoseconds), count)
        }
    }

    private static func writeDrops(_ measured: [(name: String, figures: PathFigures)], _ text: inout PrometheusText) {
        text.metric("wg_lite_dropped_packets_total", .counter, "Packets and messages that were not forwarded, by reason")
        for (name, figures) in measured {
            var counts: [DropReason: UInt64] = [:]
            for drop in figures.drops { counts[drop.reason, default: 0] += drop.count }
            for reason in DropReason.allCases {
                text.sample("wg_lite_dropped_packets_total", [("interface", name), ("reason", reason.name)], counts[reason] ?? 0)
            }
        }
    }

    private static func writeQueues(_ measured: [(name: String, figures: PathFigures)], _ text: inout PrometheusText) {
        let queues = measured.flatMap { tunnel in
            tunnel.figures.queues.map { (labels: [("interface", tunnel.name), ("queue", $0.name)], queue: $0) }
        }
        text.metric("wg_lite_queue_used", .gauge, "How much is in a queue of the path, in bytes, or in messages for handshakes")
        for (labels, queue) in queues { text.sample("wg_lite_queue_used", labels, queue.used) }
        text.metric("wg_lite_queue_capacity", .gauge, "How much a queue of the path holds")
        for (labels, queue) in queues { text.sample("wg_lite_queue_capacity", labels, queue.capacity) }
        text.metric("wg_lite_queue_losses_total", .counter, "What found no room in a queue of the path")
        for (labels, queue) in queues { text.sample("wg_lite_queue_losses_total", labels, queue.losses) }
        text.metric("wg_lite_offload_in_use", .gauge, "Whether something is used that moves many packets at once")
        for (name, figures) in measured {
            for offload in figures.offloads {
                text.sample("wg_lite_offload_in_use", [("interface", name), ("offload", offload.name)], offload.isInUse ? 1 : 0)
            }
        }
    }

    private static func unixSeconds(_ peer: PeerSnapshot) -> UInt64 { (peer.lastHandshake ?? 0) / 1_000_000_000 }

    private static func allowedIPs(of peer: PeerSnapshot) -> String? {
        peer.allowedIPs.isEmpty ? nil : peer.allowedIPs.map { "\($0)" }.joined(separator: ",")
    }
}
