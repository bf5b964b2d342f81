package import NetworkTypes
package import SeededRandom
internal import TunnelCore
package import WireGuardCrypto

/// Nodes, and a network between them that loses, delays, reorders, duplicates and damages datagrams, all from one seed and in
/// virtual time.
package final class SimulatedNetwork {
    /// What the network does to each datagram.
    package struct Conditions: Sendable {
        package var latency = Interval.milliseconds(20)
        /// Up to this much is added, so that datagrams overtake each other.
        package var jitter = Interval(nanoseconds: 0)
        package var loss = 0.0
        package var duplication = 0.0
        package var damage = 0.0

        package init() {}
    }

    /// A datagram as somebody on the way saw it.
    package struct Recording {
        package var bytes: [UInt8]
        package var source: Endpoint
        package var destination: Endpoint

        package init(bytes: [UInt8], source: Endpoint, destination: Endpoint) {
            self.bytes = bytes
            self.source = source
            self.destination = destination
        }
    }

    /// A packet that went into an interface, and where alone it may come out: nil for nowhere.
    private struct Packet {
        var bytes: [UInt8]
        var sender: PublicKey
        var receiver: PublicKey?
    }

    package static let recordingCapacity = 64

    package let seed: UInt64
    package var random: SplitMix64
    package private(set) var now = Instant(nanoseconds: 1_000_000_000_000)
    package var conditions = Conditions()
    package private(set) var nodes: [SimulatedNode] = []
    private var events = EventQueue()
    /// From which node to which other nothing gets through.
    private var cuts: Set<[Int]> = []
    private var packets: [UInt64: Packet] = [:]
    private var deliveries: [UInt64: Int] = [:]
    /// Looked at before a datagram is carried; false drops it.
    package var filter: (([UInt8], SimulatedNode, Endpoint) -> Bool)?
    /// The traffic class that routers turn an outer one into.
    package var remark: (UInt8) -> UInt8 = { $0 }
    /// What an attacker on the way remembers: the latest datagrams.
    package private(set) var recordings: [Recording] = []
    private var recorded = 0
    /// And of all others as many as these, each as likely as the others.
    package private(set) var oldRecordings: [Recording] = []
    package static let oldRecordingCapacity = 32
    private var attacker: SplitMix64
    /// Takes what comes out of interfaces, instead of the comparison with what was sent.
    package var taker: (([UInt8]) -> Void)?
    /// Compares every handshake with the naive model; nil in tests that reach into a tunnel behind its back.
    package var oracle: HandshakeOracle?
    package private(set) var nonces = NonceLedger()
    package private(set) var violations: [String] = []
    /// What has happened so far.
    package private(set) var eventCount = 0
    private var eventsOfInstant = 0
    /// How much happens in one life, and in one instant of it, at most. Whoever is due again and again without time passing would keep the
    /// clock from ever going on: that is a fault, and no life is so busy.
    package static let mostEvents = 1_000_000
    package static let mostEventsOfAnInstant = 100_000

    package init(seed: UInt64) {
        self.seed = seed
        random = SplitMix64(seed: seed)
        attacker = SplitMix64(seed: seed ^ 0x6174_7461)
    }

    package func addNode() -> SimulatedNode {
        let node = SimulatedNode(number: nodes.count + 1, network: self)
        nodes.append(node)
        return node
    }

    /// Two nodes that are each other's peers; only the first knows where the other is unless `bothWays`.
    package func connect(_ a: SimulatedNode, _ b: SimulatedNode, bothWays: Bool = true) {
        for (node, peer, knowsEndpoint) in [(a, b, true), (b, a, bothWays)] {
            node.configure(peer) {
                if knowsEndpoint { $0.endpoint = peer.endpoint }
                $0.allowedIPs = [AllowedIPChange(IPPrefix(peer.address)), AllowedIPChange(IPPrefix(peer.addressV6))]
            }
        }
    }

    package func schedule(at time: Instant, _ action: @escaping () -> Void) {
        guard time != .distantFuture else { return }
        events.schedule(at: max(time, now), action)
    }

    /// Lets time pass.
    package func run(for interval: Interval) {
        let end = now + interval
        while let next = events.nextTime, next <= end, counts(eventAt: next) {
            now = next
            events.popFirst()?()
        }
        now = end
    }

    /// Whether one more event may happen. Nothing does any more in a network that came to its limit.
    private func counts(eventAt time: Instant) -> Bool {
        eventsOfInstant = time == now ? eventsOfInstant + 1 : 1
        eventCount += 1
        if eventCount == Self.mostEvents || eventsOfInstant == Self.mostEventsOfAnInstant {
            note("there is no end: \(eventCount) events, \(eventsOfInstant) of them in one instant")
            eventCount = Self.mostEvents
        }
        return eventCount < Self.mostEvents
    }

    package func cut(_ a: SimulatedNode, _ b: SimulatedNode) {
        cutOneWay(from: a, to: b)
        cutOneWay(from: b, to: a)
    }

    package func cutOneWay(from a: SimulatedNode, to b: SimulatedNode) {
        cuts.insert([a.number, b.number])
    }

    package func mend(_ a: SimulatedNode, _ b: SimulatedNode) {
        cuts.remove([a.number, b.number])
        cuts.remove([b.number, a.number])
    }

    /// Sends a fresh packet and returns its number.
    @discardableResult
    package func send(
        from sender: SimulatedNode, to receiver: SimulatedNode, size: Int = 100, isV6: Bool = false, ecn: ECNCodepoint = .notECT
    ) -> UInt64 {
        let destination = isV6 ? receiver.addressV6 : receiver.address
        let number = register(from: sender, to: sender.routing.lookup(destination)) { number in
            InnerPacket.make(
                number: number, from: isV6 ? sender.addressV6 : sender.address, to: destination, size: size, ecn: ecn)
        }
        sender.send(packets[number]!.bytes)
        return number
    }

    /// Numbers a packet. - Parameter receiver: whose interface alone it may come out of; nil if out of none.
    package func register(from sender: SimulatedNode, to receiver: PublicKey?, _ make: (UInt64) -> [UInt8]) -> UInt64 {
        let number = UInt64(packets.count + 1)
        packets[number] = Packet(bytes: make(number), sender: sender.publicKey, receiver: receiver)
        return number
    }

    package func packet(_ number: UInt64) -> [UInt8] { packets[number]!.bytes }

    package func wasDelivered(_ number: UInt64) -> Bool {
        deliveries[number] != nil
    }

    /// Sends a packet and says whether it arrives within `interval`.
    package func reaches(_ receiver: SimulatedNode, from sender: SimulatedNode, within interval: Interval) -> Bool {
        let number = send(from: sender, to: receiver)
        run(for: interval)
        return wasDelivered(number)
    }

    package func node(_ key: PublicKey) -> SimulatedNode? {
        nodes.first { $0.publicKey == key }
    }

    package func note(_ violation: String) {
        violations.append("\(violation) (after \(now.since(Instant(nanoseconds: 1_000_000_000_000)).nanoseconds / 1_000_000) ms)")
    }

    // MARK: What nodes call

    package func carry(_ datagram: [UInt8], from sender: SimulatedNode, to destination: Endpoint, trafficClass: UInt8) {
        if let filter, !filter(datagram, sender, destination) { return }
        // The mapping of a NAT is looked up now: what was sent before a rebinding comes from the old address.
        let source = sender.endpoint
        record(Recording(bytes: datagram, source: source, destination: destination))
        var copies = 1
        if Double.random(in: 0..<1, using: &random) < conditions.duplication { copies += 1 }
        for _ in 0..<copies where Double.random(in: 0..<1, using: &random) >= conditions.loss {
            var bytes = datagram
            if Double.random(in: 0..<1, using: &random) < conditions.damage {
                let bit = Int.random(in: 0..<bytes.count * 8, using: &random)
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            }
            inject(Recording(bytes: bytes, source: source, destination: destination), sender: sender.number, trafficClass: trafficClass)
        }
    }

    /// Lets a datagram travel. - Parameter sender: the node whose cuts it meets; nil for an attacker, who meets none.
    package func inject(_ datagram: Recording, sender: Int?, trafficClass: UInt8 = 0) {
        let delay = conditions.latency + Interval(nanoseconds: .random(in: 0...conditions.jitter.nanoseconds, using: &random))
        schedule(at: now + delay) { [self] in
            guard let receiver = nodes.first(where: { $0.endpoint == datagram.destination }) else { return }
            if let sender, cuts.contains([sender, receiver.number]) { return }
            receiver.receive(datagram.bytes, from: datagram.source, trafficClass: remark(trafficClass))
        }
    }

    private func record(_ datagram: Recording) {
        if recordings.count < Self.recordingCapacity {
            recordings.append(datagram)
        } else {
            recordings[recorded % Self.recordingCapacity] = datagram
        }
        recorded += 1
        let place = Int.random(in: 0..<recorded, using: &attacker)
        if oldRecordings.count < Self.oldRecordingCapacity {
            oldRecordings.append(datagram)
        } else if place < Self.oldRecordingCapacity {
            oldRecordings[place] = datagram
        }
    }

    package func noteSealed(key: NonceLedger.Key, counter: UInt64) {
        if let violation = nonces.seal(key: key, counter: counter) { note(violation) }
    }

    package func noteOpened(key: NonceLedger.Key, counter: UInt64, datagram: [UInt8]) {
        if let violation = nonces.open(key: key, counter: counter, datagram: datagram) { note(violation) }
    }

    /// A packet came out of a node's interface: is it one that was sent, for this node, the first of its kind, and from a peer that
    /// may use its source?
    package func deliver(_ packet: [UInt8], at node: SimulatedNode) {
        if let taker { return taker(packet) }
        guard let number = InnerPacket.number(of: packet), let original = packets[number] else {
            return note("node \(node.number) got a packet that nobody sent")
        }
        deliveries[number, default: 0] += 1
        if deliveries[number] != 1 { note("packet \(number) was delivered \(deliveries[number]!) times") }
        if original.receiver != node.publicKey { note("packet \(number) was delivered to node \(node.number)") }
        // Marks for congestion may differ; everything else may not.
        if packet.count != original.bytes.count || packet.dropFirst(20) != original.bytes.dropFirst(20) {
            note("packet \(number) was changed")
        }
        let source = unsafe packet.withUnsafeBytes { unsafe IPPacketHeader($0)?.source }
        if source.flatMap(node.routing.lookup) != original.sender {
            note("packet \(number) was delivered, but its source is not among its sender's AllowedIPs at node \(node.number)")
        }
        node.delivered.append(number)
    }
}
