import NetworkTypes
import Testing

@testable import TunnelEngine

@Suite struct ReceivePatienceTests {
    @Test func `a socket that gives is asked whenever it is ready`() {
        var patience = ReceivePatience()
        for turn in 0..<1000 {
            #expect(patience.asked(wasFruitful: turn % 60 == 59, error: 0, at: Instant(nanoseconds: 1)) == .goOn)
        }
    }

    @Test func `one that gives nothing is left alone for a moment each time, told of once, and once when it is over`() {
        var patience = ReceivePatience()
        var now = Instant(nanoseconds: 1)
        var (asked, told) = (0, 0)
        let end = now + .seconds(60)
        while now < end {
            if patience.pausedUntil == nil {
                asked += 1
                if case .pause(true) = patience.asked(wasFruitful: false, error: 5, at: now) { told += 1 }
            }
            now = now + .milliseconds(1)
            _ = patience.resumes(at: now)
        }
        // 64 at once, and then one each time.
        #expect(asked > 1000 && asked < 64 + 60 * 1000 / 50 + 10 && told == 1)
        #expect(patience.asked(wasFruitful: true, error: 0, at: now) == .over)
        #expect(patience.pausedUntil == nil)
        #expect(patience.asked(wasFruitful: true, error: 0, at: now) == .goOn)
    }

    @Test func `without an error of the kernel's it is worth telling only after a second`() {
        var patience = ReceivePatience()
        for _ in 1..<ReceivePatience.fruitlessTurns {
            #expect(patience.asked(wasFruitful: false, error: 0, at: Instant(nanoseconds: 1)) == .goOn)
        }
        for pause in 1...ReceivePatience.pausesWorthTelling {
            let verdict = patience.asked(wasFruitful: false, error: 0, at: Instant(nanoseconds: 1))
            #expect(verdict == .pause(isWorthTelling: pause == ReceivePatience.pausesWorthTelling))
        }
    }
}

@Suite struct LineBudgetTests {
    @Test func `ten thousand troubles at once are a few lines, the last of which says so`() {
        var budget = LineBudget()
        let start = Instant(nanoseconds: 77)
        let verdicts = (0..<10_000).map { budget.take(at: start + Interval(nanoseconds: UInt64($0))) }
        #expect(verdicts.filter { $0 != .mute }.count == LineBudget.lines)
        #expect(verdicts.filter { $0 == .sayAsLast }.count == 1 && verdicts[LineBudget.lines - 1] == .sayAsLast)
        #expect(budget.take(at: start + LineBudget.interval) == .say)
    }
}
