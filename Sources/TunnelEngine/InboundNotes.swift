internal import LinuxSystem
internal import NetworkTypes
internal import PathRecording
internal import TunAdapter
internal import TunnelCore
internal import WireGuardCrypto
internal import WireGuardProtocol

/// What the way in notes of its packets for those who look on; nothing while nobody does.
///
/// The stages' loops know nothing of it: a datagram that is not dropped has become the next job, so one look at the batch after each stage
/// tells the rest.
@safe
struct InboundNotes: ~Copyable {
    private var notes: TurnNotes
    private let capacity: Int
    /// The note of each job; negative where nobody wants it.
    private let noteOfJob: UnsafeMutablePointer<Int32>
    private var jobCount = 0
    private var port: UInt16 = 0
    private var receive: UInt32 = 0
    private var deliveries: DeliveryNotes

    init(capacity: Int) {
        self.capacity = capacity
        // A datagram is refused, or becomes a job; both of a turn's share of messages.
        notes = TurnNotes(.packets, capacity: 2 * capacity)
        unsafe noteOfJob = .allocate(capacity: capacity)
        deliveries = DeliveryNotes(capacity: 2 * capacity)
    }

    deinit {
        unsafe noteOfJob.deallocate()
    }

    /// A turn begins: datagrams will be received at `port`.
    @inline(__always)
    mutating func begin(_ engine: Engine, port: UInt16, at time: TimePoint) {
        notes.begin(engine, at: time)
        if notes.isOn {
            self.port = port
            jobCount = 0
            receive &+= 1
        }
    }

    /// A datagram was refused before its session was known, or because it has none.
    @inline(never)
    mutating func refused(
        _ datagram: UnsafeRawBufferPointer, of messages: borrowing DatagramReceiveBatch, at index: Int, _ reason: DropReason,
        peer: PublicKey? = nil
    ) {
        guard notes.isOn else { return }
        var note = unsafe arrived(datagram, of: messages, at: index)
        note.drop(for: reason)
        note.peer = peer
        if let number = unsafe notes.add(note, packet: UnsafeRawBufferPointer(start: nil, count: 0), length: 0) {
            unsafe notes.keep(datagram: datagram, of: number)
        }
    }

    private func arrived(_ datagram: UnsafeRawBufferPointer, of messages: borrowing DatagramReceiveBatch, at index: Int) -> PacketNotes {
        let message = messages.message(at: index)
        var note = unsafe PacketNotes(.inbound, PacketNotes.Kind(of: datagram), .forwarded, unixNanoseconds: notes.unixNanoseconds)
        let total = unsafe message.bytes.count
        // SAFETY: the datagram lies in the message.
        let offset = unsafe datagram.baseAddress! - UnsafeRawPointer(message.bytes.baseAddress!)
        note.superDatagram = PacketNotes.Part(
            number: receive &* 64 &+ UInt32(truncatingIfNeeded: index), index: offset / message.segmentSize,
            count: (total + message.segmentSize - 1) / message.segmentSize)
        note.remote = messages.sender(at: index)
        note.local = messages.localSource(at: index)
        note.localPort = port
        note.trafficClass = message.trafficClass
        if note.kind == .data {
            let header = unsafe TransportMessage(header: datagram)
            note.session = PacketNotes.Session(receiverIndex: header.receiverIndex, counter: header.counter)
            if datagram.count == TransportMessage.overhead { note.kind = .keepalive }
        }
        return note
    }

    /// A datagram's session was found: it is the next job.
    @inline(never)
    mutating func found(
        _ datagram: UnsafeRawBufferPointer, of messages: borrowing DatagramReceiveBatch, at index: Int, _ job: OpenJob,
        _ tunnel: borrowing Tunnel
    ) {
        var note = unsafe arrived(datagram, of: messages, at: index)
        note.position = UInt16(clamping: jobCount)
        if let peer = tunnel.peer(at: job.slot) {
            note.peer = peer.publicKey
            note.moved = peer.endpoint != nil && peer.endpoint != note.remote
        }
        // What is inside is not known yet, so nobody's conditions on it can be judged.
        let number = notes.addUnseen(note)
        if let number { unsafe notes.keep(datagram: datagram, of: number) }
        // SAFETY: no more jobs than datagrams.
        unsafe noteOfJob[jobCount] = Int32(number ?? -1)
        jobCount += 1
    }

