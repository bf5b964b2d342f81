internal import NetworkTypes
internal import TunnelCore
public import WireGuardCrypto

/// The way that a packet took, so that those who took the same can be counted together.
public struct PacketWay: Sendable, Hashable {
    public var direction: PathDirection
    public var kind: PacketNotes.Kind
    /// The stages in order; at the end why it went no further, if it didn't.
    public var steps: [String]
    /// Nil where the packet was dropped before it was known whose it is.
    public var peer: PublicKey?

    /// The way of a packet.
    public init(_ record: PacketRecord) {
        direction = record.notes.direction
        kind = record.notes.kind
        peer = record.notes.peer
        steps = record.story { _ in "" }.map(\.stage)
        if let drop = record.notes.drop {
            steps.append("dropped: \(drop.explanation)")
        } else if record.notes.errno != 0 {
            steps.append("refused by the kernel")
        } else if record.notes.fate == .waiting {
            steps.append("waits for a session")
        }
    }
}

/// How many packets took which way.
public struct PacketWays: Sendable {
    private var counts: [PacketWay: UInt64] = [:]
    /// All of them.
    public private(set) var total: UInt64 = 0

    public init() {}

    /// Counts a packet.
    public mutating func add(_ record: PacketRecord) {
        counts[PacketWay(record), default: 0] += 1
        total += 1
    }

    /// The ways, the most used first; then out before in, and by their words.
    public var ranked: [(way: PacketWay, count: UInt64)] {
        counts.map { (way: $0.key, count: $0.value) }.sorted { a, b in
            if a.count != b.count { return a.count > b.count }
            if a.way.direction != b.way.direction { return a.way.direction == .outbound }
            let (left, right) = (a.way.steps.joined(), b.way.steps.joined())
            return left != right ? left < right : "\(a.way.peer.map(\.hexadecimal) ?? "")" < "\(b.way.peer.map(\.hexadecimal) ?? "")"
        }
    }
}
