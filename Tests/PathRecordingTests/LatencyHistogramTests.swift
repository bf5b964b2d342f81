import NetworkTypes
import Testing

@testable import PathRecording

@Suite struct LatencyHistogramTests {
    @Test func `every duration falls into the bucket that starts at or before it`() {
        for shift in 0..<35 {
            let start = Interval(nanoseconds: 1 << UInt64(shift))
            #expect(LatencyHistogram.bucket(of: start) == shift)
            #expect(LatencyHistogram.bucket(of: Interval(nanoseconds: 2 * start.nanoseconds - 1)) == shift)
            #expect(LatencyHistogram.start(of: shift) == start)
        }
        #expect(LatencyHistogram.bucket(of: Interval(nanoseconds: 0)) == 0)
        #expect(LatencyHistogram.bucket(of: Interval(nanoseconds: .max)) == LatencyHistogram.bucketCount - 1)
    }

    @Test func `an empty histogram has no percentiles`() {
        #expect(LatencyHistogram().percentile(0.5) == nil)
        #expect(LatencyHistogram().total == 0)
    }

    @Test func `percentiles are within a factor of two of the sorted durations`() throws {
        var state: UInt64 = 0x2545_f491_4f6c_dd1d
        var durations: [UInt64] = []
        var histogram = LatencyHistogram()
        for _ in 0..<10_000 {
            state = state &* 0x5851_f42d_4c95_7f2d &+ 1
            // From microseconds to seconds, evenly by magnitude.
            let duration = UInt64(1000) << (state >> 59 & 15) + state >> 40 % 1000
            durations.append(duration)
            histogram.record(Interval(nanoseconds: duration), packets: 1)
        }
        durations.sort()
        #expect(histogram.total == 10_000)
        for share in [0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0] {
            let exact = durations[max(0, Int((Double(durations.count) * share).rounded(.up)) - 1)]
            let found = try #require(histogram.percentile(share)).nanoseconds
            #expect(found >= exact / 2 && found <= exact * 2, "share \(share): \(found) for \(exact)")
        }
    }

    @Test func `a batch counts with all its packets, and a difference only what came between`() {
        var histogram = LatencyHistogram()
        histogram.record(Interval(nanoseconds: 1000), packets: 10)
        let earlier = histogram
        histogram.record(Interval(nanoseconds: 1_000_000), packets: 5)
        let between = histogram.since(earlier)
        #expect(histogram.total == 15)
        #expect(between.total == 5)
        #expect(between.counts[LatencyHistogram.bucket(of: Interval(nanoseconds: 1_000_000))] == 5)
    }
}
