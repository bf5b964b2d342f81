internal import LinuxSystem
internal import NetworkTypes
internal import PathRecording
internal import Synchronization
internal import TunAdapter
internal import TunnelCore
internal import WireGuardCrypto
internal import WireGuardProtocol

/// A packet's way out, from the interface to the encrypted datagram. It stays where the session laid it, in the receive ring: the header
/// goes in front of it, it is sealed in place, and the socket takes it from there.
///
/// ```
/// read -> arrange -> route -> seal -> send -> release
/// ```
@safe
struct OutboundPath: ~Copyable {
    /// Reads from the interface in one turn: small packets come one at a time, and share the costs of a turn.
    private static let reads = 64
    /// Packets of one turn, four super-packets of 64 KiB at an MTU of 1420: more would leave the cache, and keep the other direction
    /// waiting. Twice as many cost the same a byte, and a sixth more latency under load.
    private static let capacity = 184

    /// Turns of so few packets are looked through for questions that nobody answers.
    private static let quiet = 8

    private let engine: Engine
    private let cipher: TransportCipher
    private var packets: ReceivedBatch
    private var order = DepartureOrder(capacity: OutboundPath.capacity)
    private var v4: DatagramSendQueue
    private var v6: DatagramSendQueue
    private let jobs: UnsafeMutablePointer<CipherJob>
    private var jobCount = 0
    /// Bytes of the messages that the jobs make.
    private var messageBytes = 0
    /// Where messages that are owed are laid out.
    private let owed: UnsafeMutableRawPointer
    private static let owedCapacity = 1 << 18
    private var unreachable = UnreachableAnswers()
    /// Counts and reports what could not be sent.
    private var reporter = SendReporter()
    /// What those see who look on.
    private var notes = OutboundNotes(capacity: OutboundPath.capacity)

    init(_ engine: Engine) {
        self.engine = engine
        cipher = TransportCipher(engine.aead.backend)
        packets = ReceivedBatch(capacity: Self.capacity)
        v4 = DatagramSendQueue(capacity: Self.capacity, family: .v4)
        v6 = DatagramSendQueue(capacity: Self.capacity, family: .v6)
        unsafe jobs = .allocate(capacity: Self.capacity)
        unsafe owed = .allocate(byteCount: Self.owedCapacity, alignment: 64)
    }

    deinit {
        unsafe jobs.deallocate()
        unsafe owed.deallocate()
    }

    /// Takes what waits at the interface, up to a turn's worth.
    /// - Returns: how many packets there were.
    /// - Throws: when the session has ended.
    mutating func turn(to sockets: SocketPair, at time: TimePoint) throws(AdapterError) -> Int {
        var clock = StageClock()
        notes.begin(engine, at: time)
        try read()
        let count = packets.count
        guard count > 0 else { return 0 }
        let engine = engine
        let bytes = packets.byteCount
        clock.ended(.read, packets: count, bytes: bytes, engine)
        arrange()
        clock.ended(.arrange, packets: count, bytes: bytes, engine)
        engine.tunnel.withLock { tunnel in
            route(&tunnel, from: sockets.port, at: time)
            unsafe notes.routed(packets, order, jobs, tunnel)
            clock.ended(.route, packets: jobCount, bytes: messageBytes, engine)
            seal()
            tunnel.finishOutbound(at: time)
            if tunnel.needsAttention { engine.attention.signal() }
            if tunnel.needsSending { engine.control.signal() }
        }
        clock.ended(.seal, packets: jobCount, bytes: messageBytes, engine)
        let sent = send(to: sockets, at: time)
        unsafe notes.sent(v4, v6, jobs, sockets, engine.aead.backend)
        clock.ended(.send, packets: sent.datagrams, bytes: sent.bytes, engine)
        if jobCount > 0 { engine.counters.outbound.record(latency: clock.elapsed, packets: jobCount) }
        release()
        clock.ended(.release, packets: count, bytes: bytes, engine)
        notes.finish(clock)
        unreachable.send(through: engine.session)
        return count
    }

    /// Sends what peers are owed without a packet from the interface: packets that waited for a session, keepalives. It takes the same way,
    /// from memory of its own; a turn's worth, then the loop is woken for the rest.
    mutating func sendOwed(to sockets: SocketPair, at time: TimePoint) {
        let engine = engine
        var clock = StageClock()
        jobCount = 0
        messageBytes = 0
        notes.begin(engine, at: time)
        engine.tunnel.withLock { tunnel in
            guard tunnel.needsSending else { return }
            var used = 0
            while jobCount < Self.capacity {
                // SAFETY: `used` is within the memory.
                let room = unsafe UnsafeMutableRawBufferPointer(start: owed + used, count: Self.owedCapacity - used)
                guard let message = unsafe tunnel.nextOwed(into: room, at: time) else { break }
                guard let destination = tunnel.destination(of: message.slot) else { continue }
                begin(destination)
                unsafe (jobs + jobCount).initialize(to: message.job.cipherJob)
                jobCount += 1
                append(message.job, trafficClass: message.trafficClass)
                notes.owes(message, tunnel)
                used += message.job.messageCount
            }
            messageBytes = used
            clock.ended(.route, packets: jobCount, bytes: used, engine)
            seal()
            tunnel.finishOutbound(at: time)
            if tunnel.needsAttention { engine.attention.signal() }
            if tunnel.needsSending { engine.control.signal() }
        }
        guard jobCount > 0 else { return }
        clock.ended(.seal, packets: jobCount, bytes: messageBytes, engine)
        let sent = send(to: sockets, at: time)
        unsafe notes.sent(v4, v6, jobs, sockets, engine.aead.backend)
        clock.ended(.send, packets: sent.datagrams, bytes: sent.bytes, engine)
        notes.finish(clock)
    }