    /// Whether somebody looks on.
    var isOn: Bool { notes.isOn }

    /// A job's message was refused after all.
    @inline(never)
    mutating func dropped(_ job: Int, _ reason: DropReason) {
        guard notes.isOn else { return }
        // SAFETY: below the count of jobs.
        let number = unsafe Int(noteOfJob[job])
        if number >= 0 { notes.update(number) { $0.drop(for: reason) } }
    }

    /// The batch was opened and judged, and is not delivered yet.
    @inline(__always)
    mutating func accepted(_ jobs: UnsafeMutablePointer<CipherJob>, _ tunnel: borrowing Tunnel, _ library: TransportCipher.Backend) {
        if notes.isOn { unsafe noteAccepted(jobs, tunnel, library) }
    }

    @inline(never)
    private mutating func noteAccepted(
        _ jobs: UnsafeMutablePointer<CipherJob>, _ tunnel: borrowing Tunnel, _ library: TransportCipher.Backend
    ) {
        for index in 0..<jobCount {
            // SAFETY: as many jobs were laid out.
            let (job, number) = unsafe (jobs[index], Int(noteOfJob[index]))
            guard number >= 0 else { continue }
            let worker = PacketNotes.Worker(library: library == .accelerated ? .libipsecMB : .libsodium, thread: Int(job.worker))
            let payload = job.isAuthentic ? max(0, job.count - TransportCipher.tagCount) : 0
            let packet = unsafe UnsafeRawBufferPointer(start: UnsafeRawPointer(job.output), count: payload)
            let header = unsafe IPPacketHeader(beginning: packet)
            let (batch, allowedIP) = (jobCount, header.flatMap { tunnel.owner(of: $0.source)?.allowedIP })
            notes.update(number) { note in
                note.worker = worker
                note.batchCount = UInt16(clamping: batch)
                if note.fate == .dropped { note.moved = false } else { note.allowedIP = allowedIP }
                if note.kind == .keepalive, note.fate != .dropped { note.fate = .consumed }
            }
            unsafe notes.keep(packet: packet, length: header?.totalLength ?? payload, of: number)
        }
    }

    /// Delivers what was accepted, and sees what became of it.
    @inline(never)
    mutating func deliver(_ slots: inout OutgoingBatch, _ session: Session) {
        deliveries.removeAll()
        session.send(&slots)
        session.flush(into: &deliveries)
        var next = 0
        for index in 0..<jobCount {
            // SAFETY: below the count of jobs.
            let number = unsafe Int(noteOfJob[index])
            // Nobody wants it, but it was delivered: which of the others' fates is whose is told by counting.
            guard next < deliveries.count else { break }
            guard number >= 0 else {
                next += 1
                continue
            }
            var isDelivered = false
            let delivery = deliveries[next]
            notes.update(number) { note in
                guard note.fate == .forwarded else { return }
                isDelivered = true
                note.superPacket = PacketNotes.Part(number: delivery.write, index: Int(delivery.index), count: Int(delivery.count))
                note.errno = delivery.errno
            }
            if isDelivered { next += 1 }
        }
    }

    /// What was sorted together is over.
    @inline(__always)
    mutating func finish(_ clock: borrowing StageClock) {
        if notes.isOn {
            notes.finish(clock.times)
            jobCount = 0
        }
    }
}

extension PacketNotes.Kind {
    /// The kind of a datagram, by its first byte and length.
    init(of datagram: UnsafeRawBufferPointer) {
        do throws(Refusal) {
            self =
                switch unsafe try MessageKind(of: datagram) {
                case .handshakeInitiation: .initiation
                case .handshakeResponse: .response
                case .cookieReply: .cookie
                case .transport: .data
                }
        } catch {
            self = .unknown
        }
    }
}
