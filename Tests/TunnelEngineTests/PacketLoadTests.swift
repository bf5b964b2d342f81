import NetworkTypes
import Testing

@testable import TunnelEngine

@Suite struct PacketLoadTests {
    /// Whether the slice has changed after each turn, and whether it is a short one.
    private func run(_ turns: [(milliseconds: UInt64, packets: Int)]) -> [(changed: Bool, isShort: Bool)] {
        var load = PacketLoad()
        return turns.map { turn in
            let changed = load.moved(turn.packets, at: Instant(nanoseconds: (1_000 + turn.milliseconds) * 1_000_000))
            return (changed, load.timeSlice != nil)
        }
    }

    @Test func `lone packets leave the system's time slice, however many there are`() {
        let outcome = run((0..<1_000).map { ($0, PacketLoad.busyPackets - 1) })
        #expect(!outcome.contains { $0.changed || $0.isShort })
    }

    @Test func `a full turn asks for a short slice once, and calm since the last one gives it back once`() {
        let full = PacketLoad.busyPackets
        let outcome = run([(0, full), (40, 500), (139, 1), (140, 1), (141, 1), (142, full)])
        #expect(outcome.map(\.changed) == [true, false, false, true, false, true])
        #expect(outcome.map(\.isShort) == [true, true, true, false, false, true])
    }
}
