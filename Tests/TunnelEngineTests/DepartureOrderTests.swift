import SeededRandom
import Testing

@testable import TunnelEngine

/// The order in which runs of packets leave; a run is its length and its flow.
private func departures(_ runs: [(count: Int, flow: UInt64?)]) -> [Int] {
    let total = runs.reduce(0) { $0 + $1.count }
    var order = DepartureOrder(capacity: total)
    order.begin()
    var next = 0
    for run in runs {
        order.add(next..<next + run.count, flow: run.flow)
        next += run.count
    }
    order.finish()
    return (0..<total).map { order[$0] }
}

@Suite struct DepartureOrderTests {
    @Test func `a lone packet goes ahead of other flows' super-packets`() {
        #expect(departures([(3, 1), (2, 2), (1, 3)]) == [5, 0, 1, 2, 3, 4])
    }

    @Test func `a lone packet stays behind its own flow's super-packet`() {
        #expect(departures([(3, 1), (1, 1), (1, 2)]) == [4, 0, 1, 2, 3])
    }

    @Test func `a flow of lone packets goes ahead up to its quantum`() {
        let lone = [(count: Int, flow: UInt64?)](repeating: (1, 2), count: DepartureOrder.quantum + 2)
        let order = departures([(2, 1)] + lone)
        #expect(order == [2, 3, 4, 5, 0, 1, 6, 7])
    }

    @Test func `nothing overtakes a packet whose flow is unknown`() {
        #expect(departures([(2, 1), (1, 2), (1, nil), (1, 3), (1, 2)]) == [2, 0, 1, 3, 4, 5])
    }

    @Test func `more flows than can be told apart keep their order`() {
        let runs = (0..<40).map { (count: 1, flow: UInt64?(UInt64($0))) }
        #expect(departures([(2, 99)] + runs).sorted() == Array(0..<42))
        #expect(departures(runs) == Array(0..<40))
    }

    @Test(arguments: UInt64(0)..<200) func `every packet leaves once, and each flow's packets in their order`(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        let flows = UInt64(1) + generator.next() % 24
        let runs = (0..<60).map { _ in
            let flow: UInt64? = generator.next() % 50 == 0 ? nil : generator.next() % flows
            return (count: generator.next() % 3 == 0 ? Int(1 + generator.next() % 5) : 1, flow: flow)
        }
        let order = departures(runs)
        #expect(order.sorted() == Array(0..<order.count))
        let flowOf = runs.flatMap { run in [UInt64?](repeating: run.flow, count: run.count) }
        for flow in 0..<flows {
            let own = order.filter { flowOf[$0] == flow }
            #expect(own == own.sorted(), "seed \(seed), flow \(flow)")
        }
    }
}
