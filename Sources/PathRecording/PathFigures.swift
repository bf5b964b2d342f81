public import NetworkTypes
public import TunnelCore
public import WireGuardCrypto

/// What a running tunnel counts of its two ways, always: counters grow from the engine's start, fills are those of the moment.
///
/// Two of them, a second apart, give what happens now: ``difference(since:)``.
public struct PathFigures: Sendable, Hashable {
    /// When they were taken, in nanoseconds of the Unix epoch.
    public var unixNanoseconds: UInt64
    /// How long the engine had run then; in a difference, the time between the two.
    public var interval: Interval
    /// The way out.
    public var outbound = DirectionFigures()
    /// The way in.
    public var inbound = DirectionFigures()
    /// Queues on the way and how full they are, in the order in which packets meet them: out, then in.
    public var queues: [QueueFigures] = []
    /// What is used to move many packets at once, and why not.
    public var offloads: [OffloadFigures] = []
    /// What was dropped, by reason and peer; only reasons that were met.
    public var drops: [DropFigures] = []

    /// Figures of nothing yet.
    public init(unixNanoseconds: UInt64, interval: Interval) {
        self.unixNanoseconds = unixNanoseconds
        self.interval = interval
    }

    /// One direction's figures.
    public subscript(direction: PathDirection) -> DirectionFigures {
        get { direction == .outbound ? outbound : inbound }
        set { if direction == .outbound { outbound = newValue } else { inbound = newValue } }
    }

    /// What was counted since `earlier`, figures of the same engine; fills and offloads are those of `self`. Where the tunnel was started
    /// anew in between, all of `self`.
    public func difference(since earlier: PathFigures) -> PathFigures {
        guard interval >= earlier.interval else { return self }
        var difference = self
        difference.interval = Interval(nanoseconds: interval.nanoseconds - earlier.interval.nanoseconds)
        difference.outbound = outbound.since(earlier.outbound)
        difference.inbound = inbound.since(earlier.inbound)
        var before: [DropFigures.Key: UInt64] = [:]
        for drop in earlier.drops { before[drop.key] = drop.count }
        difference.drops = drops.compactMap { drop in
            var drop = drop
            drop.count &-= before[drop.key] ?? 0
            return drop.count == 0 ? nil : drop
        }
        var lostBefore: [String: UInt64] = [:]
        for queue in earlier.queues { lostBefore[queue.name] = queue.losses }
        for index in queues.indices { difference.queues[index].losses &-= lostBefore[queues[index].name] ?? 0 }
        return difference
    }
}

/// The figures of one way.
public struct DirectionFigures: Sendable, Hashable {
    /// A stage each, in order: those of ``OutboundStage`` or ``InboundStage``.
    public var stages = [StageFigures](repeating: StageFigures(), count: PathDirection.stageCount)
    /// How long packets were in the engine's hands, from the read before their batch to the hand-over to the kernel.
    public var latency = LatencyHistogram()

    /// Nothing yet.
    public init() {}

    /// A stage of the way out.
    public subscript(stage: OutboundStage) -> StageFigures {
        get { stages[stage.rawValue] }
        set { stages[stage.rawValue] = newValue }
    }

    /// A stage of the way in.
    public subscript(stage: InboundStage) -> StageFigures {
        get { stages[stage.rawValue] }
        set { stages[stage.rawValue] = newValue }
    }

    func since(_ earlier: DirectionFigures) -> DirectionFigures {
        var difference = self
        for (index, stage) in stages.enumerated() where index < earlier.stages.count {
            difference.stages[index] = stage.since(earlier.stages[index])
        }
        difference.latency = latency.since(earlier.latency)
        return difference
    }
}

/// What one stage has done.
public struct StageFigures: Sendable, Hashable {
    /// Packets that came out of it.
    public var packets: UInt64 = 0
    /// Their bytes: of inner packets in `read`, `arrange`, `release`, `accept` and `deliver`, of datagrams between.
    public var bytes: UInt64 = 0
    /// Batches that it had, empty ones left out.
    public var batches: UInt64 = 0
    /// The time spent in it.
    public var time = Interval(nanoseconds: 0)
    /// How large the batches were.
    public var batchSizes = BatchSizeHistogram()
    /// How long the batches took, by batch.
    public var times = LatencyHistogram()

    /// Nothing yet.
    public init() {}

    /// Packets of an average batch.
    public var packetsPerBatch: Double { batches == 0 ? 0 : Double(packets) / Double(batches) }

    /// The average packet's share of the time.
    public var timePerPacket: Interval { Interval(nanoseconds: packets == 0 ? 0 : time.nanoseconds / packets) }

    func since(_ earlier: StageFigures) -> StageFigures {
        var difference = self
        difference.packets &-= earlier.packets
        difference.bytes &-= earlier.bytes
        difference.batches &-= earlier.batches
        difference.time = Interval(nanoseconds: time.nanoseconds &- earlier.time.nanoseconds)
        difference.batchSizes = batchSizes.since(earlier.batchSizes)
        difference.times = times.since(earlier.times)
        return difference
    }
}

/// A queue on the way.
public struct QueueFigures: Sendable, Hashable {
    /// Its name, one word: `receive_ring`, `send_ring`, `socket_v4_receive`, `socket_v4_send`, `socket_v6_…`, `handshakes`.
    public var name: String
    /// Bytes in it, or messages for `handshakes`.
    public var used: UInt64
    /// How many it holds.
    public var capacity: UInt64
    /// What found no room in it since the start: messages of the socket (of one datagram or many merged ones), packets else.
    public var losses: UInt64

    public init(name: String, used: UInt64, capacity: UInt64, losses: UInt64 = 0) {
        self.name = name
        self.used = used
        self.capacity = capacity
        self.losses = losses
    }

    /// From 0 to 1.
    public var fill: Double { capacity == 0 ? 0 : Double(used) / Double(capacity) }
}

/// Something that moves many packets at once, or seals them faster.
public struct OffloadFigures: Sendable, Hashable {
    /// Its name, one word: `tun_tcp`, `tun_udp`, `udp_segment_v4`, `udp_segment_v6`, `udp_merge`, `aead`, `crypto_threads`.
    public var name: String
    /// Whether it is used.
    public var isInUse: Bool
    /// What is used, or why it isn't: a clause for people.
    public var detail: String

    public init(name: String, isInUse: Bool, detail: String) {
        self.name = name
        self.isInUse = isInUse
        self.detail = detail
    }
}

/// How often packets were dropped for one reason, of one peer or of nobody.
public struct DropFigures: Sendable, Hashable {
    public var reason: DropReason
    /// Whose they were; nil where nobody knows.
    public var peer: PublicKey?
    /// Packets or datagrams.
    public var count: UInt64

    public init(_ reason: DropReason, peer: PublicKey?, count: UInt64) {
        self.reason = reason
        self.peer = peer
        self.count = count
    }

    struct Key: Hashable {
        var reason: DropReason
        var peer: PublicKey?
    }

    var key: Key { Key(reason: reason, peer: peer) }
}
