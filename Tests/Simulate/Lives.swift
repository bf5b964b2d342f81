internal import LinuxSystem
internal import Synchronization
internal import TunnelSimulation

/// The lives of a range of seeds, shared by the threads that live them.
final class Lives: Sendable {
    private struct Sums {
        var next: UInt64
        var lived = 0
        var nodes = 0
        var steps = 0
        var handshakes = 0
        var data = 0
        var mostEvents = 0
        var failed: [UInt64] = []
    }

    private let first: UInt64
    private let end: UInt64
    private let sums: Mutex<Sums>

    init(first: UInt64, end: UInt64) {
        self.first = first
        self.end = end
        sums = Mutex(Sums(next: first))
    }

    /// Lives one after the other, until all are lived or one has gone wrong.
    /// - Parameter number: the thread's.
    func work(thread number: Int) {
        let words = LastWords(thread: number)
        while let seed = take() {
            words.begin(seed: seed)
            let plan = Life.Plan(seed: seed)
            let life = Life(seed: seed, plan: plan)
            life.run(kept: Array(plan.steps.indices))
            let (messages, hasFailed) = (life.messages, !life.violations.isEmpty)
            sums.withLock { sums in
                sums.lived += 1
                sums.nodes += plan.nodeCount
                sums.steps += plan.steps.count
                sums.handshakes += messages.handshakes
                sums.data += messages.data
                sums.mostEvents = max(sums.mostEvents, life.eventCount)
                if hasFailed { sums.failed.append(seed) }
            }
        }
    }

    private func take() -> UInt64? {
        sums.withLock { sums in
            guard sums.next < end, sums.failed.isEmpty else { return nil }
            defer { sums.next += 1 }
            return sums.next
        }
    }

    /// Prints what was lived, and the first failure in its shortest form; returns the program's exit status.
    func report() -> Int32 {
        let sums = sums.withLock { $0 }
        let isComplete = UInt64(sums.lived) == end - first
        let outcome =
            sums.failed.min().map { "seed \($0) went wrong" }
            ?? (isComplete ? "nothing went wrong" : "\(end - first) were asked for")
        print(
            "\(sums.lived) lives from seed \(first), \(sums.nodes) nodes, \(sums.steps) steps, \(sums.handshakes) handshake messages, "
                + "\(sums.data) data messages, at most \(sums.mostEvents) events in a life: \(outcome)")
        guard let seed = sums.failed.min() else { return isComplete ? 0 : 1 }
        let plan = Life.Plan(seed: seed)
        let kept = LifeShrinking.shrink(seed: seed, plan: plan)
        let life = Life(seed: seed, plan: plan)
        life.run(kept: kept)
        print(Simulate.story(seed: seed, plan: plan, kept: kept, violations: life.violations))
        return 1
    }
}
