import NetworkTypes
import SeededRandom
import Testing
import WireGuardProtocol

@testable import TunnelCore

/// Nodes, and a network between them that loses, delays, reorders, duplicates and damages datagrams, all from one seed and in
/// virtual time.
final class SimulatedNetwork {
    /// What the network does to each datagram.
    struct Conditions {
        var latency = Interval.milliseconds(20)
        /// Up to this much is added, so that datagrams overtake each other.
        var jitter = Interval(nanoseconds: 0)
        var loss = 0.0
        var duplication = 0.0
        var damage = 0.0
    }

    let seed: UInt64
    var random: SplitMix64
    private(set) var now = Instant(nanoseconds: 1_000_000_000_000)
    var conditions = Conditions()
    private(set) var nodes: [SimulatedNode] = []
    private var events = EventQueue()
    /// Pairs of nodes that don't reach each other.
    private var cuts: Set<Set<Int>> = []
    /// What was sent: number to packet and the node that has to get it.
    private var packets: [UInt64: (bytes: [UInt8], receiver: Int)] = [:]
    private var deliveries: [UInt64: Int] = [:]
    /// Looked at before a datagram is carried; false drops it.
    var filter: (([UInt8], SimulatedNode, Endpoint) -> Bool)?
    /// The traffic class that routers turn an outer one into.
    var remark: (UInt8) -> UInt8 = { $0 }
    /// Nodes and addresses (by node) that somebody was told to send there although they are elsewhere.
    var misroutes: Set<[Int]> = []
    private(set) var violations: [String] = []

    init(seed: UInt64) {
        self.seed = seed
        random = SplitMix64(seed: seed)
    }

    func addNode() -> SimulatedNode {
        let node = SimulatedNode(number: nodes.count + 1, network: self)
        nodes.append(node)
        return node
    }

    /// Two nodes that are each other's peers; only the first knows where the other is unless `bothWays`.
    func connect(_ a: SimulatedNode, _ b: SimulatedNode, bothWays: Bool = true) {
        for (node, peer, knowsEndpoint) in [(a, b, true), (b, a, bothWays)] {
            node.configure(peer) {
                if knowsEndpoint { $0.endpoint = peer.endpoint }
                $0.allowedIPs = [AllowedIPChange(IPPrefix(peer.address)), AllowedIPChange(IPPrefix(peer.addressV6))]
            }
        }
    }

    func schedule(at time: Instant, _ action: @escaping () -> Void) {
        guard time != .distantFuture else { return }
        events.schedule(at: max(time, now), action)
    }

    /// Lets time pass.
    func run(for interval: Interval) {
        let end = now + interval
        while let next = events.nextTime, next <= end {
            now = next
            events.popFirst()?()
        }
        now = end
    }

    func cut(_ a: SimulatedNode, _ b: SimulatedNode) {
        cuts.insert([a.number, b.number])
    }

    func mend(_ a: SimulatedNode, _ b: SimulatedNode) {
        cuts.remove([a.number, b.number])
    }

    /// Sends a fresh packet and returns its number.
    @discardableResult
    func send(
        from sender: SimulatedNode, to receiver: SimulatedNode, size: Int = 100, isV6: Bool = false, ecn: ECNCodepoint = .notECT
    ) -> UInt64 {
        let number = UInt64(packets.count + 1)
        let packet = InnerPacket.make(
            number: number, from: isV6 ? sender.addressV6 : sender.address, to: isV6 ? receiver.addressV6 : receiver.address,
            size: size, ecn: ecn)
        packets[number] = (packet, receiver.number)
        sender.send(packet)
        return number
    }

    func wasDelivered(_ number: UInt64) -> Bool {
        deliveries[number] != nil
    }

    /// Sends a packet and says whether it arrives within `interval`.
    func reaches(_ receiver: SimulatedNode, from sender: SimulatedNode, within interval: Interval) -> Bool {
        let number = send(from: sender, to: receiver)
        run(for: interval)
        return wasDelivered(number)
    }

    // MARK: What nodes call

    func carry(_ datagram: [UInt8], from sender: SimulatedNode, to destination: Endpoint, trafficClass: UInt8) {
        if let filter, !filter(datagram, sender, destination) { return }
        // The mapping of a NAT is looked up now: what was sent before a rebinding comes from the old address.
        let source = sender.endpoint
        var copies = 1
        if Double.random(in: 0..<1, using: &random) < conditions.duplication { copies += 1 }
        for _ in 0..<copies where Double.random(in: 0..<1, using: &random) >= conditions.loss {
            var bytes = datagram
            if Double.random(in: 0..<1, using: &random) < conditions.damage {
                let bit = Int.random(in: 0..<bytes.count * 8, using: &random)
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            }
            let delay = conditions.latency + Interval(nanoseconds: .random(in: 0...conditions.jitter.nanoseconds, using: &random))
            schedule(at: now + delay) { [self] in
                guard let receiver = nodes.first(where: { $0.endpoint == destination }),
                    !cuts.contains([sender.number, receiver.number])
                else { return }
                receiver.receive(bytes, from: source, trafficClass: remark(trafficClass))
            }
        }
    }

    /// A packet came out of a node's interface: is it one that was sent, for this node, and the first of its kind?
    func deliver(_ packet: [UInt8], at node: SimulatedNode) {
        guard let number = InnerPacket.number(of: packet), let original = packets[number] else {
            return violations.append("node \(node.number) got a packet that nobody sent")
        }
        deliveries[number, default: 0] += 1
        if deliveries[number] != 1 { violations.append("packet \(number) was delivered \(deliveries[number]!) times") }
        if original.receiver != node.number, !misroutes.contains([node.number, original.receiver]) {
            violations.append("packet \(number) was delivered to node \(node.number)")
        }
        // Marks for congestion may differ; everything else may not.
        if packet.count != original.bytes.count || packet.dropFirst(20) != original.bytes.dropFirst(20) {
            violations.append("packet \(number) was changed")
        }
        node.delivered.append(number)
    }

    /// Fails the test if anything happened that must never happen.
    func expectNoViolations(sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(violations.isEmpty, "seed \(seed)", sourceLocation: sourceLocation)
    }
}
