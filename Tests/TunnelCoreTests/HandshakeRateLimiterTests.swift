import NetworkTypes
import Testing

@testable import TunnelCore

@Suite struct HandshakeRateLimiterTests {
    static let start = Instant(nanoseconds: 1_000_000_000_000)

    static func v4(_ value: UInt32) -> IPAddress { .v4(IPv4Address(rawValue: value)) }
    static func v6(_ high: UInt64, _ low: UInt64) -> IPAddress { .v6(IPv6Address(high: high, low: low)) }

    @Test func `a burst of five, then twenty a second`() {
        var limiter = HandshakeRateLimiter()
        var allowed: [Int] = []
        // Every millisecond for two seconds.
        for millisecond in 0..<2000 where limiter.allow(Self.v4(1), at: Self.start + .milliseconds(UInt64(millisecond))) {
            allowed.append(millisecond)
        }
        #expect(allowed.prefix(5) == [0, 1, 2, 3, 4])
        #expect(allowed.dropFirst(5).elementsEqual(stride(from: 50, to: 2000, by: 50)))
    }

    /// How many of `tries` requests at one time are allowed.
    func allowed(_ tries: Int, by limiter: inout HandshakeRateLimiter, from source: IPAddress, at now: Instant) -> Int {
        (0..<tries).count { _ in limiter.allow(source, at: now) }
    }

    @Test func `a source that was quiet has its burst again, and no more`() {
        var limiter = HandshakeRateLimiter()
        for pause in [250, 1000, 100_000] as [UInt64] {
            let now = Self.start + .seconds(pause * 10)
            #expect(allowed(8, by: &limiter, from: Self.v4(1), at: now) == 5)
            #expect(allowed(8, by: &limiter, from: Self.v4(1), at: now + .milliseconds(pause)) == 5, "after \(pause) ms")
        }
    }

    @Test func `IPv4 addresses are told apart, IPv6 addresses by their first 64 bits`() {
        var limiter = HandshakeRateLimiter()
        #expect(allowed(8, by: &limiter, from: Self.v4(1), at: Self.start) == 5)
        #expect(allowed(8, by: &limiter, from: Self.v4(2), at: Self.start) == 5)
        #expect((0..<8 as Range<UInt64>).count { limiter.allow(Self.v6(1, $0), at: Self.start) } == 5, "all of one /64")
        #expect((0..<8 as Range<UInt64>).count { limiter.allow(Self.v6($0 + 2, 0), at: Self.start) } == 8)
    }

    @Test func `the number of sources is bounded, and they are forgotten`() {
        var limiter = HandshakeRateLimiter()
        let most = UInt32(HandshakeRateLimiter.maximumSources)
        #expect((0..<most).count { limiter.allow(Self.v4($0), at: Self.start) } == Int(most))
        #expect(allowed(1, by: &limiter, from: Self.v4(most), at: Self.start) == 0)
        #expect(allowed(1, by: &limiter, from: Self.v4(0), at: Self.start) == 1, "a source that is known goes on")
        #expect(allowed(1, by: &limiter, from: Self.v4(most), at: Self.start + .milliseconds(1001)) == 1)
    }
}
