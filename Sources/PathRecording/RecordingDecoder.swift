internal import NetworkTypes
internal import TunnelCore

/// Reads a recording from its stream, in pieces of any size. It keeps no more than a frame and what it was given last.
public struct RecordingDecoder: Sendable {
    private var bytes: [UInt8] = []
    private var next = 0
    private var hasBegun = false

    public init() {}

    /// Takes the stream's next bytes.
    public mutating func consume(_ more: some Sequence<UInt8>) {
        if next > 0 {
            bytes.removeSubrange(..<next)
            next = 0
        }
        bytes += more
    }

    /// The next frame; nil until more bytes come.
    public mutating func nextFrame() throws(RecordingStream.Failure) -> RecordingFrame? {
        guard try begin() else { return nil }
        while bytes.count - next >= 4 {
            let length = (0..<4).reduce(0) { $0 | Int(bytes[next + $1]) << (8 * $1) }
            guard length > 0, length <= RecordingStream.longestFrame else { throw .frameLength(length) }
            guard bytes.count - next - 4 >= length else { return nil }
            let start = next + 4
            next = start + length
            if let frame = try Self.frame(kind: bytes[start], bytes[(start + 1)..<next]) { return frame }
        }
        return nil
    }

    /// Reads the preamble; false until it is there.
    private mutating func begin() throws(RecordingStream.Failure) -> Bool {
        guard !hasBegun else { return true }
        let known = min(bytes.count, 4)
        guard bytes[..<known].elementsEqual(RecordingStream.preamble[..<known]) else { throw .preamble }
        guard bytes.count >= RecordingStream.preamble.count else { return false }
        guard bytes[4] == RecordingStream.version else { throw .version(bytes[4]) }
        hasBegun = true
        next = RecordingStream.preamble.count
        return true
    }

    private static func frame(kind: UInt8, _ bytes: ArraySlice<UInt8>) throws(RecordingStream.Failure) -> RecordingFrame? {
        guard RecordingFrame.Kind.known.contains(kind) else { return nil }
        let fields = try fields(kind, bytes)
        switch kind {
        case RecordingFrame.Kind.header: return .header(try RecordingHeader(fields))
        case RecordingFrame.Kind.packet: return .packet(try PacketRecord(fields))
        case RecordingFrame.Kind.lost: return .lost(try fields.first { $0.tag == 1 }?.number() ?? 0)
        case RecordingFrame.Kind.secret: return .secret(try RecordingSecret(fields))
        case RecordingFrame.Kind.end: return .end(try fields.first { $0.tag == 1 }?.text() ?? "")
        default: return nil
        }
    }

