internal import NetworkTypes
internal import PathRecording
internal import TunnelConfiguration
internal import TunnelCore
internal import TunnelView
internal import WireGuardCrypto

/// What `trace --json` writes: an object a line, told apart by `type`. Members are added in later versions, never changed.
enum TraceJSON {
    static func header(_ header: RecordingHeader) -> JSON {
        .object([
            ("type", .string("header")), ("interface", .string(header.interface)), ("unix_ns", .number(header.unixNanoseconds)),
            ("public_key", header.publicKey.map { .string($0.base64) } ?? .null), ("mtu", .number(UInt64(header.mtu))),
            ("filter", .string(header.request.filter.description)),
        ])
    }

    static func end(_ reason: String, lost: UInt64) -> JSON {
        .object([("type", .string("end")), ("reason", .string(reason)), ("lost", .number(lost))])
    }

    /// A packet; what is not known of it is null.
    static func packet(_ record: PacketRecord) -> JSON {
        let notes = record.notes
        var members: [(String, JSON)] = []
        func add(_ name: String, _ text: String?) { members.append((name, text.map { .string($0) } ?? .null)) }
        func add(_ name: String, _ number: (some BinaryInteger)?) { members.append((name, number.map { .number(UInt64($0)) } ?? .null)) }
        func add(_ name: String, _ flag: Bool) { members.append((name, .bool(flag))) }
        add("type", "packet")
        add("unix_ns", notes.unixNanoseconds)
        add("direction", notes.direction.word)
        add("kind", "\(notes.kind)")
        add("fate", "\(notes.fate)")
        add("drop", notes.drop?.name)
        add("turn", notes.turn)
        add("batch", notes.batchCount)
        add("position", notes.position)
        add("place", notes.place)
        add("bytes", notes.packetLength)
        let addresses = record.addresses
        add("source", addresses.map { "\($0.source)" })
        add("destination", addresses.map { "\($0.destination)" })
        add("protocol", addresses?.protocolNumber)
        add("source_port", addresses?.ports?.source)
        add("destination_port", addresses?.ports?.destination)
        members.append(("super_packet", part(notes.superPacket)))
        add("waited", notes.hasWaited)
        add("peer", notes.peer?.base64)
        add("allowed_ip", notes.allowedIP?.description)
        add("receiver_index", notes.session?.receiverIndex)
        add("counter", notes.session?.counter)
        add("library", notes.worker?.library.name)
        add("thread", notes.worker?.thread)
        add("datagram_bytes", notes.datagramLength)
        members.append(("super_datagram", part(notes.superDatagram)))
        add("left_alone", notes.leftAlone)
        add("remote", notes.remote?.description)
        add("local", notes.local?.address.description)
        add("local_port", notes.localPort)
        add("traffic_class", notes.trafficClass)
        add("moved", notes.moved)
        add("errno", notes.errno)
        let stages = record.story(peerName: \.abbreviation).map { line in
            JSON.object([
                ("stage", .string(line.stage)), ("ns", line.time.map { .number($0.nanoseconds) } ?? .null), ("text", .string(line.text)),
            ])
        }
        members.append(("stages", .array(stages)))
        return .object(members)
    }

    static func ways(_ ways: PacketWays, lost: UInt64) -> JSON {
        .object([
            ("type", .string("paths")), ("packets", .number(ways.total)), ("lost", .number(lost)),
            (
                "paths",
                .array(
                    ways.ranked.map { way, count in
                        .object([
                            ("packets", .number(count)), ("direction", .string(way.direction.word)), ("kind", .string("\(way.kind)")),
                            ("peer", way.peer.map { .string($0.base64) } ?? .null), ("steps", .array(way.steps.map { .string($0) })),
                        ])
                    })
            ),
        ])
    }

    private static func part(_ part: PacketNotes.Part?) -> JSON {
        guard let part else { return .null }
        return .object([
            ("number", .number(UInt64(part.number))), ("index", .number(UInt64(part.index))), ("count", .number(UInt64(part.count))),
        ])
    }
}
