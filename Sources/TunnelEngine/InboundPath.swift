internal import LinuxSystem
internal import NetworkTypes
internal import PathRecording
internal import Synchronization
internal import TunAdapter
internal import TunnelCore
internal import WireGuardCrypto
internal import WireGuardProtocol

/// A packet's way in, from the encrypted datagram to the interface. It is opened straight into its slot of the send ring; the
/// session coalesces neighbours of one flow and writes them together.
///
/// ```
/// receive -> sort -> find -> open -> accept -> deliver
/// ```
@safe
struct InboundPath: ~Copyable {
    /// Messages received in one system call: as many lone datagrams as there are on a super-packet's way.
    private static let messageCapacity = 64
    /// The datagrams that one system call is meant to bring. Its cost hardly shows with as many, and what is delivered at once fits into
    /// an application's socket buffer: with four times as many, a third of a UDP stream was dropped there.
    private static let wantedDatagrams = 90
    /// After so many the receiving programs are given way to, on processors that they share with this thread.
    private static let yieldingDatagrams = 16
    /// Datagrams opened and delivered together; today's kernels merge at most 64 into a super-datagram, 128 are possible.
    private static let capacity = 256

    /// Turns of so few datagrams are looked through for questions that nobody answers.
    private static let quiet = 8

    private let engine: Engine
    private let cipher: TransportCipher
    private var messages = DatagramReceiveBatch(capacity: InboundPath.messageCapacity)
    /// The messages to ask for, by what the last ones held: two super-datagrams, or many lone ones.
    private var wantedMessages = 2
    /// The first message that is not sorted yet.
    private var nextMessage = 0
    private var slots = OutgoingBatch(capacity: InboundPath.capacity)
    private let datagrams: UnsafeMutablePointer<Datagram>
    private var datagramCount = 0
    private let handshakes: UnsafeMutablePointer<Datagram>
    private var handshakeCount = 0
    /// What ``sort(at:)`` drops, for the tunnel's counters.
    private var refused = DropCounters()
    /// The last of them, and the message that it was in.
    private var lastRefused: (reason: DropReason, message: Int)?

    /// A data message before it is looked at more closely.
    @safe
    private struct Datagram {
        var bytes: UnsafeMutableRawBufferPointer
        var slot: Int
        var message: Int
    }

    /// A data message whose session was found.
    private struct Found {
        var job: OpenJob
        var datagram: Datagram
    }

    private let found: UnsafeMutablePointer<Found>
    private let jobs: UnsafeMutablePointer<CipherJob>
    private var jobCount = 0
    /// Bytes of the messages that the jobs open.
    private var messageBytes = 0
    /// Packets that may be delivered, and their bytes.
    private var acceptedCount = 0
    private var acceptedBytes = 0

    /// What those see who look on.
    private var notes = InboundNotes(capacity: InboundPath.capacity)

    /// Where keepalives are opened to.
    private let scratch: UnsafeMutableRawPointer

    init(_ engine: Engine) {
        self.engine = engine
        cipher = TransportCipher(engine.aead.backend)
        unsafe datagrams = .allocate(capacity: Self.capacity)
        unsafe handshakes = .allocate(capacity: Self.capacity)
        unsafe found = .allocate(capacity: Self.capacity)
        unsafe jobs = .allocate(capacity: Self.capacity)
        unsafe scratch = .allocate(byteCount: 64, alignment: 64)
    }

    deinit {
        unsafe datagrams.deallocate()
        unsafe handshakes.deallocate()
        unsafe found.deallocate()
        unsafe jobs.deallocate()
        unsafe scratch.deallocate()
    }

    /// The errno with which the last turn's receive failed; 0 if it didn't.
    var receiveError: Int32 { messages.error }
    /// Whether the last turn received anything.
    var hasReceived: Bool { messages.count > 0 }

