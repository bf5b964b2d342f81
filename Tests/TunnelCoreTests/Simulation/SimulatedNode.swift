import NetworkTypes
import SeededRandom
import WireGuardCrypto
import WireGuardProtocol

@testable import TunnelCore

/// One machine of a ``SimulatedNetwork``: a tunnel with what an engine adds to it, but no thread and no socket.
final class SimulatedNode {
    let number: Int
    let privateKey: PrivateKey
    unowned let network: SimulatedNetwork
    var tunnel: Tunnel
    var gate: HandshakeGate
    var queue = HandshakeQueue()
    var generator: SplitMix64
    let cipher = TransportCipher()
    /// Where others see this node's datagrams come from; a NAT may change it.
    var endpoint: Endpoint
    /// How far the wall clock is off, in nanoseconds.
    var wallClockOffset: Int64 = 0
    /// What one handshake message costs.
    var handshakeCost = Interval.milliseconds(1)
    private var isWorking = false
    private var wakeUp = Instant.distantFuture

    /// Numbers of the packets that arrived, in order.
    var delivered: [UInt64] = []
    var lastTrafficClass: UInt8 = 0
    /// How often the timers woke this node up.
    var wakeUps = 0
    /// Datagrams sent, by kind.
    var sent: [MessageKind: Int] = [:]

    init(number: Int, network: SimulatedNetwork) {
        self.number = number
        self.network = network
        generator = SplitMix64(seed: network.random.next())
        privateKey = PrivateKey.random(using: &generator)
        endpoint = Endpoint(address: .v4(IPv4Address(rawValue: 0xc633_6400 + UInt32(number))), port: 51820)
        gate = HandshakeGate(at: network.now, using: &generator)
        tunnel = Tunnel(mtu: 1420, seed: network.random.next())
        restart()
    }

    var publicKey: PublicKey { privateKey.publicKey }
    var address: IPAddress { .v4(IPv4Address(rawValue: 0x0a00_0000 + UInt32(number))) }
    var addressV6: IPAddress { .v6(IPv6Address(high: 0xfd00 << 48, low: UInt64(number))) }

    var time: TimePoint {
        TimePoint(now: network.now, unixNanoseconds: UInt64(Int64(1_700_000_000_000_000_000 + network.now.nanoseconds) + wallClockOffset))
    }

    /// Forgets every session and peer, as a machine that lost power.
    func restart() {
        tunnel = Tunnel(mtu: 1420, seed: generator.next())
        gate = HandshakeGate(at: network.now, using: &generator)
        queue = HandshakeQueue()
        var update = TunnelUpdate()
        update.privateKey = privateKey
        apply(update)
    }

    func apply(_ update: TunnelUpdate) {
        tunnel.apply(update, at: time)
        attend()
    }

    /// Adds or changes a peer.
    func configure(_ peer: SimulatedNode, _ change: (inout PeerUpdate) -> Void) {
        var update = PeerUpdate(publicKey: peer.publicKey)
        change(&update)
        var whole = TunnelUpdate()
        whole.peers = [update]
        apply(whole)
    }

    func snapshot(of peer: SimulatedNode) -> PeerSnapshot? {
        tunnel.snapshot(listenPort: 51820, firewallMark: 0).peers.first { $0.publicKey == peer.publicKey }
    }

    // MARK: Data

    /// Puts a packet into the interface. Returns what became of it.
    @discardableResult
    func send(_ packet: [UInt8]) -> DropReason? {
        let headroom = TransportMessage.headerByteCount
        var room = [UInt8](repeating: 0xee, count: headroom) + packet + [UInt8](repeating: 0xee, count: 31)
        var datagram: (bytes: [UInt8], trafficClass: UInt8, to: Endpoint)?
        let dropped: DropReason? = unsafe room.withUnsafeMutableBytes { room in
            let inner = unsafe room.baseAddress! + headroom
            guard let header = unsafe IPPacketHeader(UnsafeRawBufferPointer(start: inner, count: packet.count)) else { return .malformed }
            guard let slot = tunnel.route(header.destination) else { return .noPeerForDestination }
            switch unsafe tunnel.prepare(inner, count: packet.count, to: slot, at: time) {
            case .dropped(let reason): return reason
            case .staged: return nil
            case .seal(let job):
                unsafe cipher.seal(
                    counter: job.counter, key: job.key, plaintext: job.message + headroom, count: job.payloadCount,
                    into: job.message + headroom)
                guard let destination = tunnel.destination(of: slot) else { return .noEndpoint }
                unsafe datagram = (
                    Array(UnsafeRawBufferPointer(start: job.message, count: job.messageCount)), header.ecn.rawValue, destination.endpoint
                )
                return nil
            }
        }
        tunnel.finishOutbound(at: time)
        if let dropped { tunnel.drops.add(dropped) }
        if let datagram { transmit(datagram.bytes, to: datagram.to, trafficClass: datagram.trafficClass) }
        attend()
        return dropped
    }

