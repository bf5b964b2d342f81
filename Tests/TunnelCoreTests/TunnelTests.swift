import NetworkTypes
import SeededRandom
import Testing
import WireGuardCrypto
import WireGuardProtocol

@testable import TunnelCore

/// A tunnel with what an engine adds: sealing, opening, performing steps.
struct Node: ~Copyable {
    var tunnel: Tunnel
    var generator: SplitMix64
    let endpoint: Endpoint
    let cipher = TransportCipher()
    var delivered: [[UInt8]] = []
    var outbox: [OutgoingDatagram] = []

    init(seed: UInt64, endpoint: Endpoint) {
        generator = SplitMix64(seed: seed)
        tunnel = Tunnel(mtu: 1420, seed: seed)
        self.endpoint = endpoint
    }

    mutating func attend(_ time: TimePoint) {
        var attention = tunnel.attend(at: time, using: &generator)
        outbox += attention.datagrams
        while let step = attention.steps.popLast() {
            let more = tunnel.resume(step.perform(), at: time, using: &generator)
            outbox += more.datagrams
            attention.steps += more.steps
        }
        if tunnel.needsAttention { attend(time) }
        sendOwed(time)
    }

    private mutating func sendOwed(_ time: TimePoint) {
        var room = [UInt8](repeating: 0, count: Tunnel.largestOwedMessage)
        unsafe room.withUnsafeMutableBytes { room in
            while let message = unsafe tunnel.nextOwed(into: room, at: time) {
                let job = message.job
                unsafe cipher.seal(
                    counter: job.counter, key: job.key, plaintext: job.message + 16, count: job.payloadCount, into: job.message + 16)
                let destination = tunnel.destination(of: message.slot)!
                let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: job.message, count: job.messageCount))
                outbox.append(
                    OutgoingDatagram(
                        bytes: bytes, endpoint: destination.endpoint, source: destination.source, trafficClass: message.trafficClass))
            }
        }
        tunnel.finishOutbound(at: time)
    }

    mutating func send(_ packet: [UInt8], _ time: TimePoint) -> DropReason? {
        var buffer = [UInt8](repeating: 0, count: packet.count + 64)
        buffer.replaceSubrange(16..<16 + packet.count, with: packet)
        var reason: DropReason?
        unsafe buffer.withUnsafeMutableBytes { memory in
            let start = unsafe memory.baseAddress! + 16
            let header = unsafe IPPacketHeader(UnsafeRawBufferPointer(start: start, count: packet.count))!
            guard let slot = tunnel.route(header.destination) else {
                reason = .noPeerForDestination
                return
            }
            switch unsafe tunnel.prepare(start, count: packet.count, to: slot, at: time) {
            case .seal(let job):
                unsafe cipher.seal(
                    counter: job.counter, key: job.key, plaintext: job.message + 16, count: job.payloadCount, into: job.message + 16)
                let destination = tunnel.destination(of: slot)!
                let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: job.message, count: job.messageCount))
                outbox.append(
                    OutgoingDatagram(
                        bytes: bytes, endpoint: destination.endpoint, source: destination.source, peer: destination.peer,
                        trafficClass: header.ecn.rawValue))
            case .staged: break
            case .dropped(let why): reason = why
            }
        }
        tunnel.finishOutbound(at: time)
        attend(time)
        return reason
    }

    mutating func receive(_ datagram: OutgoingDatagram, from sender: Endpoint, at source: EndpointSource? = nil, _ time: TimePoint) {
        var bytes = datagram.bytes
        if bytes[0] != 4 {
            let message = unsafe bytes.withUnsafeBytes { unsafe HandshakeDatagram($0, from: sender, at: source) }!
            if let step = tunnel.receive(message, at: time) {
                var steps = [step]
                while let step = steps.popLast() {
                    let more = tunnel.resume(step.perform(), at: time, using: &generator)
                    outbox += more.datagrams
                    steps += more.steps
                }
            }
            attend(time)
            return
        }
        let arrival = Arrival(sender: sender, source: source, trafficClass: datagram.trafficClass)
        unsafe bytes.withUnsafeMutableBytes { memory in
            switch unsafe tunnel.prepareOpening(memory, at: time) {
            case .dropped(let reason): tunnel.drops.add(reason)
            case .open(let job):
                guard unsafe cipher.open(counter: job.counter, key: job.key, sealed: job.sealed, count: job.sealedCount, into: job.sealed)
                else { return tunnel.drops.add(.badTag) }
                switch unsafe tunnel.accept(job, packet: job.sealed, arrival: arrival, at: time) {
                case .deliver(let count): unsafe delivered.append([UInt8](UnsafeRawBufferPointer(start: job.sealed, count: count)))
                case .keepalive: break
                case .dropped(let reason): tunnel.drops.add(reason)
                }
            }
        }
        tunnel.finishInbound(at: time)
        attend(time)
    }
}