    /// Sees who looks on, and lets go of recordings that have ended, though nothing may ever be received again.
    mutating func heedReaders(at time: TimePoint) {
        notes.begin(engine, port: 0, at: time)
    }

    /// Takes what waits at `socket`, up to a turn's worth.
    /// - Returns: how many data messages there were.
    mutating func turn(from socket: UDPSocket, at time: TimePoint) -> Int {
        var clock = StageClock()
        notes.begin(engine, port: socket.port, at: time)
        receive(from: socket)
        clock.ended(.receive, packets: 0, bytes: 0, engine)
        var taken = 0
        var received = (datagrams: 0, bytes: 0)
        while nextMessage < messages.count {
            let sorted = sort(at: time)
            clock.ended(.sort, packets: sorted.datagrams, bytes: sorted.bytes, engine)
            if datagramCount > 0 { take(&clock, at: time) }
            notes.finish(clock)
            taken += datagramCount
            received = (received.datagrams + sorted.datagrams, received.bytes + sorted.bytes)
        }
        // Only now are super-datagrams cut, and known for what they were.
        engine.counters.inbound.count(
            stage: InboundStage.receive.rawValue, packets: received.datagrams, bytes: received.bytes)
        // Whoever was given much gets to take it before there is more: else a busy receiver's socket buffer overflows.
        if taken >= Self.yieldingDatagrams { SystemThread.yield() }
        return taken
    }

    /// What becomes of the data messages that were sorted out.
    private mutating func take(_ clock: inout StageClock, at time: TimePoint) {
        let engine = engine
        engine.tunnel.withLock { tunnel in
            find(&tunnel, at: time)
            clock.ended(.find, packets: jobCount, bytes: messageBytes, engine)
            open()
            clock.ended(.open, packets: jobCount, bytes: messageBytes, engine)
            accept(&tunnel, at: time)
            unsafe notes.accepted(jobs, tunnel, engine.aead.backend)
            tunnel.finishInbound(at: time)
            if tunnel.needsAttention { engine.attention.signal() }
            if tunnel.hasRouteQuestions { engine.routes?.peersChanged() }
            if tunnel.needsSending { engine.control.signal() }
        }
        clock.ended(.accept, packets: acceptedCount, bytes: acceptedBytes, engine)
        deliver()
        clock.ended(.deliver, packets: acceptedCount, bytes: acceptedBytes, engine)
        if jobCount > 0 { engine.counters.inbound.record(latency: clock.elapsed, packets: jobCount) }
    }

    private mutating func receive(from socket: UDPSocket) {
        messages.receive(from: socket, atMost: wantedMessages)
        nextMessage = 0
    }

    /// Separates data from handshakes, and makes room for the packets in the send ring; of as many messages as there is room for.
    /// - Returns: what these messages held.
    private mutating func sort(at time: TimePoint) -> (datagrams: Int, bytes: Int) {
        datagramCount = 0
        handshakeCount = 0
        refused = DropCounters()
        lastRefused = nil
        var sorted = 0
        var bytes = 0
        let firstMessage = nextMessage
        while nextMessage < messages.count {
            let index = nextMessage
            let message = messages.message(at: index)
            let segment = message.segmentSize
            let total = unsafe message.bytes.count
            let count = (total + segment - 1) / segment
            if sorted > 0 && sorted + count > Self.capacity { break }
            sorted += count
            bytes += total
            nextMessage += 1
            let first = slots.count
            // A slot for each datagram that carries a packet; the last may be shorter, and a keepalive needs none.
            let payload = segment - TransportMessage.overhead
            let lastPayload = total - (count - 1) * segment - TransportMessage.overhead
            let slotCount = payload <= 0 ? 0 : lastPayload > 0 ? count : count - 1
            let hasRoom =
                slotCount == 0
                || engine.session.allocate(
                    count: slotCount, size: payload, lastSize: slotCount == count ? lastPayload : payload, into: &slots)
            unsafe split(message.bytes, segment, message: index, firstSlot: first, slotCount: hasRoom ? slotCount : 0)
        }
        if sorted > 0 {
            wantedMessages = max(2, min(Self.messageCapacity, Self.wantedDatagrams * (nextMessage - firstMessage) / sorted))
        }
        if handshakeCount > 0 { post(at: time) }
        if let lastRefused {
            let sender = messages.sender(at: lastRefused.message)
            engine.tunnel.withLock { $0.drop(refused, last: lastRefused.reason, from: sender, at: time) }
        }
        // Only a flush takes abandoned slots out of the ring: a flood of anything else must not fill it.
        if datagramCount == 0 { deliver() }
        return (sorted, bytes)
    }