    /// The session splits super-packets into the ring, each packet with room around it.
    private mutating func read() throws(AdapterError) {
        _ = try engine.session.receive(into: &packets, superPackets: Self.reads)
    }

    /// Flows that send little go ahead of those that fill the turn.
    private mutating func arrange() {
        order.arrange(packets)
    }

    /// Looks up whose each packet is, writes its header, and queues the datagram it will be.
    @inline(never)
    private mutating func route(_ tunnel: inout Tunnel, from port: UInt16, at time: TimePoint) {
        jobCount = 0
        messageBytes = 0
        var lastDestination: IPAddress?
        var slot: UInt32?
        let isQuiet = packets.count <= Self.quiet
        for position in 0..<packets.count {
            let bytes = unsafe packets.unsafeBytes(at: order[position])
            guard let header = unsafe IPPacketHeader(UnsafeRawBufferPointer(bytes)), header.totalLength == bytes.count else {
                unsafe drop(.malformed, position, bytes, of: nil, &tunnel, at: time)
                continue
            }
            if header.destination != lastDestination {
                lastDestination = header.destination
                slot = tunnel.route(header.destination)
                if let slot, let destination = tunnel.destination(of: slot) { begin(destination) }
            }
            guard let slot else {
                unsafe drop(.noPeerForDestination, position, bytes, of: nil, &tunnel, at: time)
                unsafe unreachable.add(UnsafeRawBufferPointer(bytes))
                continue
            }
            guard unsafe !tunnel.isOwnDatagram(UnsafeRawBufferPointer(bytes), header, to: slot, from: port, at: time) else {
                unsafe drop(.ownDatagram, position, bytes, of: slot, &tunnel, at: time)
                continue
            }
            if isQuiet { unsafe tunnel.noteQuestion(UnsafeRawBufferPointer(bytes), header, to: slot, at: time) }
            switch unsafe tunnel.prepare(bytes.baseAddress!, count: bytes.count, to: slot, at: time) {
            case .seal(let job):
                unsafe (jobs + jobCount).initialize(to: job.cipherJob)
                jobCount += 1
                messageBytes += job.messageCount
                append(job, trafficClass: header.ecn.rawValue)
            case .staged:
                notes.waits(position)
            case .dropped(let reason):
                unsafe drop(reason, position, bytes, of: slot, &tunnel, at: time)
                if reason == .noEndpoint { unsafe unreachable.add(UnsafeRawBufferPointer(bytes)) }
            }
        }
    }

    /// Counts a packet that goes no further.
    @inline(never)
    private mutating func drop(
        _ reason: DropReason, _ position: Int, _ packet: UnsafeMutableRawBufferPointer, of slot: UInt32?, _ tunnel: inout Tunnel,
        at time: TimePoint
    ) {
        unsafe tunnel.drop(reason, packet: UnsafeRawBufferPointer(packet), to: slot, at: time)
        notes.dropped(position, reason)
    }

    private var sendsV6 = false

    private mutating func begin(_ destination: (endpoint: Endpoint, source: EndpointSource?, peer: PeerReference)) {
        // The queues have room for a whole batch, so neither `begin` nor `append` can find them full.
        if case .v6 = destination.endpoint.address {
            sendsV6 = true
            _ = v6.begin(destination.endpoint, from: destination.source, tag: destination.peer.rawValue)
        } else {
            sendsV6 = false
            _ = v4.begin(destination.endpoint, from: destination.source, tag: destination.peer.rawValue)
        }
    }

    private mutating func append(_ job: SealJob, trafficClass: UInt8) {
        if sendsV6 {
            _ = unsafe v6.append(job.message, count: job.messageCount, trafficClass: trafficClass)
        } else {
            _ = unsafe v4.append(job.message, count: job.messageCount, trafficClass: trafficClass)
        }
    }

    /// Encrypts and authenticates every payload in place.
    private func seal() {
        unsafe engine.perform(jobs, count: jobCount, cipher: cipher)
    }

    /// Super-datagrams leave in as few system calls as there are sockets to send to.
    /// - Returns: what the kernel took.
    private mutating func send(to sockets: SocketPair, at time: TimePoint) -> (datagrams: Int, bytes: Int) {
        if sockets.isClosed {
            // Read before the interface went down.
            v4.removeAll()
            v6.removeAll()
        }
        var sent = (datagrams: 0, bytes: 0)
        if !v4.isEmpty {
            let report = v4.flush(to: sockets.v4, now: time.now)
            sent = (report.sentDatagrams, report.sentBytes)
            reporter.take(report, of: v4, engine)
        }
        if !v6.isEmpty {
            let report = v6.flush(to: sockets.v6, now: time.now)
            sent = (sent.datagrams + report.sentDatagrams, sent.bytes + report.sentBytes)
            reporter.take(report, of: v6, engine)
        }
        return sent
    }

    private mutating func release() {
        engine.session.release(&packets)
    }
}
