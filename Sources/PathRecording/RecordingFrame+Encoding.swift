internal import NetworkTypes
internal import TunnelCore
internal import WireGuardCrypto

extension RecordingFrame {
    /// Appends the frame to a stream.
    public func append(to bytes: inout [UInt8]) {
        if case .secret(let secret) = self { return unsafe secret.withFrame { unsafe bytes += $0 } }
        var taken: [UInt8] = []
        swap(&taken, &bytes)
        var fields = FieldWriter(kind, after: taken)
        taken = []
        switch self {
        case .header(let header):
            fields.add(1, header.interface)
            fields.add(2, header.unixNanoseconds)
            if let key = header.publicKey { fields.add(3, key) }
            fields.add(4, header.mtu)
            fields.add(5, header.request.description)
        case .packet(let record): record.write(to: &fields)
        case .lost(let count): fields.add(1, count)
        case .secret: break
        case .end(let reason): fields.add(1, reason)
        }
        bytes = fields.finished()
    }

    private var kind: UInt8 {
        switch self {
        case .header: Kind.header
        case .packet: Kind.packet
        case .lost: Kind.lost
        case .secret: Kind.secret
        case .end: Kind.end
        }
    }
}

extension RecordingSecret {
    /// Calls `body` with the frame's bytes, which are wiped afterwards. They are written once, where they stay: an array that grows, or is
    /// copied because somebody else has it too, leaves what it held to whoever gets that memory next.
    public func withFrame<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        unsafe withUnsafeBytes { key in
            let head: [UInt8] = [UInt8(key.count + 6), 0, 0, 0, RecordingFrame.Kind.secret, 1, 1, kind.rawValue, 2, UInt8(key.count)]
            let count = head.count + key.count
            let memory = unsafe KeyMemory.allocate(byteCount: count)
            defer { unsafe KeyMemory.deallocate(memory, byteCount: count) }
            // SAFETY: the memory has room for both.
            let frame = unsafe UnsafeMutableRawBufferPointer(start: memory, count: count)
            unsafe frame.copyBytes(from: head)
            unsafe UnsafeMutableRawBufferPointer(rebasing: frame[head.count...]).copyMemory(from: key)
            return unsafe body(UnsafeRawBufferPointer(frame))
        }
    }
}

/// The fields of a packet frame.
///
/// ```
///  1  direction (0 out, 1 in), kind (0 data, 1 keepalive, 2 initiation, 3 response, 4 cookie, 5 none of WireGuard's),
///     fate (0 forwarded, 1 consumed, 2 waiting, 3 dropped), flags (1 had waited, 2 left alone, 4 peer moved): a byte each
///  2  when its turn began, nanoseconds of the Unix epoch: 8 bytes
///  3  turn (4 bytes), packets in it (2), place among them as read or received (2)
///  4  the ends of its six stages, nanoseconds from the turn's beginning, 0 for none: 4 bytes each
///  5  why it was dropped: the reason's name
///  6  bytes of the inner packet: 4
///  7  super-packet: number (4), index (2), count (2)             10 super-datagram: likewise
///  8  place after arranging: 2                                    11 bytes of the datagram: 4
///  9  peer: 32                                                    12 allowed IP: length (1), address (4 or 16)
/// 13  session: receiver index (4), counter (8)
/// 14  who sealed or opened: library (0 libsodium, 1 libipsec-mb), thread (0: the packet thread, else a helper)
/// 15  the other end: port (2), zone (4), address (4 or 16)        16 our end: interface index (4), address (4 or 16)
/// 17  our port (2), outer traffic class (1)                       18 errno of the hand-over to the kernel: 4
/// 19  the packet's bytes                                          20 the datagram's bytes
/// ```
extension PacketRecord {
    enum Tag {
        static let nature: UInt8 = 1
        static let time: UInt8 = 2
        static let turn: UInt8 = 3
        static let stages: UInt8 = 4
        static let drop: UInt8 = 5
        static let packetLength: UInt8 = 6
        static let superPacket: UInt8 = 7
        static let place: UInt8 = 8
        static let peer: UInt8 = 9
        static let superDatagram: UInt8 = 10
        static let datagramLength: UInt8 = 11
        static let allowedIP: UInt8 = 12
        static let session: UInt8 = 13
        static let worker: UInt8 = 14
        static let remote: UInt8 = 15
        static let local: UInt8 = 16
        static let outer: UInt8 = 17
        static let errno: UInt8 = 18
        static let packet: UInt8 = 19
        static let datagram: UInt8 = 20
    }

    enum Flags {
        static let hasWaited: UInt8 = 1
        static let leftAlone: UInt8 = 2
        static let moved: UInt8 = 4
    }

    fileprivate func write(to fields: inout FieldWriter) {
        let flags =
            (notes.hasWaited ? Flags.hasWaited : 0) | (notes.leftAlone ? Flags.leftAlone : 0) | (notes.moved ? Flags.moved : 0)
        fields.add(Tag.nature, [notes.direction.rawValue, notes.kind.rawValue, notes.fate.rawValue, flags])
        fields.add(Tag.time, notes.unixNanoseconds)
        fields.add(Tag.turn, UInt64(notes.turn) | UInt64(notes.batchCount) << 32 | UInt64(notes.position) << 48)
        if notes.stages.last != nil {
            var ends: [UInt8] = []
            for stage in notes.stages.ends.indices { ends += Self.bytes(notes.stages.ends[stage]) }
            fields.add(Tag.stages, ends)
        }
        if let drop = notes.drop { fields.add(Tag.drop, drop.name) }
        fields.addUnlessZero(Tag.packetLength, notes.packetLength)
        if let part = notes.superPacket { fields.add(Tag.superPacket, Self.number(part)) }
        if let place = notes.place { fields.add(Tag.place, place) }
        if let peer = notes.peer { fields.add(Tag.peer, peer) }
        if let part = notes.superDatagram { fields.add(Tag.superDatagram, Self.number(part)) }
        fields.addUnlessZero(Tag.datagramLength, notes.datagramLength)
        if let prefix = notes.allowedIP { fields.add(Tag.allowedIP, [prefix.length] + prefix.address.bytes) }
        if let session = notes.session { fields.add(Tag.session, Self.bytes(session.receiverIndex) + Self.bytes(session.counter)) }
        if let worker = notes.worker { fields.add(Tag.worker, [worker.library.rawValue, worker.thread]) }
        if let remote = notes.remote {
            fields.add(Tag.remote, Self.bytes(remote.port) + Self.bytes(remote.zone) + remote.address.bytes)
        }
        if let local = notes.local { fields.add(Tag.local, Self.bytes(local.interfaceIndex) + local.address.bytes) }
        if notes.localPort != 0 || notes.trafficClass != 0 { fields.add(Tag.outer, Self.bytes(notes.localPort) + [notes.trafficClass]) }
        fields.addUnlessZero(Tag.errno, UInt32(bitPattern: notes.errno))
        if !packet.isEmpty { fields.add(Tag.packet, packet) }
        if !datagram.isEmpty { fields.add(Tag.datagram, datagram) }
    }

    private static func number(_ part: PacketNotes.Part) -> UInt64 {
        UInt64(part.number) | UInt64(part.index) << 32 | UInt64(part.count) << 48
    }

    private static func bytes<Number: FixedWidthInteger & UnsignedInteger>(_ number: Number) -> [UInt8] {
        (0..<(Number.bitWidth / 8)).map { UInt8(truncatingIfNeeded: number >> Number(8 * $0)) }
    }
}