    /// Sorts the datagrams of one super-datagram.
    @inline(never)
    private mutating func split(
        _ message: UnsafeMutableRawBufferPointer, _ segment: Int, message index: Int, firstSlot: Int, slotCount: Int
    ) {
        var start = 0
        var number = 0
        while start < message.count {
            let size = min(segment, message.count - start)
            let bytes = unsafe UnsafeMutableRawBufferPointer(rebasing: message[start..<start + size])
            let slot = number < slotCount ? firstSlot + number : -1
            start += size
            number += 1
            switch unsafe Self.kind(of: bytes) {
            case .transport where slot < 0 && size > TransportMessage.overhead:
                unsafe refuse(bytes, of: index, .interfaceQueueFull)
            case .transport where datagramCount == Self.capacity:
                unsafe refuse(bytes, of: index, .interfaceQueueFull)
                if slot >= 0 { slots.abandon(slot) }
            case .transport:
                unsafe datagrams[datagramCount] = Datagram(bytes: bytes, slot: slot, message: index)
                datagramCount += 1
            case .handshakeInitiation, .handshakeResponse, .cookieReply:
                if slot >= 0 { slots.abandon(slot) }
                if handshakeCount == Self.capacity {
                    unsafe refuse(bytes, of: index, .handshakeQueueFull)
                } else {
                    unsafe handshakes[handshakeCount] = Datagram(bytes: bytes, slot: -1, message: index)
                    handshakeCount += 1
                }
            case nil:
                if slot >= 0 { slots.abandon(slot) }
                unsafe refuse(bytes, of: index, size < TransportMessage.overhead ? .tooShort : .unknownType)
            }
        }
    }

    /// Counts a datagram of the message at `index` that goes no further.
    @inline(never)
    private mutating func refuse(_ datagram: UnsafeMutableRawBufferPointer, of index: Int, _ reason: DropReason) {
        refused.add(reason)
        lastRefused = (reason, index)
        unsafe notes.refused(UnsafeRawBufferPointer(datagram), of: messages, at: index, reason)
    }

    private static func kind(of bytes: UnsafeMutableRawBufferPointer) -> MessageKind? {
        do throws(Refusal) {
            return unsafe try MessageKind(of: UnsafeRawBufferPointer(bytes))
        } catch {
            return nil
        }
    }

    /// Hands the handshake messages to the handshake thread, all at once: in a flood its lock is taken for a turn's worth, and what
    /// finds no room costs no copy.
    private mutating func post(at time: TimePoint) {
        let engine = engine
        let posted = engine.inbox.withLock { inbox in
            for index in 0..<handshakeCount {
                guard inbox.hasRoom else { return index }
                let handshake = unsafe handshakes[index]
                let datagram = unsafe HandshakeDatagram(
                    UnsafeRawBufferPointer(handshake.bytes), from: messages.sender(at: handshake.message),
                    at: messages.localSource(at: handshake.message))
                // Its kind has a length, so it is never too long.
                guard let datagram else { continue }
                _ = inbox.append(datagram, now: time.now)
            }
            return handshakeCount
        }
        for index in posted..<handshakeCount {
            unsafe refuse(handshakes[index].bytes, of: handshakes[index].message, .handshakeQueueFull)
        }
        engine.attention.signal()
    }