func ipv4Packet(from source: UInt32, to destination: UInt32, payload: Int = 40) -> [UInt8] {
    var packet = [UInt8](repeating: 0x2a, count: 20 + payload)
    packet[0] = 0x45
    packet[2] = UInt8((20 + payload) >> 8)
    packet[3] = UInt8((20 + payload) & 255)
    for i in 0..<4 {
        packet[12 + i] = UInt8(truncatingIfNeeded: source >> UInt32(24 - 8 * i))
        packet[16 + i] = UInt8(truncatingIfNeeded: destination >> UInt32(24 - 8 * i))
    }
    return packet
}

@Suite struct TunnelTests {
    @Test func `two tunnels make a session for the first packet and carry packets both ways`() throws {
        var time = TimePoint(now: Instant(nanoseconds: 1 << 40), unixNanoseconds: 1_700_000_000_000_000_000)
        let endpoints = [Endpoint("192.0.2.1:51820")!, Endpoint("192.0.2.2:51820")!]
        var left = Node(seed: 1, endpoint: endpoints[0])
        var right = Node(seed: 2, endpoint: endpoints[1])
        let keys = [PrivateKey.random(using: &left.generator), PrivateKey.random(using: &right.generator)]
        var update = TunnelUpdate()
        update.privateKey = .some(keys[0])
        var peer = PeerUpdate(publicKey: keys[1].publicKey)
        peer.endpoint = endpoints[1]
        peer.allowedIPs = [AllowedIPChange(IPPrefix("10.0.0.2/32")!)]
        update.peers = [peer]
        left.tunnel.apply(update, at: time)
        update.privateKey = .some(keys[1])
        peer = PeerUpdate(publicKey: keys[0].publicKey)
        peer.allowedIPs = [AllowedIPChange(IPPrefix("10.0.0.1/32")!)]
        update.peers = [peer]
        right.tunnel.apply(update, at: time)

        let there = ipv4Packet(from: 0x0a00_0001, to: 0x0a00_0002, payload: 1400)
        let back = ipv4Packet(from: 0x0a00_0002, to: 0x0a00_0001)
        #expect(right.send(back, time) == .noEndpoint)
        #expect(left.send(there, time) == nil)
        #expect(left.send(ipv4Packet(from: 0x0a00_0001, to: 0x0a00_0003), time) == .noPeerForDestination)
        for _ in 0..<10 {
            time.now = time.now + .milliseconds(10)
            for datagram in left.outbox.splice() { right.receive(datagram, from: endpoints[0], time) }
            for datagram in right.outbox.splice() { left.receive(datagram, from: endpoints[1], time) }
        }
        #expect(right.delivered == [there])
        #expect(right.send(back, time) == nil)
        for datagram in right.outbox.splice() { left.receive(datagram, from: endpoints[1], time) }
        #expect(left.delivered == [back])
        #expect(left.tunnel.drops.total == 0)
        #expect(right.tunnel.drops.total == 0)
        #expect(right.tunnel.snapshot(listenPort: 0, firewallMark: 0).peers[0].endpoint == endpoints[0])
    }
}

extension Array {
    /// Takes all elements out.
    fileprivate mutating func splice() -> [Element] {
        defer { removeAll() }
        return self
    }
}
