internal import NetworkTypes
internal import PathRecording
internal import TunnelConfiguration
internal import TunnelCore
internal import TunnelDiagnosis
internal import WireGuardCrypto

/// A tunnel's path as JSON: what the page is drawn of, `wg-lite path --json` and `top --json` write, and `serve` answers at /path.json.
/// Names and meanings only ever get more.
///
/// ```
/// {"format": 1, "interface", "unixMilliseconds", "verdict", "findings" (both as in `status --json`),
///  "sinceStart": FIGURES, "now": FIGURES or null,
///  "queues": [{"name", "used", "capacity", "losses" (since the start)}], "offloads": [{"name", "inUse", "detail"}],
///  "peerCount", "peerStates": {state: how many}, "peers": those with most traffic [{"publicKey", "name", "endpoint", "state", "evidence",
///      "handshakeSeconds", "receivedBytes", "sentBytes", "receivedBytesNow", "sentBytesNow", "droppedNow", "allowedIPs", "allowedIPCount"}],
///  "records": [RECORD], "recordsLost"}
/// FIGURES  {"nanoseconds": the time in which it was counted, "out": WAY, "in": WAY,
///  "drops": [{"reason", "explanation", "stage", "count", "peers": [{"publicKey", "count"}]}]}
/// WAY      {"stages": [{"name", "explanation", "packets", "bytes", "batches", "nanoseconds", "batchSizes": [batches of 1, 2…3, 4…7 …],
///  "times": [batches that took 1 ns, 2…3 ns, 4…7 ns …]}], "latency": [packets likewise], "latencyMedian", "latencyMost" (99 %; nanoseconds or null)}
/// RECORD   {"direction", "kind", "fate", "title", "drop" (reason or null), "unixMicroseconds", "turn", "position", "batch", "peer", "way": "read → …",
///  "story": [{"stage", "nanoseconds" (or null), "text", "isDrop"}]}
/// ```
public enum PathJSON {
    /// The most peers, peers of one reason to drop, and recorded packets that are written.
    public static let mostPeers = 50
    static let mostPeersOfDrop = 5
    /// The most recorded packets that are written.
    public static let mostRecords = 500

    /// The whole document.
    public static func document(_ sight: TunnelSight) -> JSON {
        let reading = sight.reading
        let figures = reading.figures
        return .object([
            ("format", .number(1)),
            ("interface", .string(reading.interface)),
            ("unixMilliseconds", .number(figures.unixNanoseconds / 1_000_000)),
            ("verdict", DiagnosisJSON.verdict(reading.diagnosis.verdict)),
            ("findings", .array(reading.diagnosis.findings.prefix(mostPeers).map(DiagnosisJSON.finding))),
            ("sinceStart", self.figures(figures)),
            ("now", sight.now.map(self.figures) ?? .null),
            ("queues", .array(figures.queues.map(queue))),
            ("offloads", .array(figures.offloads.map(offload))),
            ("peerCount", .number(UInt64(sight.peers.count))),
            ("peerStates", .object(sight.countsByState.sorted { $0.key < $1.key }.map { ($0.key, .number(UInt64($0.value))) })),
            ("peers", .array(sight.busiest(mostPeers).map(peer))),
            ("records", .array(records(sight))),
            ("recordsLost", .number(sight.lost)),
        ])
    }

    private static func figures(_ figures: PathFigures) -> JSON {
        .object([
            ("nanoseconds", .number(figures.interval.nanoseconds)), ("out", way(figures.outbound, .outbound)),
            ("in", way(figures.inbound, .inbound)), ("drops", .array(drops(figures))),
        ])
    }

    private static func way(_ way: DirectionFigures, _ direction: PathDirection) -> JSON {
        let explanations =
            direction == .outbound ? OutboundStage.allCases.map(\.explanation) : InboundStage.allCases.map(\.explanation)
        let stages = zip(zip(direction.stageNames, explanations), way.stages).map { words, stage in
            JSON.object([
                ("name", .string(words.0)), ("explanation", .string(words.1)), ("packets", .number(stage.packets)),
                ("bytes", .number(stage.bytes)), ("batches", .number(stage.batches)), ("nanoseconds", .number(stage.time.nanoseconds)),
                ("batchSizes", counts(stage.batchSizes.counts)), ("times", counts(stage.times.counts)),
            ])
        }
        func percentile(_ share: Double) -> JSON { way.latency.percentile(share).map { .number($0.nanoseconds) } ?? .null }
        return .object([
            ("stages", .array(stages)), ("latency", counts(way.latency.counts)), ("latencyMedian", percentile(0.5)),
            ("latencyMost", percentile(0.99)),
        ])
    }

    private static func counts<let count: Int>(_ counts: InlineArray<count, UInt64>) -> JSON {
        .array(counts.indices.map { .number(counts[$0]) })
    }

    /// By reason, the most frequent first.
    private static func drops(_ figures: PathFigures) -> [JSON] {
        Dictionary(grouping: figures.drops, by: \.reason)
            .map { reason, drops in (reason, drops, drops.reduce(0) { $0 + $1.count }) }
            .sorted { ($0.2, $1.0.rawValue) > ($1.2, $0.0.rawValue) }
            .map { reason, drops, count in
                let peers = drops.filter { $0.peer != nil }.sorted { $0.count > $1.count }.prefix(mostPeersOfDrop)
                return .object([
                    ("reason", .string(reason.name)), ("explanation", .string(reason.explanation)), ("stage", .string(reason.place.name)),
                    ("count", .number(count)),
                    (
                        "peers",
                        .array(peers.map { .object([("publicKey", .string($0.peer?.base64 ?? "")), ("count", .number($0.count))]) })
                    ),
                ])
            }
    }

    private static func queue(_ queue: QueueFigures) -> JSON {
        .object([
            ("name", .string(queue.name)), ("used", .number(queue.used)), ("capacity", .number(queue.capacity)),
            ("losses", .number(queue.losses)),
        ])
    }

    private static func offload(_ offload: OffloadFigures) -> JSON {
        .object([("name", .string(offload.name)), ("inUse", .bool(offload.isInUse)), ("detail", .string(offload.detail))])
    }

    /// Allowed IPs of a peer that are written out.
    private static let mostAllowedIPs = 8

    private static func peer(_ peer: PeerSight) -> JSON {
        let reading = peer.reading
        return .object([
            ("publicKey", .string(reading.publicKey.base64)), ("name", reading.name.map { .string($0) } ?? .null),
            ("endpoint", reading.endpoint.map { .string("\($0)") } ?? .null), ("state", .string(reading.state?.name ?? "unknown")),
            ("evidence", .string(reading.evidence)),
            ("handshakeSeconds", reading.handshakeAge.map { .number($0.nanoseconds / 1_000_000_000) } ?? .null),
            ("receivedBytes", .number(reading.receivedBytes)), ("sentBytes", .number(reading.sentBytes)),
            ("receivedBytesNow", .number(peer.receivedNow)), ("sentBytesNow", .number(peer.sentNow)),
            ("droppedNow", .number(peer.dropped)),
            ("allowedIPs", .array(reading.allowedIPs.prefix(mostAllowedIPs).map { .string("\($0)") })),
            ("allowedIPCount", .number(UInt64(reading.allowedIPs.count))),
        ])
    }
}