    /// Finds each message's session; those without one are dropped here.
    @inline(never)
    private mutating func find(_ tunnel: inout Tunnel, at time: TimePoint) {
        jobCount = 0
        messageBytes = 0
        for index in 0..<datagramCount {
            let datagram = unsafe datagrams[index]
            switch unsafe tunnel.prepareOpening(datagram.bytes, at: time) {
            case .dropped(let reason):
                drop(datagram, reason, &tunnel, at: time)
                unsafe notes.refused(UnsafeRawBufferPointer(datagram.bytes), of: messages, at: datagram.message, reason)
            case .open(let job):
                // SAFETY: a slot was allocated with room for this payload; what needs none fits the scratch space.
                let packet = unsafe datagram.slot < 0 ? scratch : slots.unsafeBytes(at: datagram.slot).baseAddress!
                unsafe (found + jobCount).initialize(to: Found(job: job, datagram: datagram))
                unsafe (jobs + jobCount).initialize(to: job.cipherJob(into: packet))
                jobCount += 1
                messageBytes += unsafe datagram.bytes.count
            }
        }
        if notes.isOn { noteFound(tunnel) }
    }

    @inline(never)
    private mutating func noteFound(_ tunnel: borrowing Tunnel) {
        for index in 0..<jobCount {
            let (job, datagram) = unsafe (found[index].job, found[index].datagram)
            unsafe notes.found(UnsafeRawBufferPointer(datagram.bytes), of: messages, at: datagram.message, job, tunnel)
        }
    }

    /// Verifies and decrypts every payload into its slot.
    private func open() {
        unsafe engine.perform(jobs, count: jobCount, cipher: cipher)
    }

    /// Asks of each opened message whether it is new, and whether its peer may send what is inside.
    @inline(never)
    private mutating func accept(_ tunnel: inout Tunnel, at time: TimePoint) {
        acceptedCount = 0
        acceptedBytes = 0
        var arrival: Arrival?
        var arrived = -1
        let isQuiet = jobCount <= Self.quiet
        for index in 0..<jobCount {
            let (job, datagram) = unsafe (found[index].job, found[index].datagram)
            guard unsafe jobs[index].isAuthentic else {
                drop(datagram, .badTag, of: job, &tunnel, at: time)
                notes.dropped(index, .badTag)
                continue
            }
            if datagram.message != arrived {
                arrived = datagram.message
                arrival = Arrival(
                    sender: messages.sender(at: arrived), source: messages.localSource(at: arrived),
                    trafficClass: messages.message(at: arrived).trafficClass)
            }
            switch unsafe tunnel.accept(job, packet: jobs[index].output, arrival: arrival!, at: time) {
            case .deliver(let count):
                slots.setCount(datagram.slot, count)
                if isQuiet {
                    unsafe tunnel.noteQuestion(UnsafeRawBufferPointer(start: jobs[index].output, count: count), from: job, at: time)
                }
                acceptedCount += 1
                acceptedBytes += count
            case .keepalive:
                if datagram.slot >= 0 { slots.abandon(datagram.slot) }
            case .dropped(let reason):
                drop(datagram, reason, &tunnel, at: time)
                notes.dropped(index, reason)
            }
        }
    }

    private mutating func drop(
        _ datagram: Datagram, _ reason: DropReason, of job: OpenJob? = nil, _ tunnel: inout Tunnel, at time: TimePoint
    ) {
        let sender = tunnel.wantsExample(of: reason, at: time) ? messages.sender(at: datagram.message) : nil
        tunnel.drop(reason, from: sender, of: job, at: time)
        if datagram.slot >= 0 { slots.abandon(datagram.slot) }
    }

    /// The session writes what was accepted, in the order in which it came.
    private mutating func deliver() {
        if notes.isOn { return notes.deliver(&slots, engine.session) }
        engine.session.send(&slots)
        engine.session.flush()
    }
}