    private static func fields(_ kind: UInt8, _ bytes: ArraySlice<UInt8>) throws(RecordingStream.Failure) -> [Field] {
        var fields: [Field] = []
        var rest = bytes
        while let tag = rest.popFirst() {
            var length = 0
            var shift = 0
            while true {
                guard let byte = rest.popFirst(), shift < 28 else { throw .field(kind: kind, tag: tag) }
                length |= Int(byte & 0x7f) << shift
                shift += 7
                if byte & 0x80 == 0 { break }
            }
            guard length <= rest.count else { throw .field(kind: kind, tag: tag) }
            fields.append(Field(kind: kind, tag: tag, value: rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return fields
    }
}

extension RecordingHeader {
    fileprivate init(_ fields: [Field]) throws(RecordingStream.Failure) {
        self.init(interface: "", unixNanoseconds: 0)
        for field in fields {
            switch field.tag {
            case 1: interface = try field.text()
            case 2: unixNanoseconds = try field.number()
            case 3: publicKey = try field.key()
            case 4: mtu = try field.number()
            case 5:
                guard let request = RecordingRequest(try field.text()) else { throw field.failure }
                self.request = request
            default: break
            }
        }
    }
}

extension RecordingSecret {
    fileprivate init(_ fields: [Field]) throws(RecordingStream.Failure) {
        var kind: Kind?
        var bytes: [UInt8]?
        for field in fields {
            switch field.tag {
            case 1:
                guard let known = Kind(rawValue: try field.number()) else { throw field.failure }
                kind = known
            case 2:
                guard field.value.count == 32 else { throw field.failure }
                bytes = Array(field.value)
            default: break
            }
        }
        guard let kind, let bytes else { throw .field(kind: RecordingFrame.Kind.secret, tag: 0) }
        self.init(kind, bytes: bytes)
    }
}

extension PacketRecord {
    fileprivate init(_ fields: [Field]) throws(RecordingStream.Failure) {
        guard let nature = fields.first(where: { $0.tag == Tag.nature }), let notes = PacketNotes(nature: nature) else {
            throw .field(kind: RecordingFrame.Kind.packet, tag: Tag.nature)
        }
        self.init(notes)
        for field in fields {
            switch field.tag {
            case Tag.packet: packet = Array(field.value)
            case Tag.datagram: datagram = Array(field.value)
            default: try self.notes.take(field)
            }
        }
    }
}

extension PacketNotes {
    fileprivate init?(nature: Field) {
        let value = Array(nature.value)
        guard value.count == 4, let direction = PathDirection(rawValue: value[0]), let kind = Kind(rawValue: value[1]),
            let fate = Fate(rawValue: value[2])
        else { return nil }
        self.init(direction, kind, fate, unixNanoseconds: 0)
        hasWaited = value[3] & PacketRecord.Flags.hasWaited != 0
        leftAlone = value[3] & PacketRecord.Flags.leftAlone != 0
        moved = value[3] & PacketRecord.Flags.moved != 0
    }

    fileprivate mutating func take(_ field: Field) throws(RecordingStream.Failure) {
        typealias Tag = PacketRecord.Tag
        let size = field.value.count
        switch field.tag {
        case Tag.time: unixNanoseconds = try field.number()
        case Tag.turn:
            guard size == 8 else { throw field.failure }
            (turn, batchCount, position) = (field.number(at: 0), field.number(at: 4), field.number(at: 6))
        case Tag.stages:
            guard size == 4 * PathDirection.stageCount else { throw field.failure }
            for stage in 0..<PathDirection.stageCount { stages.ends[stage] = field.number(at: 4 * stage) }
        // A reason that only another version knows: it is dropped all the same.
        case Tag.drop: drop = DropReason(name: try field.text())
        case Tag.packetLength: packetLength = try field.number()
        case Tag.superPacket: superPacket = try Part(field)
        case Tag.place: place = try field.number()
        case Tag.peer: peer = try field.key()
        case Tag.superDatagram: superDatagram = try Part(field)
        case Tag.datagramLength: datagramLength = try field.number()
        case Tag.allowedIP:
            let address = try field.address(at: 1)
            let length: UInt8 = field.number(at: 0)
            guard Int(length) <= address.bitWidth else { throw field.failure }
            allowedIP = IPPrefix(address, length: length)
        case Tag.session:
            guard size == 12 else { throw field.failure }
            session = Session(receiverIndex: field.number(at: 0), counter: field.number(at: 4))
        case Tag.worker:
            guard size == 2, let library = Worker.Library(rawValue: field.number(at: 0)) else { throw field.failure }
            worker = Worker(library: library, thread: Int(field.number(at: 1) as UInt8))
        case Tag.remote:
            let address = try field.address(at: 6)
            remote = Endpoint(address: address, port: field.number(at: 0), zone: field.number(at: 2))
        case Tag.local:
            let address = try field.address(at: 4)
            local = EndpointSource(address: address, interfaceIndex: field.number(at: 0))
        case Tag.outer:
            guard size == 3 else { throw field.failure }
            (localPort, trafficClass) = (field.number(at: 0), field.number(at: 2))
        case Tag.errno: errno = Int32(bitPattern: try field.number())
        default: break
        }
    }
}

extension PacketNotes.Part {
    fileprivate init(_ field: Field) throws(RecordingStream.Failure) {
        guard field.value.count == 8 else { throw field.failure }
        let (index, count): (UInt16, UInt16) = (field.number(at: 4), field.number(at: 6))
        self.init(number: field.number(at: 0), index: Int(index), count: Int(count))
    }
}
