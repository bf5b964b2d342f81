package import NetworkTypes
package import SeededRandom
package import TunnelCore
package import WireGuardCrypto
package import WireGuardProtocol

/// One machine of a ``SimulatedNetwork``: a tunnel with what an engine adds to it, but no thread and no socket.
package final class SimulatedNode {
    package let number: Int
    package let privateKey: PrivateKey
    package unowned let network: SimulatedNetwork
    package var tunnel: Tunnel
    package var gate: HandshakeGate
    package var queue = HandshakeQueue()
    package var generator: SplitMix64
    package let cipher = TransportCipher()
    /// Where others see this node's datagrams come from; a NAT may change it.
    package var endpoint: Endpoint
    /// How far the wall clock is off, in nanoseconds.
    package var wallClockOffset: Int64 = 0
    /// The latest that it ever showed, as such an offset.
    package private(set) var greatestWallClockOffset: Int64 = 0
    /// What one handshake message costs.
    package var handshakeCost = Interval.milliseconds(1)
    /// Whether one thread does all steps, as the engine's: some messages, then a share of what is due. Else each step has a processor of
    /// its own.
    package var hasOneThread = false
    var stepsUnderWay = 0
    var busyUntil = Instant(nanoseconds: 0)
    var messagesOfTurn = 0
    /// Messages that the one thread takes before it looks at what is due.
    static let messagesAtATime = 32
    /// Turns at the latest instant that had any.
    var turns = 0
    var latestTurn = Instant(nanoseconds: 0)
    static let mostTurnsOfAnInstant = 10_000
    var isWorking = false
    var wakeUp = Instant.distantFuture
    package private(set) var isSuspended = false
    /// Since somebody last asked.
    package var wasSuspended = false
    private var inbox: [(datagram: [UInt8], sender: Endpoint, trafficClass: UInt8)] = []
    /// As many datagrams as a socket keeps for a program that sleeps.
    private static let inboxCapacity = 200
    /// As many handshake messages wait at most, whatever comes; what the queue itself thinks of as its end is not asked.
    private static let mostWaitingHandshakes = 1024
    private var postponed: [() -> Void] = []
    /// What the tunnel was told, in the plainest form.
    package private(set) var routing = NaiveRouting()
    private var presharedKeys: [PublicKey: PresharedKey] = [:]

    /// Numbers of the packets that arrived, in order.
    package var delivered: [UInt64] = []
    package var lastTrafficClass: UInt8 = 0
    /// How often the timers woke this node up.
    package var wakeUps = 0
    /// What happened, in order.
    package var events: [TunnelEvent] = []
    /// Datagrams sent, by kind.
    package var sent: [MessageKind: Int] = [:]

    package init(number: Int, network: SimulatedNetwork) {
        self.number = number
        self.network = network
        generator = SplitMix64(seed: network.random.next())
        privateKey = PrivateKey.random(using: &generator)
        endpoint = Endpoint(address: .v4(IPv4Address(rawValue: 0xc633_6400 + UInt32(number))), port: 51820)
        gate = HandshakeGate(at: network.now, using: &generator)
        tunnel = Tunnel(mtu: 1420, seed: network.random.next())
        restart()
    }

    package var publicKey: PublicKey { privateKey.publicKey }
    package var address: IPAddress { .v4(IPv4Address(rawValue: 0x0a00_0000 + UInt32(number))) }
    package var addressV6: IPAddress { .v6(IPv6Address(high: 0xfd00 << 48, low: UInt64(number))) }

    package var time: TimePoint {
        let unixNanoseconds = Int64(1_700_000_000_000_000_000 + network.now.nanoseconds) + wallClockOffset
        // Before 1970 it is 1970.
        return TimePoint(now: network.now, unixNanoseconds: UInt64(max(unixNanoseconds, 0)))
    }

    /// Somebody sets the wall clock: to between 1950 and 2150, which 64 bits hold with everything that is added.
    package func moveClock(bySeconds seconds: Int64) {
        wallClockOffset = min(max(wallClockOffset + seconds * 1_000_000_000, -2_300_000_000_000_000_000), 4_000_000_000_000_000_000)
        greatestWallClockOffset = max(greatestWallClockOffset, wallClockOffset)
    }

    /// Forgets every session and peer, as a machine that lost power.
    package func restart() {
        routing = NaiveRouting()
        presharedKeys = [:]
        network.oracle?.restart(self)
        tunnel = Tunnel(mtu: 1420, seed: generator.next())
        gate = HandshakeGate(at: network.now, using: &generator)
        queue = HandshakeQueue()
        var update = TunnelUpdate()
        update.privateKey = privateKey
        apply(update)
    }

    package func apply(_ update: TunnelUpdate) {
        routing.apply(update, own: publicKey)
        for peer in update.peers {
            if peer.removes {
                presharedKeys[peer.publicKey] = nil
            } else if let key = peer.presharedKey {
                presharedKeys[peer.publicKey] = key
            }
        }
        network.oracle?.apply(update, at: self)
        tunnel.apply(update, at: time)
        attend()
    }

    /// Adds or changes a peer.
    package func configure(_ peer: SimulatedNode, _ change: (inout PeerUpdate) -> Void) {
        var update = PeerUpdate(publicKey: peer.publicKey)
        change(&update)
        var whole = TunnelUpdate()
        whole.peers = [update]
        apply(whole)
    }

    /// The preshared key with a peer; zeros for none.
    func presharedKey(of peer: PublicKey) -> PresharedKey { presharedKeys[peer] ?? .zero }

    package func snapshot(of peer: SimulatedNode) -> PeerSnapshot? {
        tunnel.snapshot(listenPort: 51820, firewallMark: 0).peers.first { $0.publicKey == peer.publicKey }
    }

    // MARK: Sleep

    /// The machine sleeps, or the program is stopped: nothing is done until it wakes up.
    /// - Parameter keepsDatagrams: whether a socket goes on receiving meanwhile.
    package func suspend(for interval: Interval, keepsDatagrams: Bool) {
        guard !isSuspended else { return }
        isSuspended = true
        wasSuspended = true
        network.schedule(at: network.now + interval) { [self] in
            isSuspended = false
            let (actions, datagrams) = (postponed, keepsDatagrams ? inbox : [])
            postponed = []
            inbox = []
            network.oracle?.wakesUp(self)
            for action in actions { action() }
            for datagram in datagrams { receive(datagram.datagram, from: datagram.sender, trafficClass: datagram.trafficClass) }
            attend()
        }
    }

    func schedule(at time: Instant, _ action: @escaping () -> Void) {
        network.schedule(at: time) { [self] in
            if isSuspended { postponed.append(action) } else { action() }
        }
    }

    // MARK: Data

    /// Puts a packet into the interface. Returns what became of it.
    @discardableResult
    package func send(_ packet: [UInt8]) -> DropReason? {
        let destination = unsafe packet.withUnsafeBytes { unsafe IPPacketHeader($0)?.destination }
        var dropped: DropReason? = destination == nil ? .malformed : .noPeerForDestination
        if let destination, let slot = tunnel.route(destination) { dropped = seal(packet, to: slot) }
        if let dropped { tunnel.drops.add(dropped) }
        return dropped
    }

    /// Sends anything at all to a peer as if it were a packet: what only a liar does.
    /// - Parameter counter: what the message is numbered with, whatever its turn is; nil for its turn.
    package func sendUnchecked(_ bytes: [UInt8], to peer: SimulatedNode, counter: UInt64? = nil) {
        guard let slot = tunnel.route(peer.address), tunnel.publicKey(at: slot) == peer.publicKey else { return }
        _ = seal(bytes, to: slot, falseCounter: counter)
    }

    private func seal(_ packet: [UInt8], to slot: UInt32, falseCounter: UInt64? = nil) -> DropReason? {
        guard !isSuspended else { return nil }
        let headroom = TransportMessage.headerByteCount
        var room = [UInt8](repeating: 0xee, count: headroom) + packet + [UInt8](repeating: 0xee, count: 31)
        var datagram: (bytes: [UInt8], trafficClass: UInt8, to: Endpoint)?
        let peer = tunnel.publicKey(at: slot)
        let dropped: DropReason? = unsafe room.withUnsafeMutableBytes { room in
            let inner = unsafe room.baseAddress! + headroom
            let header = unsafe IPPacketHeader(UnsafeRawBufferPointer(start: inner, count: packet.count))
            if let header {
                unsafe tunnel.noteQuestion(UnsafeRawBufferPointer(start: inner, count: packet.count), header, to: slot, at: time)
            }
            switch unsafe tunnel.prepare(inner, count: packet.count, to: slot, at: time) {
            case .dropped(let reason): return reason
            case .staged:
                if let peer { network.oracle?.waits(self, for: peer) }
                return nil
            case .seal(let job):
                if falseCounter == nil {
                    unsafe network.noteSealed(key: UnsafeRawPointer(job.key).loadUnaligned(as: NonceLedger.Key.self), counter: job.counter)
                }
                unsafe cipher.seal(
                    counter: falseCounter ?? job.counter, key: job.key, plaintext: job.message + headroom, count: job.payloadCount,
                    into: job.message + headroom)
                guard let destination = tunnel.destination(of: slot) else { return .noEndpoint }
                unsafe datagram = (
                    Array(UnsafeRawBufferPointer(start: job.message, count: job.messageCount)), header?.ecn.rawValue ?? 0,
                    destination.endpoint
                )
                return nil
            }
        }
        if var datagram {
            if let peer { network.oracle?.sendsData(datagram.bytes, self, to: peer) }
            if let falseCounter {
                datagram.bytes.replaceSubrange(8..<16, with: (0..<8).map { UInt8(truncatingIfNeeded: falseCounter >> (8 * $0)) })
            }
            transmit(datagram.bytes, to: datagram.to, trafficClass: datagram.trafficClass)
        }
        tunnel.finishOutbound(at: time)
        attend()
        return dropped
    }

    func transmit(_ bytes: [UInt8], to destination: Endpoint, trafficClass: UInt8) {
        if let kind = try? Self.kind(of: bytes) { sent[kind, default: 0] += 1 }
        network.carry(bytes, from: self, to: destination, trafficClass: trafficClass)
    }

    /// Takes a datagram from the network.
    package func receive(_ datagram: [UInt8], from sender: Endpoint, trafficClass: UInt8) {
        guard !isSuspended else {
            if inbox.count < Self.inboxCapacity { inbox.append((datagram, sender, trafficClass)) }
            return
        }
        let kind: MessageKind
        do throws(Refusal) {
            kind = try Self.kind(of: datagram)
        } catch {
            return tunnel.drop(DropReason(error), from: sender, at: time)
        }
        guard kind == .transport else {
            let handshake = unsafe datagram.withUnsafeBytes { unsafe HandshakeDatagram($0, from: sender, at: nil) }
            guard let handshake, queue.append(handshake, now: network.now) else {
                return tunnel.drop(.handshakeQueueFull, from: sender, at: time)
            }
            if queue.count > Self.mostWaitingHandshakes { network.note("node \(number)'s handshake queue grows to \(queue.count)") }
            return hasOneThread ? attend() : work()
        }
        let arrival = Arrival(sender: sender, source: nil, trafficClass: trafficClass)
        let packet = open(datagram, arrival)
        tunnel.finishInbound(at: time)
        if let packet {
            lastTrafficClass = packet[0] >> 4 == 4 ? packet[1] : packet[0] << 4 | packet[1] >> 4
            network.deliver(packet, at: self)
        }
        attend()
    }

    private static func kind(of datagram: [UInt8]) throws(Refusal) -> MessageKind {
        unsafe try datagram.span.withUnsafeBytes { (bytes) throws(Refusal) in unsafe try MessageKind(of: bytes) }
    }

    private func open(_ datagram: [UInt8], _ arrival: Arrival) -> [UInt8]? {
        let original = datagram
        var datagram = datagram
        return unsafe datagram.withUnsafeMutableBytes { message in
            switch unsafe tunnel.prepareOpening(message, at: time) {
            case .dropped(let reason):
                tunnel.drop(reason, from: arrival.sender, at: time)
            case .open(let job):
                guard
                    unsafe cipher.open(
                        counter: job.counter, key: job.key, sealed: job.sealed, count: job.sealedCount, into: job.sealed)
                else {
                    tunnel.drop(.badTag, from: arrival.sender, at: time)
                    break
                }
                let index = HandshakeOracle.index(original, at: 4)
                let key = unsafe UnsafeRawPointer(job.key).loadUnaligned(as: NonceLedger.Key.self)
                let endpoint = tunnel.destination(of: job.slot)?.endpoint
                let result = unsafe tunnel.accept(job, packet: job.sealed, arrival: arrival, at: time)
                if tunnel.destination(of: job.slot)?.endpoint != (result.isNew ? arrival.sender : endpoint) {
                    network.note("node \(number) did not follow a peer, or followed somebody else")
                }
                if result.isNew {
                    network.noteOpened(key: key, counter: job.counter, datagram: original)
                    if let peer = tunnel.owner(ofIndex: index) {
                        network.oracle?.receivedData(self, from: peer, on: index, isKeepalive: job.payloadCount == 0)
                    }
                }
                switch result {
                case .dropped(let reason): tunnel.drop(reason, from: arrival.sender, at: time)
                case .keepalive: break
                case .deliver(let count): return unsafe Array(UnsafeRawBufferPointer(start: job.sealed, count: count))
                }
            }
            return nil
        }
    }
}

extension Tunnel.Inbound {
    /// Whether the message was authentic and not seen before, whatever it had inside.
    fileprivate var isNew: Bool {
        switch self {
        case .deliver, .keepalive: true
        case .dropped(let reason): reason != .replay && reason != .tooOld && reason != .unknownIndex
        }
    }
}
