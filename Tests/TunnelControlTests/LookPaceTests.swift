internal import LinuxSystem
internal import MachineState
internal import NetworkTypes
internal import Testing

@testable import TunnelControl

@Suite struct LookPaceTests {
    private let start = Instant(nanoseconds: 1_000_000_000_000)

    @Test func `the first news leads to a look a moment later, and all that comes until then to the same one`() {
        var pace = LookPace()
        #expect(pace.due == nil)
        pace.hear(at: start)
        pace.hear(at: start + .milliseconds(99))
        #expect(pace.due == start + .milliseconds(100))
        pace.look(at: start + .milliseconds(100))
        #expect(pace.due == nil)
    }

    @Test func `news that goes on all the time leads to ever fewer looks`() {
        var pace = LookPace()
        var looks: [UInt64] = []
        for millisecond in UInt64(0)..<60_000 {
            let now = start + .milliseconds(millisecond)
            if let due = pace.due, due <= now {
                looks.append(millisecond)
                pace.look(at: now)
            }
            pace.hear(at: now)
        }
        #expect(looks.prefix(5) == [100, 300, 700, 1500, 3100])
        #expect(looks.count <= 5 + 18)
        #expect(zip(looks, looks.dropFirst()).allSatisfy { $1 - $0 <= 3200 })
    }

    @Test func `after a time without news the next is a first one again`() {
        var pace = LookPace()
        for _ in 0..<10 {
            let now = pace.due ?? start
            pace.hear(at: now)
            pace.look(at: pace.due ?? now)
            pace.hear(at: now)
        }
        let last = pace.due ?? start
        pace.look(at: last)
        pace.hear(at: last + .seconds(4))
        #expect(pace.due == last + .milliseconds(4100))
    }
}

@Suite struct LossTests {
    private func owned() -> SystemState {
        var state = SystemState()
        state.routes = [
            TunnelRoute(.init("0.0.0.0/0")!, table: 51820), TunnelRoute(.init("0.0.0.0/0")!, table: 51820, kind: .unreachable),
            TunnelRoute(.init("10.20.0.0/16")!),
        ]
        return state
    }

    @Test func `a route through the tunnel's interface, or where one of its own stands, concerns it; others don't`() {
        let state = owned()
        #expect(state.isTouched(by: RouteSpecification(destination: .init("203.0.113.0/24")!, link: 7), link: 7))
        #expect(state.isTouched(by: RouteSpecification(destination: .init("10.20.0.0/16")!, link: 2), link: 7))
        #expect(state.isTouched(by: RouteSpecification(destination: .init("0.0.0.0/0")!, table: 51820, isUnreachable: true), link: 7))
        #expect(!state.isTouched(by: RouteSpecification(destination: .init("203.0.113.0/24")!, link: 2), link: 7))
        #expect(!state.isTouched(by: RouteSpecification(destination: .init("0.0.0.0/0")!, link: 2), link: 7))
        #expect(!state.isTouched(by: RouteSpecification(destination: .init("10.20.0.0/16")!, link: 2, table: 99), link: 7))
        #expect(!state.isTouched(by: RouteSpecification(destination: .init("203.0.113.0/24")!), link: nil))
    }
}
