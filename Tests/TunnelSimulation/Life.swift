internal import NetworkTypes
internal import SeededRandom
internal import TunnelCore
internal import WireGuardCrypto
internal import WireGuardProtocol

/// A life of several tunnels, from a seed: who is whose peer, what happens to them, and at its end good times in which everybody must
/// reach everybody again.
package final class Life {
    /// Who is there, and what happens.
    package struct Plan: Sendable {
        package var nodeCount: Int
        package var links: [[Int]]
        package var steps: [LifeStep]

        package init(seed: UInt64) {
            var random = SplitMix64(seed: seed ^ 0x6c69_6665)
            nodeCount =
                switch Int.random(in: 0..<40, using: &random) {
                case 0..<24: .random(in: 2...3, using: &random)
                case 24..<34: .random(in: 4...6, using: &random)
                case 34..<39: .random(in: 7...15, using: &random)
                default: .random(in: 16...50, using: &random)
                }
            links = []
            for a in 0..<nodeCount {
                for b in 0..<a where nodeCount <= 5 || b == 0 || Int.random(in: 0..<nodeCount, using: &random) == 0 {
                    links.append([a, b])
                }
            }
            steps = (0..<Int.random(in: 10...50, using: &random)).map { _ in LifeStep.random(using: &random) }
        }
    }

    /// Within this time of good conditions the timers bring every tunnel back: 15 seconds of data without an answer, and two tries.
    static let recovery = Limits.newHandshakeTimeout + Limits.rekeyTimeout + Limits.rekeyTimeout + .milliseconds(3 * 334 + 500)

    let seed: UInt64
    let plan: Plan
    let network: SimulatedNetwork
    var random: SplitMix64
    /// Links, as the plan has them, whose configuration a step has changed at one end at least.
    private var reconfigured: Set<[Int]> = []
    package var violations: [String] { network.violations }
    /// How much happened in it.
    package var eventCount: Int { network.eventCount }
    /// Handshake messages and data messages sent.
    package var messages: (handshakes: Int, data: Int) {
        network.nodes.reduce(into: (0, 0)) { sum, node in
            for (kind, count) in node.sent {
                if kind == .transport { sum.1 += count } else { sum.0 += count }
            }
        }
    }

    package init(seed: UInt64, plan: Plan) {
        self.seed = seed
        self.plan = plan
        network = SimulatedNetwork(seed: seed)
        network.oracle = HandshakeOracle()
        random = SplitMix64(seed: seed ^ 0x7374_6570)
        for _ in 0..<plan.nodeCount { _ = network.addNode() }
    }

    /// Lives it, up to the first violation.
    /// - Parameter kept: the numbers of the steps that happen.
    package func run(kept: [Int]) {
        for link in plan.links { connect(network.nodes[link[0]], network.nodes[link[1]]) }
        for number in kept {
            perform(plan.steps[number])
            check()
            if !violations.isEmpty { return }
        }
        recover()
        if violations.isEmpty { fallSilent() }
    }

    private func connect(_ a: SimulatedNode, _ b: SimulatedNode) {
        configure(a, b)
        configure(b, a)
    }

    func configure(_ node: SimulatedNode, _ peer: SimulatedNode) {
        node.configure(peer) {
            $0.endpoint = peer.endpoint
            $0.allowedIPs = [AllowedIPChange(IPPrefix(peer.address)), AllowedIPChange(IPPrefix(peer.addressV6))]
        }
    }

    func isLinked(_ a: SimulatedNode, _ b: SimulatedNode) -> Bool {
        plan.links.contains([a.number - 1, b.number - 1]) || plan.links.contains([b.number - 1, a.number - 1])
    }

    /// Somebody changes at one end what both ends of a link must agree about.
    func reconfigures(_ a: SimulatedNode, _ b: SimulatedNode) {
        reconfigured.formUnion([[a.number - 1, b.number - 1], [b.number - 1, a.number - 1]])
    }

    /// Whether two nodes can't find each other again by themselves: it takes one that knows where the other is.
    private func areLost(_ a: SimulatedNode, _ b: SimulatedNode) -> Bool {
        func hasMisplaced(_ node: SimulatedNode, _ peer: SimulatedNode) -> Bool {
            // Who knows no address at all has forgotten one, and that is a fault.
            node.tunnel.endpoint(of: peer.publicKey).map { $0 != peer.endpoint } ?? false
        }
        return hasMisplaced(a, b) && hasMisplaced(b, a)
    }

    /// Lets time pass, and looks at everything about once a second.
    func pass(_ interval: Interval) {
        let slices = min(max(1, interval.nanoseconds / 1_000_000_000), plan.nodeCount <= 6 ? 120 : 10)
        for slice in 0..<slices {
            let (each, rest) = interval.nanoseconds.quotientAndRemainder(dividingBy: slices)
            network.run(for: Interval(nanoseconds: each + (slice == 0 ? rest : 0)))
            check()
        }
    }

    // MARK: What must always hold

    func check() {
        for node in network.nodes {
            let inventory = node.tunnel.inventory
            let peers = node.tunnel.peerCount
            // Three sessions, a handshake and those that are being computed.
            if inventory.sessionIndices > 6 * peers + 8 { network.note("node \(node.number) holds \(inventory.sessionIndices) indices") }
            if inventory.stagedPackets > 128 * peers {
                network.note("node \(node.number) holds \(inventory.stagedPackets) waiting packets")
            }
            if inventory.scheduledDeadlines > 64 * (peers + 4) {
                network.note("node \(node.number) has \(inventory.scheduledDeadlines) deadlines for \(peers) peers")
            }
            if let oldest = inventory.oldestKeypair, !node.isSuspended, network.now.since(oldest) > Limits.zeroKeysAfterTime {
                network.note("node \(node.number) holds a key that is \(network.now.since(oldest).nanoseconds / 1_000_000_000) s old")
            }
            network.oracle?.compare(node, wasSuspended: node.wasSuspended)
            node.wasSuspended = node.isSuspended
        }
    }

    // MARK: The end of a life

    /// Good times: everybody reaches everybody within the time that the timers promise. Nobody helps, but where somebody has changed the
    /// configuration or a clock, and where both ends have lost each other.
    private func recover() {
        while violations.isEmpty, network.nodes.contains(where: \.isSuspended) { pass(.seconds(10)) }
        network.conditions = SimulatedNetwork.Conditions()
        let latest = network.nodes.map(\.greatestWallClockOffset).max() ?? 0
        let clocksMoved = network.nodes.contains { $0.wallClockOffset != 0 || $0.greatestWallClockOffset != 0 }
        for node in network.nodes {
            // Far enough ahead of every clock there was, so that no timestamp is an old one.
            if clocksMoved { node.wallClockOffset = latest + 3_600_000_000_000 }
            node.handshakeCost = .milliseconds(1)
            for peer in network.nodes where peer !== node { network.mend(node, peer) }
        }
        // What a flood left behind, and datagrams that are still under way: an initiation of a peer that is forgotten is new once more, and where
        // both ends were told wrong addresses so, nobody finds the other.
        pass(.seconds(3))
        for link in plan.links {
            let (a, b) = (network.nodes[link[0]], network.nodes[link[1]])
            guard reconfigured.contains(link) || areLost(a, b) else { continue }
            connect(a, b)
            for (node, peer) in [(a, b), (b, a)] { node.configure(peer) { $0.presharedKey = .zero } }
        }
        let end = network.now + Self.recovery
        while network.now < end {
            for link in plan.links { exchange(link) }
            pass(.seconds(1))
        }
        let sent = plan.links.map { (link: $0, numbers: exchange($0)) }
        pass(.milliseconds(100))
        for (link, numbers) in sent {
            for number in numbers where !network.wasDelivered(number) {
                network.note(
                    "nodes \(link[0] + 1) and \(link[1] + 1) don't reach each other after \(Self.recovery.nanoseconds / 1_000_000_000) s")
            }
        }
    }

    @discardableResult
    private func exchange(_ link: [Int]) -> [UInt64] {
        let (a, b) = (network.nodes[link[0]], network.nodes[link[1]])
        return [network.send(from: a, to: b), network.send(from: b, to: a)]
    }

    /// Nobody has anything to say: everything secret is wiped, and nobody wakes up any more.
    private func fallSilent() {
        for node in network.nodes {
            for peer in network.nodes where peer !== node && node.routing.contains(peer.publicKey) {
                node.configure(peer) { $0.persistentKeepalive = 0 }
            }
        }
        pass(.seconds(1200))
        for node in network.nodes {
            let inventory = node.tunnel.inventory
            if inventory.sessionIndices + inventory.keypairs + inventory.pendingHandshakes + inventory.stagedPackets != 0 {
                network.note("node \(node.number) still holds \(inventory)")
            }
            if node.tunnel.nextDeadline != .distantFuture { network.note("node \(node.number) is idle, and has a deadline") }
        }
    }
}
