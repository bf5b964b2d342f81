import NetworkTypes
import Testing
import TunnelSimulation
import WireGuardCrypto
import WireGuardProtocol

/// A few of the lives that `scripts/simulate` runs by the thousand, and what it makes of those that go wrong.
@Suite struct LifeTests {
    @Test(arguments: Array(1...15) as [UInt64])
    func `tunnels live through trouble as the naive model says`(seed: UInt64) {
        let plan = Life.Plan(seed: seed)
        let life = Life(seed: seed, plan: plan)
        life.run(kept: Array(plan.steps.indices))
        #expect(life.violations.isEmpty, "seed \(seed)")
    }

    @Test func `the same seed is the same life`() {
        let lives = (0..<2).map { _ in
            let plan = Life.Plan(seed: 5)
            let life = Life(seed: 5, plan: plan)
            life.run(kept: Array(plan.steps.indices))
            return life.messages
        }
        #expect(lives[0] == lives[1] && lives[0].data > 0)
    }

    @Test func `of a life that went wrong only the steps that matter are left`() {
        var tries = 0
        let kept = LifeShrinking.shrink(Array(0..<50)) { steps in
            tries += 1
            return steps.contains(7) && steps.contains(33)
        }
        #expect(kept == [7, 33] && tries < 100, "\(tries)")
    }

    @Test func `a network in which time stands still is stopped, and says so`() {
        let network = SimulatedNetwork(seed: 1)
        func again() { network.schedule(at: network.now) { again() } }
        again()
        network.run(for: .seconds(1))
        #expect(network.violations.count == 1 && network.eventCount == SimulatedNetwork.mostEvents, "\(network.violations)")
        let stopped = network.now
        network.run(for: .seconds(1))
        #expect(network.now.since(stopped) == .seconds(1) && network.violations.count == 1)
    }

    @Test func `a counter that is used again is seen, on both ends`() {
        var nonces = NonceLedger()
        let key = NonceLedger.Key(1, 2, 3, 4)
        #expect(nonces.seal(key: key, counter: 5) == nil && nonces.seal(key: key, counter: 6) == nil)
        #expect(nonces.seal(key: key, counter: 6) != nil)
        #expect(nonces.seal(key: key, counter: Limits.rejectAfterMessages) != nil)
        #expect(nonces.open(key: key, counter: 1, datagram: [1]) == nil && nonces.open(key: key, counter: 1, datagram: [1]) == nil)
        #expect(nonces.open(key: key, counter: 1, datagram: [2]) != nil)
    }
}
