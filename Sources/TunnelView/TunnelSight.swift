internal import NetworkTypes
public import PathRecording
internal import TunnelCore
internal import TunnelDiagnosis
internal import WireGuardCrypto

/// A tunnel as it is shown: a reading, what has happened since an earlier one, and packets that were recorded in between.
public struct TunnelSight: Sendable {
    /// The later one.
    public let reading: TunnelReading
    /// What was counted since the earlier reading; nil without one.
    public let now: PathFigures?
    /// The peers, each with its rates.
    public let peers: [PeerSight]
    /// Packets that were recorded.
    public var records: [PacketRecord]
    /// How many more passed and are not among them.
    public var lost: UInt64 = 0

    /// - Parameter earlier: a reading of the same tunnel; one of another start of it counts as none.
    public init(_ reading: TunnelReading, since earlier: TunnelReading? = nil, records: [PacketRecord] = []) {
        self.reading = reading
        self.records = records
        guard let earlier, earlier.interface == reading.interface, reading.figures.interval > earlier.figures.interval else {
            now = nil
            peers = reading.peers.map { PeerSight($0, since: nil, dropped: 0) }
            return
        }
        let difference = reading.figures.difference(since: earlier.figures)
        now = difference
        var before: [PublicKey: PeerReading] = [:]
        before.reserveCapacity(earlier.peers.count)
        for peer in earlier.peers { before[peer.publicKey] = peer }
        var dropped: [PublicKey: UInt64] = [:]
        for drop in difference.drops { if let peer = drop.peer { dropped[peer, default: 0] += drop.count } }
        peers = reading.peers.map { PeerSight($0, since: before[$0.publicKey], dropped: dropped[$0.publicKey] ?? 0) }
    }

    /// What the picture is drawn of: what happens now, or without that all since the start.
    public var shown: PathFigures { now ?? reading.figures }

    /// The peers with the most traffic now, then since the start; at most `count`.
    public func busiest(_ count: Int) -> [PeerSight] {
        guard count > 0 else { return [] }
        return Array(
            peers.sorted { a, b in
                (a.receivedNow + a.sentNow, a.reading.receivedBytes + a.reading.sentBytes)
                    > (b.receivedNow + b.sentNow, b.reading.receivedBytes + b.reading.sentBytes)
            }.prefix(count))
    }

    /// How many peers have a word as their state's name, by name.
    public var countsByState: [String: Int] {
        var counts: [String: Int] = [:]
        for peer in peers { counts[peer.reading.state?.name ?? "unknown", default: 0] += 1 }
        return counts
    }
}

/// A peer and what has happened with it since an earlier reading.
public struct PeerSight: Sendable {
    /// The later one.
    public let reading: PeerReading
    /// Bytes of UDP payload since then.
    public let receivedNow: UInt64
    /// Bytes of UDP payload that went to it since then.
    public let sentNow: UInt64
    /// Packets of it that were dropped since then.
    public let dropped: UInt64

    init(_ reading: PeerReading, since earlier: PeerReading?, dropped: UInt64) {
        self.reading = reading
        self.dropped = dropped
        // A peer that was taken away and came again counts from nothing.
        func grown(_ now: UInt64, _ before: UInt64?) -> UInt64 { before.map { now >= $0 ? now - $0 : now } ?? 0 }
        receivedNow = grown(reading.receivedBytes, earlier?.receivedBytes)
        sentNow = grown(reading.sentBytes, earlier?.sentBytes)
    }
}

extension DirectionFigures {
    /// Packets that came into it: those of its first stage.
    public var packets: UInt64 { stages.first?.packets ?? 0 }
    /// Bytes of inner packets: of the stage nearest to the TUN device.
    func innerBytes(_ direction: PathDirection) -> UInt64 { (direction == .outbound ? stages.first : stages.last)?.bytes ?? 0 }
}

extension PathFigures {
    /// Packets that were dropped at a place.
    func dropped(at place: String) -> UInt64 {
        drops.reduce(0) { $1.reason.place.name == place ? $0 + $1.count : $0 }
    }

    /// `count` a second of ``interval``.
    func perSecond(_ count: UInt64) -> Double {
        interval.nanoseconds == 0 ? 0 : Double(count) * 1e9 / Double(interval.nanoseconds)
    }
}
