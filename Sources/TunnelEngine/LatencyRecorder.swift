internal import NetworkTypes
internal import Synchronization

/// The histograms as the packet loop counts them, and as other threads read them meanwhile. Only the packet loop writes.
final class LatencyRecorder: Sendable {
    struct Direction: ~Copyable, Sendable {
        private let counts = InlineArray<36, Atomic<UInt64>> { _ in Atomic<UInt64>(0) }

        /// Counts a batch.
        func record(_ interval: Interval, packets: Int) {
            let bucket = LatencyHistogram.bucket(of: interval)
            // One writer: a load and a store do, without a locked instruction.
            let count = counts[bucket].load(ordering: .relaxed)
            counts[bucket].store(count &+ UInt64(packets), ordering: .relaxed)
        }

        var histogram: LatencyHistogram {
            var histogram = LatencyHistogram()
            for bucket in 0..<LatencyHistogram.bucketCount { histogram.counts[bucket] = counts[bucket].load(ordering: .relaxed) }
            return histogram
        }
    }

    let outbound = Direction()
    let inbound = Direction()
}

extension Engine {
    /// How long packets have stayed in the engine, counted since it was made. Cheap, from any thread.
    public var latency: EngineLatency {
        var latency = EngineLatency()
        latency.outbound = latencies.outbound.histogram
        latency.inbound = latencies.inbound.histogram
        return latency
    }
}
