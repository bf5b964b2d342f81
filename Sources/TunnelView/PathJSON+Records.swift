internal import NetworkTypes
internal import PathRecording
internal import TunnelConfiguration
internal import TunnelCore
internal import WireGuardCrypto

/// Recorded packets, each with its story.
extension PathJSON {
    static func records(_ sight: TunnelSight) -> [JSON] {
        var names: [PublicKey: String] = [:]
        for peer in sight.reading.peers { names[peer.publicKey] = peer.title }
        return sight.records.prefix(mostRecords).map { record in
            let notes = record.notes
            let story = record.story { names[$0] ?? $0.abbreviation }
            return .object([
                ("direction", .string(notes.direction.word)), ("kind", .string("\(notes.kind)")), ("fate", .string("\(notes.fate)")),
                ("title", .string(record.title)), ("drop", notes.drop.map { .string($0.name) } ?? .null),
                ("unixMicroseconds", .number(notes.unixNanoseconds / 1000)), ("turn", .number(UInt64(notes.turn))),
                ("position", .number(UInt64(notes.position))), ("batch", .number(UInt64(notes.batchCount))),
                ("peer", notes.peer.map { .string(names[$0] ?? $0.abbreviation) } ?? .null),
                ("way", .string(way(of: record, story))),
                (
                    "story",
                    .array(
                        story.map { line in
                            .object([
                                ("stage", .string(line.stage)), ("nanoseconds", line.time.map { .number($0.nanoseconds) } ?? .null),
                                ("text", .string(line.text)), ("isDrop", .bool(line.isDrop)),
                            ])
                        })
                ),
            ])
        }
    }

    /// The stages that it went through, and its end.
    private static func way(of record: PacketRecord, _ story: [StoryLine]) -> String {
        let stages = story.map(\.stage).joined(separator: " → ")
        if let drop = record.notes.drop { return "\(stages) → dropped: \(drop.explanation)" }
        return record.notes.fate == .waiting ? "\(stages) → waits for a session" : stages
    }
}
