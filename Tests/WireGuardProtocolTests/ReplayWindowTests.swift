import Testing
import VectorFiles

@testable import WireGuardProtocol

@Suite struct ReplayWindowTests {
    @Test func `every sequence of the file is accepted and dropped as it says`() throws {
        let file: ReplayVectors = try .load()
        #expect(file.window == ReplayWindow.span)
        #expect(file.limit.value == Limits.rejectAfterMessages)
        var (sequences, counters) = (0, 0)
        for sequence in file.sequences {
            var window = ReplayWindow()
            for (position, number) in sequence.counters.enumerated() {
                let refusal = window.accept(number)
                #expect((refusal == nil) == sequence.accepted[position], "\(sequence.name), \(number) at position \(position)")
                counters += 1
            }
            sequences += 1
        }
        #expect(sequences == file.sequences.count && sequences == 38)
        #expect(counters == file.sequences.map(\.accepted.count).reduce(0, +))
    }

    @Test func `each reason has its name`() {
        var window = ReplayWindow()
        #expect(window.accept(9000) == nil)
        #expect(window.accept(9000) == .replay)
        #expect(window.accept(9000 - 8128) == nil)
        #expect(window.accept(9000 - 8129) == .window)
        #expect(window.accept(Limits.rejectAfterMessages) == .limit)
        #expect(window.accept(Limits.rejectAfterMessages - 1) == nil)
        #expect(window.accept(9001) == .window)
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func `it agrees with a set of everything seen`(seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        var (window, seen, top) = (ReplayWindow(), Set<UInt64>(), UInt64(0))
        for _ in 0..<20_000 {
            let ahead = UInt64.random(in: 0..<(Bool.random(using: &generator) ? 40 : 9000), using: &generator)
            let base = top > 8200 ? top - 8200 : 0
            let counter = Bool.random(using: &generator) ? top + ahead : UInt64.random(in: base...(top + 1), using: &generator)
            let isNew = !seen.contains(counter) && (counter >= top || top - counter <= 8128)
            #expect((window.accept(counter) == nil) == isNew, "seed \(seed), counter \(counter), highest \(top)")
            if isNew {
                seen.insert(counter)
                top = max(top, counter)
            }
        }
    }
}
