internal import LinuxSystem
internal import NetworkTypes
internal import PathRecording
internal import Synchronization

/// The figures as the packet loop counts them, and as other threads read them meanwhile. Only the packet loop writes.
final class LatencyRecorder: Sendable {
    struct Direction: ~Copyable, Sendable {
        private let counts = InlineArray<36, Atomic<UInt64>> { _ in Atomic<UInt64>(0) }
        /// Nanoseconds by stage; both directions have six.
        private let stages = InlineArray<6, Atomic<UInt64>> { _ in Atomic<UInt64>(0) }

        /// Counts a batch.
        func record(_ interval: Interval, packets: Int) {
            Self.add(UInt64(packets), to: counts[LatencyHistogram.bucket(of: interval)])
        }

        /// Counts a batch's time in one stage.
        func record(_ interval: Interval, stage: Int) {
            Self.add(interval.nanoseconds, to: stages[stage])
        }

        /// One writer: a load and a store do, without a locked instruction.
        @inline(__always)
        private static func add(_ number: UInt64, to sum: borrowing Atomic<UInt64>) {
            sum.store(sum.load(ordering: .relaxed) &+ number, ordering: .relaxed)
        }

        var latency: EngineLatency.Direction {
            var latency = EngineLatency.Direction()
            for bucket in 0..<LatencyHistogram.bucketCount {
                latency.histogram.counts[bucket] = counts[bucket].load(ordering: .relaxed)
            }
            latency.stages = stages.indices.map { Interval(nanoseconds: stages[$0].load(ordering: .relaxed)) }
            return latency
        }
    }

    let outbound = Direction()
    let inbound = Direction()
}

/// Times the stages of one batch, each from the end of the one before.
struct StageClock {
    /// When the batch was begun.
    let start = Clock.now
    private var last: Instant

    init() {
        last = start
    }

    /// A stage of the way out has ended.
    mutating func ended(_ stage: OutboundStage, _ engine: Engine) {
        engine.latencies.outbound.record(lap(), stage: stage.rawValue)
    }

    /// A stage of the way in has ended.
    mutating func ended(_ stage: InboundStage, _ engine: Engine) {
        engine.latencies.inbound.record(lap(), stage: stage.rawValue)
    }

    /// From the beginning of the batch to the end of its last stage.
    var elapsed: Interval { last.since(start) }

    private mutating func lap() -> Interval {
        let now = Clock.now
        defer { last = now }
        return now.since(last)
    }
}

extension Engine {
    /// How long packets have stayed in the engine, counted since it was made. Cheap, from any thread.
    public var latency: EngineLatency {
        var latency = EngineLatency()
        latency.outbound = latencies.outbound.latency
        latency.inbound = latencies.inbound.latency
        return latency
    }
}
