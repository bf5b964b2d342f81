import LinuxSystem
import NetworkTypes
import Testing

@testable import TunAdapter

/// A ring with threads that wait for room in it, stepped by hand: a step is one critical section, or waking from a sleep.
///
/// The ring is the real one, so that what is explored is the code and not a drawing of it.
private struct WaitingWorld: ~Copyable {
    enum Sleeper {
        case awake
        case asleep(PacketRing.Ticket)
        case served
    }

    let ring: PacketRing
    /// What is given back, one packet a step.
    var releases: [Int] = []
    let wanted: [Int]
    var sleepers: [Sleeper]
    /// A size that an allocation without waiting misses once.
    var missed: Int?

    init(held: [Int], wanted: [Int], missed: Int?) throws {
        ring = try PacketRing(SessionOptions(capacity: SessionOptions.minimumCapacity))
        self.wanted = wanted
        self.missed = missed
        sleepers = wanted.map { _ in .awake }
        for size in held { releases.append(ring.allocate(1, size: size, lastSize: size, orFewer: false)!.sequence) }
    }

    var isSignalled: Bool { ring.space.wait(for: Interval(nanoseconds: 0)) }

    /// The actors that can take a step: sleepers first, then each release, then the allocation.
    func enabled() -> [Int] {
        var actors: [Int] = []
        for i in sleepers.indices {
            switch sleepers[i] {
            case .awake: actors.append(i)
            case .asleep: if isSignalled { actors.append(i) }
            case .served: break
            }
        }
        for i in releases.indices where releases[i] >= 0 { actors.append(10 + i) }
        if missed != nil { actors.append(20) }
        return actors
    }

    mutating func step(_ actor: Int) {
        switch actor {
        case 0..<10:
            switch sleepers[actor] {
            case .awake:
                if let ticket = ring.beginWaiting(for: wanted[actor]) {
                    sleepers[actor] = .asleep(ticket)
                } else if ring.allocate(1, size: wanted[actor], lastSize: wanted[actor], orFewer: false) != nil {
                    sleepers[actor] = .served
                }
            case .asleep(let ticket):
                ring.endWaiting(ticket)
                sleepers[actor] = .awake
            case .served:
                break
            }
        case 10..<20:
            ring.release(releases[actor - 10])
            releases[actor - 10] = -1
        default:
            _ = ring.allocate(1, size: missed!, lastSize: missed!, orFewer: false)
            missed = nil
        }
    }

    /// Sleepers beside room for them.
    var forgotten: [Int] {
        sleepers.indices.filter { i in
            if case .asleep = sleepers[i] { return ring.hasRoom(wanted[i]) }
            return false
        }
    }
}

@Suite struct PacketRingWaitingTests {
    struct Exploration {
        var ends = 0
        var served = 0
        var forgotten: [[Int]] = []
    }

    /// Runs every order of steps to its end. An order in which one thread wakes in vain again and again, while another that could run
    /// never does, is left: no scheduler does that.
    static func explore(_ path: [Int], _ result: inout Exploration, _ make: () throws -> (held: [Int], wanted: [Int], missed: Int?)) throws
    {
        let setting = try make()
        var world = try WaitingWorld(held: setting.held, wanted: setting.wanted, missed: setting.missed)
        for actor in path { world.step(actor) }
        let actors = world.enabled()
        guard !actors.isEmpty else {
            result.ends += 1
            let forgotten = world.forgotten
            if !forgotten.isEmpty { result.forgotten.append(path) }
            for sleeper in setting.wanted.indices {
                if case .served = world.sleepers[sleeper] { result.served += 1 }
            }
            return
        }
        for actor in actors {
            if path.count >= 4 && path.suffix(4).allSatisfy({ $0 == actor }) && actors.count > 1 { continue }
            // Alone and never served: that would be a thread that spins for ever.
            guard path.count < 40 else {
                result.forgotten.append(path)
                return
            }
            try explore(path + [actor], &result, make)
        }
    }

    @Test func `nobody sleeps beside room, in any order of waiting, releasing and missing`() throws {
        // Two packets fill the ring but for 11,072 bytes.
        for wanted in [[20000, 50000], [50000, 50000], [20000, 130000]] {
            for missed in [nil, 100000] {
                var result = Exploration()
                try Self.explore([], &result) { (held: [60000, 60000], wanted: wanted, missed: missed) }
                #expect(result.ends > 100)
                #expect(result.served > result.ends / 2)
                #expect(result.forgotten.isEmpty, "wanted \(wanted), missed \(String(describing: missed)): \(result.forgotten.prefix(3))")
            }
        }
    }
}
