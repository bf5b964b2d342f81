import LinuxSystem
import NetworkTypes
import Synchronization
import Testing

@testable import TunnelControl

@Suite struct OperationThreadTests {
    /// What the operation comes to; asked for all the time, as by whoever has something else to do meanwhile.
    private func result(of thread: OperationThread<Int>) throws -> Int {
        let end = Clock.now + .seconds(60)
        var result = thread.takeResult()
        while result == nil, Clock.now < end {
            SystemThread.yield()
            result = thread.takeResult()
        }
        return try #require(result)
    }

    @Test(.timeLimit(.minutes(2))) func `operations are carried out one after the other, and each result is taken once`() throws {
        let thread = try OperationThread<Int>()
        for number in 0..<50 {
            thread.begin { _ in number * number }
            #expect(thread.isBusy)
            #expect(try result(of: thread) == number * number)
            #expect(!thread.isBusy && thread.takeResult() == nil)
        }
        thread.stop()
    }

    @Test(.timeLimit(.minutes(2))) func `an operation that is cancelled sees it, and the next does not`() throws {
        let thread = try OperationThread<Int>()
        let hasBegun = Atomic(false)
        thread.begin { cancellation in
            hasBegun.store(true, ordering: .releasing)
            _ = DescriptorPoll.wait([.init(cancellation.descriptor)], for: .seconds(60))
            return cancellation.isCancelled ? 1 : 0
        }
        while !hasBegun.load(ordering: .acquiring) { SystemThread.yield() }
        thread.cancel()
        #expect(try result(of: thread) == 1)
        thread.begin { $0.isCancelled ? 1 : 0 }
        #expect(try result(of: thread) == 0)
        thread.stop()
    }

    @Test(.timeLimit(.minutes(2))) func `stopping ends what is under way and waits for it`() throws {
        let thread = try OperationThread<Int>()
        let hasBegun = Atomic(false)
        let hasEnded = Atomic(false)
        thread.begin { cancellation in
            hasBegun.store(true, ordering: .releasing)
            _ = DescriptorPoll.wait([.init(cancellation.descriptor)], for: .seconds(60))
            hasEnded.store(true, ordering: .releasing)
            return 0
        }
        while !hasBegun.load(ordering: .acquiring) { SystemThread.yield() }
        thread.stop()
        let isOver = hasEnded.load(ordering: .acquiring)
        #expect(isOver)
    }
}
