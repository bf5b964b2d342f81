internal import LinuxSystem
internal import NetworkTypes
internal import PathRecording
internal import TunAdapter
internal import TunnelCore
internal import WireGuardCrypto
internal import WireGuardProtocol

/// What the way out notes of its packets for those who look on; nothing while nobody does.
///
/// The stages' loops know nothing of it: a packet that is neither dropped nor waits has become the next job, so one look at the batch after
/// each stage tells the rest.
@safe
struct OutboundNotes: ~Copyable {
    private var notes: TurnNotes
    private let capacity: Int
    /// What became of the packet at each position in ``OutboundPath``'s order.
    private let fates: UnsafeMutablePointer<Fate>
    /// The note of each job; negative where nobody wants it.
    private let noteOfJob: UnsafeMutablePointer<Int32>
    private var jobCount = 0
    /// The super-packet that was cut last, and how many of its packets have been read.
    private var cut = (number: UInt32(0), count: 0)
    private var flush: UInt32 = 0

    private enum Fate {
        case sealed, waiting
        case dropped(DropReason)
    }

    init(capacity: Int) {
        self.capacity = capacity
        notes = TurnNotes(.packets, capacity: capacity)
        unsafe fates = .allocate(capacity: capacity)
        unsafe noteOfJob = .allocate(capacity: capacity)
    }

    deinit {
        unsafe fates.deallocate()
        unsafe noteOfJob.deallocate()
    }

    /// A turn begins.
    @inline(__always)
    mutating func begin(_ engine: Engine, at time: TimePoint) {
        notes.begin(engine, at: time)
        if notes.isOn { reset() }
    }

    private mutating func reset() {
        unsafe fates.initialize(repeating: .sealed, count: capacity)
        jobCount = 0
    }

    /// The packet at a position was dropped.
    @inline(never)
    mutating func dropped(_ position: Int, _ reason: DropReason) {
        // SAFETY: a turn has at most `capacity` packets.
        if notes.isOn { unsafe fates[position] = .dropped(reason) }
    }

    /// The packet at a position waits for a session.
    @inline(never)
    mutating func waits(_ position: Int) {
        // SAFETY: as above.
        if notes.isOn { unsafe fates[position] = .waiting }
    }

    /// The batch was routed, and nothing is sealed yet.
    @inline(__always)
    mutating func routed(
        _ packets: borrowing ReceivedBatch, _ order: borrowing DepartureOrder, _ jobs: UnsafeMutablePointer<CipherJob>,
        _ tunnel: borrowing Tunnel
    ) {
        if notes.isOn { unsafe noteRoute(packets, order, jobs, tunnel) }
    }

    @inline(never)
    private mutating func noteRoute(
        _ packets: borrowing ReceivedBatch, _ order: borrowing DepartureOrder, _ jobs: UnsafeMutablePointer<CipherJob>,
        _ tunnel: borrowing Tunnel
    ) {
        var lastDestination: IPAddress?
        var owner: Tunnel.Owner?
        for position in 0..<packets.count {
            let index = order[position]
            let packet = unsafe UnsafeRawBufferPointer(packets.unsafeBytes(at: index))
            var note = PacketNotes(.outbound, .data, .forwarded, unixNanoseconds: notes.unixNanoseconds)
            note.batchCount = UInt16(clamping: packets.count)
            note.position = UInt16(clamping: index)
            note.place = UInt16(clamping: position)
            note.superPacket = part(of: index, packets)
            if let header = unsafe IPPacketHeader(beginning: packet), header.destination != lastDestination {
                lastDestination = header.destination
                owner = tunnel.owner(of: header.destination)
            }
            note.peer = owner?.publicKey
            note.allowedIP = owner?.allowedIP
            note.remote = owner?.endpoint
            // SAFETY: a turn has at most `capacity` packets, and no more jobs than packets.
            switch unsafe fates[position] {
            case .sealed: unsafe note.take(jobs[jobCount])
            case .waiting: note.fate = .waiting
            case .dropped(let reason): note.drop(for: reason)
            }
            let number = unsafe notes.add(note, packet: packet, length: packet.count)
            if note.session != nil {
                unsafe noteOfJob[jobCount] = Int32(number ?? -1)
                jobCount += 1
            }
        }
        let last = packets.superPacket(at: packets.count - 1)
        cut = (last, (part(of: packets.count - 1, packets)?.index).map { Int($0) + 1 } ?? 0)
    }

    /// Which part of which super-packet a packet is; what an earlier turn read of it counts.
    private func part(of index: Int, _ packets: borrowing ReceivedBatch) -> PacketNotes.Part? {
        let number = packets.superPacket(at: index)
        var first = index
        while first > 0, packets.superPacket(at: first - 1) == number { first -= 1 }
        let earlier = first == 0 && number == cut.number ? cut.count : 0
        return PacketNotes.Part(number: number, index: earlier + index - first, count: earlier + packets.run(from: first).count)
    }

