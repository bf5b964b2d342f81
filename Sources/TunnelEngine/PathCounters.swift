internal import LinuxSystem
internal import NetworkTypes
internal import PathRecording
internal import Synchronization

/// What the packet loop counts of its two ways, always, and what other threads read meanwhile. Only the packet loop writes.
final class PathCounters: Sendable {
    let outbound = Direction()
    let inbound = Direction()

    /// One way.
    struct Direction: ~Copyable, Sendable {
        private let stages = InlineArray<6, Stage> { _ in Stage() }
        private let latency = InlineArray<36, Atomic<UInt64>> { _ in Atomic<UInt64>(0) }

        /// Counts what a batch came to in one stage; an empty one only with its time.
        func record(_ time: Interval, stage: Int, packets: Int, bytes: Int) {
            stages[stage].record(time)
            count(stage: stage, packets: packets, bytes: bytes)
        }

        /// Counts a batch whose time was counted already.
        func count(stage: Int, packets: Int, bytes: Int) {
            if packets > 0 { stages[stage].count(packets: packets, bytes: bytes) }
        }

        /// Counts how long packets were in the engine's hands.
        func record(latency interval: Interval, packets: Int) {
            latency[LatencyHistogram.bucket(of: interval)].grow(by: UInt64(packets))
        }

        var figures: DirectionFigures {
            var figures = DirectionFigures()
            for stage in 0..<PathDirection.stageCount { figures.stages[stage] = stages[stage].figures }
            for bucket in latency.indices { figures.latency.counts[bucket] = latency[bucket].load(ordering: .relaxed) }
            return figures
        }
    }

    private struct Stage: ~Copyable, Sendable {
        private let packets = Atomic<UInt64>(0)
        private let bytes = Atomic<UInt64>(0)
        private let batches = Atomic<UInt64>(0)
        private let nanoseconds = Atomic<UInt64>(0)
        private let sizes = InlineArray<9, Atomic<UInt64>> { _ in Atomic<UInt64>(0) }
        private let times = InlineArray<36, Atomic<UInt64>> { _ in Atomic<UInt64>(0) }

        @inline(__always)
        func record(_ time: Interval) {
            nanoseconds.grow(by: time.nanoseconds)
            times[LatencyHistogram.bucket(of: time)].grow(by: 1)
        }

        @inline(__always)
        func count(packets count: Int, bytes sum: Int) {
            packets.grow(by: UInt64(count))
            bytes.grow(by: UInt64(sum))
            batches.grow(by: 1)
            sizes[BatchSizeHistogram.bucket(of: count)].grow(by: 1)
        }

        var figures: StageFigures {
            var figures = StageFigures()
            figures.packets = packets.load(ordering: .relaxed)
            figures.bytes = bytes.load(ordering: .relaxed)
            figures.batches = batches.load(ordering: .relaxed)
            figures.time = Interval(nanoseconds: nanoseconds.load(ordering: .relaxed))
            for bucket in sizes.indices { figures.batchSizes.counts[bucket] = sizes[bucket].load(ordering: .relaxed) }
            for bucket in times.indices { figures.times.counts[bucket] = times[bucket].load(ordering: .relaxed) }
            return figures
        }
    }
}

extension Atomic<UInt64> {
    /// For a sum with one writer: a load and a store do, without a locked instruction.
    @inline(__always)
    borrowing func grow(by number: UInt64) {
        store(load(ordering: .relaxed) &+ number, ordering: .relaxed)
    }
}

/// Times the stages of one batch, each from the end of the one before.
struct StageClock {
    /// When the batch was begun.
    let start = Clock.now
    private var last: Instant
    /// When each stage ended, for whoever records the batch's packets.
    private(set) var times = StageTimes()

    init() {
        last = start
    }

    /// A stage of the way out has ended, out of which so many packets came.
    mutating func ended(_ stage: OutboundStage, packets: Int, bytes: Int, _ engine: Engine) {
        engine.counters.outbound.record(lap(stage.rawValue), stage: stage.rawValue, packets: packets, bytes: bytes)
    }

    /// A stage of the way in has ended, out of which so many packets came.
    mutating func ended(_ stage: InboundStage, packets: Int, bytes: Int, _ engine: Engine) {
        engine.counters.inbound.record(lap(stage.rawValue), stage: stage.rawValue, packets: packets, bytes: bytes)
    }

    /// From the beginning of the batch to the end of its last stage.
    var elapsed: Interval { last.since(start) }

    private mutating func lap(_ stage: Int) -> Interval {
        let now = Clock.now
        defer { last = now }
        // Never 0, which means that the stage wasn't come to.
        times.ends[stage] = UInt32(clamping: max(1, now.since(start).nanoseconds))
        return now.since(last)
    }
}
