import NetworkTypes
import Synchronization
import Testing

@testable import LinuxSystem

@Suite struct OutputQueueTests {
    /// What was written; the writer stands still while `gate` is not signalled.
    final class Written: Sendable {
        let entries = Mutex<[String]>([])
        let gate: EventDescriptor
        init() throws { gate = try EventDescriptor() }

        func write(_ entry: OutputQueue<Int>.Entry) {
            _ = gate.wait(for: nil)
            entries.withLock { entries in
                switch entry {
                case .item(let number): entries.append("\(number)")
                case .dropped(let count): entries.append("dropped \(count)")
                }
            }
        }
    }

    @Test func `what is dropped is counted where it would have stood`() throws {
        let written = try Written()
        let queue = try OutputQueue<Int>(name: "test") { written.write($0) }
        queue.offer(0, limit: 3)
        // The writer holds the first in its hands, or not yet: so many more fit that it makes no difference to what follows.
        while queue.drain(within: .milliseconds(1)) {}
        for i in 1...10 { queue.offer(i, limit: 3) }
        written.gate.signal()
        while written.entries.withLock({ $0.isEmpty }) { SystemThread.sleep(.milliseconds(1)) }
        #expect(queue.drain(within: .seconds(60)))
        queue.offer(11, limit: 3)
        #expect(queue.drain(within: .seconds(60)))
        let entries = written.entries.withLock { $0 }
        let dropped = entries.compactMap { $0.split(separator: " ").dropFirst().first.flatMap { Int($0) } }.reduce(0, +)
        #expect(entries.filter { !$0.hasPrefix("dropped") }.count + dropped == 12)
        #expect(entries.last == "11" && dropped >= 6)
        #expect(entries.firstIndex { $0.hasPrefix("dropped") } ?? 0 >= 3, "\(entries)")
    }

    @Test func `many threads at once lose nothing that is not counted`() throws {
        let sum = Mutex((written: 0, dropped: 0))
        let queue = try OutputQueue<Int>(name: "test") { entry in
            sum.withLock { sum in
                switch entry {
                case .item: sum.written += 1
                case .dropped(let count): sum.dropped += count
                }
            }
        }
        let threads = try SystemThreads(4, name: "offer") { _ in for i in 0..<5000 { queue.offer(i, limit: 16) } }
        threads.join()
        #expect(queue.drain(within: .seconds(60)))
        let (written, dropped) = sum.withLock { $0 }
        #expect(written + dropped == 20_000 && written > 0)
    }
}