    /// A message that is owed was laid out, and is not sealed yet.
    @inline(__always)
    mutating func owes(_ message: OwedMessage, _ tunnel: borrowing Tunnel) {
        if notes.isOn { noteOwed(message, tunnel) }
    }

    @inline(never)
    private mutating func noteOwed(_ message: OwedMessage, _ tunnel: borrowing Tunnel) {
        let job = message.job.cipherJob
        var note = PacketNotes(.outbound, job.count == 0 ? .keepalive : .data, .forwarded, unixNanoseconds: notes.unixNanoseconds)
        let packet = unsafe UnsafeRawBufferPointer(start: job.input, count: job.count)
        note.hasWaited = job.count > 0
        note.take(job)
        if let peer = tunnel.peer(at: message.slot) { (note.peer, note.remote) = peer }
        let header = unsafe IPPacketHeader(beginning: packet)
        if let header { note.allowedIP = tunnel.owner(of: header.destination)?.allowedIP }
        let number = unsafe notes.add(note, packet: packet, length: header?.totalLength ?? 0)
        // SAFETY: no more are owed in a turn than there is room for.
        unsafe noteOfJob[jobCount] = Int32(number ?? -1)
        jobCount += 1
    }

    /// The batch was sealed and sent, and is not released yet.
    @inline(__always)
    mutating func sent(
        _ v4: borrowing DatagramSendQueue, _ v6: borrowing DatagramSendQueue, _ jobs: UnsafeMutablePointer<CipherJob>,
        _ sockets: SocketPair,
        _ library: TransportCipher.Backend
    ) {
        if notes.isOn { unsafe noteSend(v4, v6, jobs, sockets.port, library) }
    }

    @inline(never)
    private mutating func noteSend(
        _ v4: borrowing DatagramSendQueue, _ v6: borrowing DatagramSendQueue, _ jobs: UnsafeMutablePointer<CipherJob>, _ port: UInt16,
        _ library: TransportCipher.Backend
    ) {
        flush &+= 1
        var cursors = (v4: DatagramSendQueue.DepartureCursor(), v6: DatagramSendQueue.DepartureCursor())
        var next = (v4: v4.departure(after: &cursors.v4), v6: v6.departure(after: &cursors.v6))
        for index in 0..<jobCount {
            // SAFETY: as many jobs were laid out, in the order in which their messages were queued.
            let (job, number) = unsafe (jobs[index], Int(noteOfJob[index]))
            let message = unsafe UnsafeRawPointer(job.output) - TransportMessage.headerByteCount
            let departure: DatagramSendQueue.Departure?
            if unsafe next.v4?.start == message {
                departure = next.v4
                next.v4 = v4.departure(after: &cursors.v4)
            } else if unsafe next.v6?.start == message {
                departure = next.v6
                next.v6 = v6.departure(after: &cursors.v6)
            } else {
                departure = nil
            }
            guard number >= 0 else { continue }
            let worker = PacketNotes.Worker(library: library == .accelerated ? .libipsecMB : .libsodium, thread: Int(job.worker))
            let flush = flush
            notes.update(number) { note in
                note.worker = worker
                note.localPort = port
                // The sockets were closed under way: the interface went down.
                guard let departure else {
                    note.errno = ErrorNumber.networkDown
                    return
                }
                note.take(departure, flush: flush)
            }
            unsafe notes.keep(
                datagram: UnsafeRawBufferPointer(start: message, count: job.count + TransportMessage.overhead), of: number)
        }
    }

    /// The turn is over.
    @inline(__always)
    mutating func finish(_ clock: borrowing StageClock) {
        if notes.isOn { notes.finish(clock.times) }
    }
}

extension PacketNotes {
    /// The header of a message that is to be sealed.
    mutating func take(_ job: CipherJob) {
        // SAFETY: a header stands in front of every payload that is sealed.
        let header = unsafe TransportMessage(
            header: UnsafeRawBufferPointer(
                start: job.output - TransportMessage.headerByteCount, count: job.count + TransportMessage.overhead))
        session = Session(receiverIndex: header.receiverIndex, counter: header.counter)
    }

    /// What became of a datagram.
    mutating func take(_ departure: DatagramSendQueue.Departure, flush: UInt32) {
        remote = departure.endpoint
        local = departure.source
        trafficClass = departure.trafficClass
        leftAlone = departure.leftAlone
        superDatagram = Part(
            number: flush &* 256 &+ UInt32(truncatingIfNeeded: departure.superDatagram), index: departure.index, count: departure.count)
        errno = departure.errno
        if errno != 0 { drop(for: .sendFailed) }
    }
}