    private func transmit(_ bytes: [UInt8], to destination: Endpoint, trafficClass: UInt8) {
        if let kind = try? Self.kind(of: bytes) { sent[kind, default: 0] += 1 }
        network.carry(bytes, from: self, to: destination, trafficClass: trafficClass)
    }

    /// Takes a datagram from the network.
    func receive(_ datagram: [UInt8], from sender: Endpoint, trafficClass: UInt8) {
        let kind: MessageKind
        do throws(Refusal) {
            kind = try Self.kind(of: datagram)
        } catch {
            return tunnel.drops.add(DropReason(error))
        }
        guard kind == .transport else {
            let handshake = unsafe datagram.withUnsafeBytes { unsafe HandshakeDatagram($0, from: sender, at: nil) }
            guard let handshake, queue.append(handshake, now: network.now) else { return tunnel.drops.add(.handshakeQueueFull) }
            return work()
        }
        let arrival = Arrival(sender: sender, source: nil, trafficClass: trafficClass)
        if let packet = open(datagram, arrival) {
            lastTrafficClass = packet[0] >> 4 == 4 ? packet[1] : packet[0] << 4 | packet[1] >> 4
            network.deliver(packet, at: self)
        }
        tunnel.finishInbound(at: time)
        attend()
    }

    private static func kind(of datagram: [UInt8]) throws(Refusal) -> MessageKind {
        unsafe try datagram.span.withUnsafeBytes { (bytes) throws(Refusal) in unsafe try MessageKind(of: bytes) }
    }

    private func open(_ datagram: [UInt8], _ arrival: Arrival) -> [UInt8]? {
        var datagram = datagram
        return unsafe datagram.withUnsafeMutableBytes { message in
            switch unsafe tunnel.prepareOpening(message, at: time) {
            case .dropped(let reason):
                tunnel.drops.add(reason)
            case .open(let job):
                guard
                    unsafe cipher.open(
                        counter: job.counter, key: job.key, sealed: job.sealed, count: job.sealedCount, into: job.sealed)
                else {
                    tunnel.drops.add(.badTag)
                    break
                }
                switch unsafe tunnel.accept(job, packet: job.sealed, arrival: arrival, at: time) {
                case .dropped(let reason): tunnel.drops.add(reason)
                case .keepalive: break
                case .deliver(let count): return unsafe Array(UnsafeRawBufferPointer(start: job.sealed, count: count))
                }
            }
            return nil
        }
    }

    // MARK: Handshakes and timers

    /// Does what is due, and asks to be woken up when more is.
    func attend() {
        while tunnel.needsAttention || tunnel.nextDeadline <= network.now {
            perform(tunnel.attend(at: time, using: &generator))
        }
        let deadline = tunnel.nextDeadline
        guard deadline < wakeUp else { return }
        wakeUp = deadline
        network.schedule(at: deadline) { [self] in
            guard wakeUp == deadline else { return }
            wakeUp = .distantFuture
            wakeUps += 1
            attend()
        }
    }

    private func perform(_ attention: Attention) {
        for datagram in attention.datagrams {
            transmit(datagram.bytes, to: datagram.endpoint, trafficClass: datagram.trafficClass)
        }
        for step in attention.steps { perform(step) }
    }

    /// Computes a step now and takes the result later: the tunnel may have changed meanwhile.
    private func perform(_ step: TunnelCore.HandshakeStep) {
        let outcome = step.perform()
        network.schedule(at: network.now + handshakeCost) { [self] in
            perform(tunnel.resume(outcome, at: time, using: &generator))
            attend()
        }
    }

    /// Works off the handshake queue, one message after the other; only those that are let through cost much.
    private func work() {
        guard !isWorking, let datagram = queue.popFirst() else { return }
        isWorking = true
        let isAdmitted = judge(datagram)
        attend()
        network.schedule(at: network.now + (isAdmitted ? handshakeCost : Interval(nanoseconds: 10_000))) { [self] in
            isWorking = false
            work()
        }
    }

    private func judge(_ datagram: HandshakeDatagram) -> Bool {
        guard let identity = tunnel.identity else {
            tunnel.drops.add(.noIdentity)
            return false
        }
        let isUnderLoad = queue.isUnderLoad(at: network.now)
        switch gate.judge(datagram, for: identity, isUnderLoad: isUnderLoad, at: network.now, using: &generator) {
        case .admit:
            if let step = tunnel.receive(datagram, at: time) { perform(step) }
            return true
        case .reply(let reply):
            transmit(reply.bytes, to: reply.endpoint, trafficClass: reply.trafficClass)
        case .drop(let reason):
            tunnel.drops.add(reason)
        }
        return false
    }
}
