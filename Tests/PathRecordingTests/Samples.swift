import NetworkTypes
import PathRecording
import SeededRandom
import TunnelCore
import WireGuardCrypto

/// Things to record.
enum Samples {
    static func key(_ byte: UInt8) -> PublicKey { PublicKey(bytes: InlineArray(repeating: byte)) }

    /// An IPv4 TCP header from 10.8.0.1:1234 to 10.8.0.5:443 of a packet of 1420 bytes.
    static let tcp: [UInt8] =
        [0x45, 0, 0x05, 0x8c, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 8, 0, 1, 10, 8, 0, 5] + [0x04, 0xd2, 0x01, 0xbb]
        + [UInt8](repeating: 0, count: 16)

    static var sent: PacketRecord {
        var notes = PacketNotes(.outbound, .data, .forwarded, unixNanoseconds: 1_700_000_000_123_456_789)
        notes.turn = 7
        notes.batchCount = 45
        notes.position = 3
        for stage in 0..<6 { notes.stages.ends[stage] = UInt32(1000 * (stage + 1)) }
        notes.packetLength = 1420
        notes.superPacket = PacketNotes.Part(number: 9, index: 3, count: 45)
        notes.place = 2
        notes.peer = key(7)
        notes.allowedIP = IPPrefix("10.8.0.0/24")
        notes.session = PacketNotes.Session(receiverIndex: 0x7f3a_0102, counter: 18_204)
        notes.worker = PacketNotes.Worker(library: .libipsecMB, thread: 2)
        notes.datagramLength = 1452
        notes.superDatagram = PacketNotes.Part(number: 1, index: 3, count: 45)
        notes.remote = Endpoint("192.0.2.7:51820")
        notes.local = EndpointSource(address: IPAddress("192.0.2.1")!, interfaceIndex: 3)
        notes.localPort = 51821
        notes.trafficClass = 2
        return PacketRecord(notes, packet: tcp, datagram: [4, 0, 0, 0] + [UInt8](repeating: 1, count: 12))
    }

    static var refused: PacketRecord {
        var notes = PacketNotes(.inbound, .data, .forwarded, unixNanoseconds: 5)
        notes.drop(for: .replay)
        notes.remote = Endpoint("[2001:db8::7%4]:51820")
        notes.allowedIP = IPPrefix("fd08::/64")
        notes.errno = 105
        notes.moved = true
        notes.hasWaited = true
        notes.leftAlone = true
        return PacketRecord(notes)
    }

    /// Any record at all.
    static func random(_ random: inout SplitMix64) -> PacketRecord {
        var record = Bool.random(using: &random) ? sent : refused
        record.notes.turn = .random(in: 0 ... .max, using: &random)
        record.notes.kind = PacketNotes.Kind.allCases.randomElement(using: &random)!
        record.notes.fate = PacketNotes.Fate.allCases.randomElement(using: &random)!
        record.notes.drop = Bool.random(using: &random) ? DropReason.allCases.randomElement(using: &random) : nil
        record.notes.packetLength = .random(in: 0...70_000, using: &random)
        record.packet = (0..<Int.random(in: 0...300, using: &random)).map { _ in .random(in: 0...255, using: &random) }
        record.notes.stages.ends[Int.random(in: 0..<6, using: &random)] = .random(in: 0 ... .max, using: &random)
        if Bool.random(using: &random) { record.notes.peer = nil }
        if Bool.random(using: &random) { record.notes.superPacket = nil }
        return record
    }
}
