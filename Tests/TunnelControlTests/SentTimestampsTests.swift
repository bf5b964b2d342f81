import NetworkTypes
import Testing
import TunnelCore
import WireGuardCrypto

@testable import TunnelControl

@Suite struct SentTimestampsTests {
    static let key = PublicKey(bytes: InlineArray(repeating: 7))

    static func time(_ monotonic: UInt64, _ unix: UInt64) -> TimePoint {
        TimePoint(now: Instant(nanoseconds: monotonic * 1_000_000_000), unixNanoseconds: unix * 1_000_000_000)
    }

    @Test func `a clock that goes on is not behind`() {
        var timestamps = SentTimestamps()
        #expect(timestamps.observe(at: Self.time(10, 1000), lastSent: nil) == nil)
        #expect(timestamps.observe(at: Self.time(20, 1010), lastSent: Instant(nanoseconds: 15_000_000_000)) == nil)
        // Forward is no trouble.
        #expect(timestamps.observe(at: Self.time(30, 5000), lastSent: Instant(nanoseconds: 25_000_000_000)) == nil)
    }

    @Test func `a clock that went back while the tunnel runs is behind what was sent`() {
        var timestamps = SentTimestamps()
        _ = timestamps.observe(at: Self.time(10, 5000), lastSent: nil)
        #expect(timestamps.observe(at: Self.time(20, 1410), lastSent: Instant(nanoseconds: 15_000_000_000)) == .seconds(3595))
    }

    @Test func `a machine that has run for longer than its clock says is not behind itself`() {
        var timestamps = SentTimestamps()
        // No clock of its own, and two hours of waiting for the network.
        #expect(timestamps.observe(at: Self.time(7200, 100), lastSent: Instant(nanoseconds: 7_190_000_000_000)) == nil)
        #expect(timestamps.latest == 90_000_000_000)
        // What it told then is long ago once the time is known, and ahead if it stands in 1970 again.
        #expect(timestamps.observe(at: Self.time(7300, 1_800_000_000), lastSent: nil) == nil)
        #expect(timestamps.observe(at: Self.time(7400, 10), lastSent: Instant(nanoseconds: 7_350_000_000_000)) == .seconds(1_800_000_040))
    }

    @Test func `what an earlier run sent counts, if the key is the same`() {
        var earlier = SentTimestamps()
        _ = earlier.observe(at: Self.time(10, 5000), lastSent: Instant(nanoseconds: 10_000_000_000))
        var timestamps = SentTimestamps()
        timestamps.recall(earlier.text(of: Self.key), of: Self.key)
        #expect(timestamps.observe(at: Self.time(10, 1460), lastSent: nil) == .seconds(3540))
        var others = SentTimestamps()
        others.recall(earlier.text(of: Self.key), of: PublicKey(bytes: InlineArray(repeating: 8)))
        others.recall("nonsense", of: Self.key)
        #expect(others.observe(at: Self.time(10, 1460), lastSent: nil) == nil)
    }
}
