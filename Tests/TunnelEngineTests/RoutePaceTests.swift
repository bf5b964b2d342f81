import NetworkTypes
import Testing

@testable import TunnelEngine

@Suite struct RoutePaceTests {
    private func at(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: 1_000_000_000_000) + .milliseconds(milliseconds) }

    @Test func `news is looked at once, and once more when the kernel has done what it told`() {
        var pace = RoutePace()
        #expect(pace.due == nil && !pace.isAwake)
        pace.hear(at: at(0))
        #expect(pace.due == at(0) && pace.isAwake)
        pace.looked(from: at(0), to: at(1), processorTime: .milliseconds(0))
        #expect(pace.due == at(100) && !pace.isAwake)
        pace.looked(from: at(100), to: at(101), processorTime: .milliseconds(0))
        #expect(pace.due == nil)
    }

    @Test func `news while a second look is due is looked at as soon as the rest is over, and has a second look of its own`() {
        var pace = RoutePace()
        pace.hear(at: at(0))
        pace.looked(from: at(0), to: at(1), processorTime: .milliseconds(0))
        pace.hear(at: at(10))
        #expect(pace.due == at(51) && pace.isAwake)
        pace.looked(from: at(51), to: at(52), processorTime: .milliseconds(0))
        #expect(pace.due == at(110))
        pace.looked(from: at(110), to: at(111), processorTime: .milliseconds(0))
        #expect(pace.due == nil)
        pace.hear(at: at(1000))
        #expect(pace.due == at(1000))
    }

    @Test func `news without end costs a fifth of a processor, and time in which others ran counts for nothing`() {
        var pace = RoutePace()
        pace.hear(at: at(0))
        pace.looked(from: at(0), to: at(900), processorTime: .milliseconds(100))
        pace.hear(at: at(901))
        #expect(pace.due == at(1300))
        pace = RoutePace()
        pace.hear(at: at(0))
        pace.looked(from: at(0), to: at(900), processorTime: .milliseconds(0))
        pace.hear(at: at(901))
        #expect(pace.due == at(950))
    }

    @Test func `a look that lasts longer than the settling still has one more after it`() {
        var pace = RoutePace()
        pace.hear(at: at(0))
        pace.looked(from: at(0), to: at(500), processorTime: .milliseconds(0))
        #expect(pace.due == at(550))
        pace.looked(from: at(550), to: at(551), processorTime: .milliseconds(0))
        #expect(pace.due == nil)
    }
}
