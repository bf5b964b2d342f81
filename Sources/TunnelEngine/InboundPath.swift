internal import LinuxSystem
internal import NetworkTypes
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
    /// Super-datagrams received in one system call. With two its cost hardly shows, and what is delivered at once fits into an
    /// application's socket buffer: with eight, a third of a UDP stream was dropped there.
    private static let superDatagrams = 2
    /// Datagrams of one turn; 64 is what the kernel merges into a super-datagram.
    private static let capacity = superDatagrams * 64

    private let engine: Engine
    private let cipher: TransportCipher
    private var messages = DatagramReceiveBatch(capacity: InboundPath.superDatagrams)
    private var slots = OutgoingBatch(capacity: InboundPath.capacity)
    private let datagrams: UnsafeMutablePointer<Datagram>
    private var datagramCount = 0

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

    /// Where keepalives are opened to.
    private let scratch: UnsafeMutableRawPointer

    init(_ engine: Engine) {
        self.engine = engine
        cipher = TransportCipher(engine.aead.backend)
        unsafe datagrams = .allocate(capacity: Self.capacity)
        unsafe found = .allocate(capacity: Self.capacity)
        unsafe jobs = .allocate(capacity: Self.capacity)
        unsafe scratch = .allocate(byteCount: 64, alignment: 64)
    }

    deinit {
        unsafe datagrams.deallocate()
        unsafe found.deallocate()
        unsafe jobs.deallocate()
        unsafe scratch.deallocate()
    }

    /// Takes what waits at `socket`, up to a turn's worth.
    mutating func turn(from socket: UDPSocket, at time: TimePoint) {
        guard receive(from: socket) else { return }
        sort(at: time)
        guard datagramCount > 0 else { return }
        let engine = engine
        engine.tunnel.withLock { tunnel in
            find(&tunnel, at: time)
            open()
            accept(&tunnel, at: time)
            tunnel.finishInbound(at: time)
            if tunnel.needsAttention { engine.attention.signal() }
        }
        deliver()
    }

    private mutating func receive(from socket: UDPSocket) -> Bool {
        messages.receive(from: socket) > 0
    }

    /// Separates data from handshakes, and makes room for the packets in the send ring.
    private mutating func sort(at time: TimePoint) {
        datagramCount = 0
        var drops = DropCounters()
        var hasHandshakes = false
        for index in 0..<messages.count {
            let message = messages.message(at: index)
            let segment = message.segmentSize
            let total = unsafe message.bytes.count
            let count = (total + segment - 1) / segment
            let first = slots.count
            // A slot for each datagram that carries a packet; the last may be shorter, and a keepalive needs none.
            let payload = segment - TransportMessage.overhead
            let lastPayload = total - (count - 1) * segment - TransportMessage.overhead
            let slotCount = payload <= 0 ? 0 : lastPayload > 0 ? count : count - 1
            let hasRoom =
                slotCount == 0
                || engine.session.allocate(
                    count: slotCount, size: payload, lastSize: slotCount == count ? lastPayload : payload, into: &slots)
            for number in 0..<count {
                let start = number * segment
                let size = min(segment, total - start)
                let bytes = unsafe UnsafeMutableRawBufferPointer(rebasing: message.bytes[start..<start + size])
                let slot = hasRoom && number < slotCount ? first + number : -1
                switch unsafe Self.kind(of: bytes) {
                case .transport where slot < 0 && size > TransportMessage.overhead:
                    drops.add(.interfaceQueueFull)
                case .transport where datagramCount == Self.capacity:
                    drops.add(.interfaceQueueFull)
                    if slot >= 0 { slots.abandon(slot) }
                case .transport:
                    unsafe datagrams[datagramCount] = Datagram(bytes: bytes, slot: slot, message: index)
                    datagramCount += 1
                case .handshakeInitiation, .handshakeResponse, .cookieReply:
                    if slot >= 0 { slots.abandon(slot) }
                    hasHandshakes = true
                    unsafe post(bytes, from: index, at: time, &drops)
                case nil:
                    if slot >= 0 { slots.abandon(slot) }
                    drops.add(size < TransportMessage.overhead ? .tooShort : .unknownType)
                }
            }
        }
        if drops.total > 0 { engine.tunnel.withLock { $0.drops.add(drops) } }
        if hasHandshakes { engine.attention.signal() }
        if datagramCount == 0 { engine.session.send(&slots) }
    }

    private static func kind(of bytes: UnsafeMutableRawBufferPointer) -> MessageKind? {
        do throws(Refusal) {
            return unsafe try MessageKind(of: UnsafeRawBufferPointer(bytes))
        } catch {
            return nil
        }
    }

    /// Hands a handshake message to the handshake thread.
    private func post(
        _ bytes: UnsafeMutableRawBufferPointer, from message: Int, at time: TimePoint, _ drops: inout DropCounters
    ) {
        let sender = messages.sender(at: message)
        guard
            let datagram = unsafe HandshakeDatagram(
                UnsafeRawBufferPointer(bytes), from: sender, at: messages.localSource(at: message)),
            engine.inbox.withLock({ $0.append(datagram, now: time.now) })
        else { return drops.add(.handshakeQueueFull) }
    }

    /// Finds each message's session; those without one are dropped here.
    private mutating func find(_ tunnel: inout Tunnel, at time: TimePoint) {
        jobCount = 0
        for index in 0..<datagramCount {
            let datagram = unsafe datagrams[index]
            switch unsafe tunnel.prepareOpening(datagram.bytes, at: time) {
            case .dropped(let reason):
                drop(datagram, reason, &tunnel)
            case .open(let job):
                // SAFETY: a slot was allocated with room for this payload; what needs none fits the scratch space.
                let packet = unsafe datagram.slot < 0 ? scratch : slots.unsafeBytes(at: datagram.slot).baseAddress!
                unsafe (found + jobCount).initialize(to: Found(job: job, datagram: datagram))
                unsafe (jobs + jobCount).initialize(to: job.cipherJob(into: packet))
                jobCount += 1
            }
        }
    }

    /// Verifies and decrypts every payload into its slot.
    private func open() {
        unsafe engine.perform(jobs, count: jobCount, cipher: cipher)
    }

    /// Asks of each opened message whether it is new, and whether its peer may send what is inside.
    private mutating func accept(_ tunnel: inout Tunnel, at time: TimePoint) {
        var arrival: Arrival?
        var arrived = -1
        for index in 0..<jobCount {
            let (job, datagram) = unsafe (found[index].job, found[index].datagram)
            guard unsafe jobs[index].isAuthentic else {
                drop(datagram, .badTag, &tunnel)
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
            case .keepalive:
                if datagram.slot >= 0 { slots.abandon(datagram.slot) }
            case .dropped(let reason):
                drop(datagram, reason, &tunnel)
            }
        }
    }

    private mutating func drop(_ datagram: Datagram, _ reason: DropReason, _ tunnel: inout Tunnel) {
        tunnel.drops.add(reason)
        if datagram.slot >= 0 { slots.abandon(datagram.slot) }
    }

    /// The session writes what was accepted, in the order in which it came.
    private mutating func deliver() {
        engine.session.send(&slots)
        engine.session.flush()
    }
}
