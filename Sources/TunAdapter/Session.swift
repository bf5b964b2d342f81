internal import LinuxSystem
internal import NetworkTypes
import Synchronization

/// A running exchange of packets with an adapter: a ring of packets to receive and a ring of packets to send.
///
/// - Packets are plain: one IP packet each, its checksums right, never more than 65,535 bytes. Segmentation offload happens inside.
/// - Every method may be called from any thread. Received packets are released, and allocated ones sent, in any order and from several
///   threads; packets are delivered in the order of their allocation.
/// - There is no thread behind it. ``receive()`` reads on the caller's thread, ``flush()`` writes on the caller's thread.
/// - It ends by ``end()``, when its last user forgets it, or when the interface is deleted. Then every wait returns at once, and calls
///   throw ``AdapterError/Code/handleEndOfFile`` with the reason. Packets still in somebody's hands stay valid.
public final class Session: Sendable {
    enum Token {
        static let device = 0
        static let pending = 1
        static let space = 2
        static let end = 3
    }

    /// How the session was started.
    public let options: SessionOptions
    /// The interface's name when the session was started.
    public let interfaceName: String
    let receiveRing: PacketRing
    let sendRing: PacketRing
    let reader: OrderedMutex<SessionReader>
    let writer: OrderedMutex<SessionWriter>
    /// Ready when a packet may wait: the device, packets already read, room in a ring that had none, the end.
    let receivePoller: Poller
    /// Ready when there may be room to send: room in a ring that had none, the end.
    let sendPoller: Poller
    /// Signalled while packets of a super-packet already read wait and somebody watches ``readEvent``.
    let pendingEvent: EventDescriptor
    private let endEvent: EventDescriptor
    private let ended = Atomic(false)
    private let generation = ProcessGeneration()
    private let reason = OrderedMutex<AdapterError?>(nil)
    private let onEnd: @Sendable () -> Void

    /// Starts a session on a device.
    /// - Parameter onEnd: called once, on the thread that ends the session, when the device is closed.
    /// - Throws: `invalidParameter` for options out of their limits, `outOfMemory` without memory or descriptors.
    init(
        device: consuming PacketDevice, name: String, options: SessionOptions, onEnd: @escaping @Sendable () -> Void = {}
    ) throws(AdapterError) {
        try options.validate()
        do {
            let pollDescriptor = device.pollDescriptor
            let writingDevice = try device.duplicate()
            receiveRing = try PacketRing(options)
            sendRing = try PacketRing(options)
            receivePoller = try Poller()
            sendPoller = try Poller()
            pendingEvent = try EventDescriptor()
            endEvent = try EventDescriptor()
            reader = OrderedMutex(try SessionReader(device: device))
            writer = OrderedMutex(SessionWriter(device: writingDevice))
            self.options = options
            interfaceName = name
            self.onEnd = onEnd
            try receivePoller.add(pollDescriptor, token: Token.device)
            try receivePoller.add(pendingEvent.rawValue, token: Token.pending)
            try receivePoller.add(receiveRing.space.rawValue, token: Token.space)
            try receivePoller.add(endEvent.rawValue, token: Token.end)
            try sendPoller.add(sendRing.space.rawValue, token: Token.space)
            try sendPoller.add(endEvent.rawValue, token: Token.end)
            // A new ring has room.
            sendRing.space.signal()
        } catch {
            throw AdapterError(.outOfMemory, "a session of \(name): \(error)")
        }
    }

    /// Starts a session on an attached TUN queue.
    convenience init(
        device: consuming TunDevice, options: SessionOptions, onEnd: @escaping @Sendable () -> Void = {}
    ) throws(AdapterError) {
        let name = device.interface
        try self.init(device: .tun(device), name: name, options: options, onEnd: onEnd)
    }

    deinit {
        report(receiveRing, "received packets were never released")
        report(sendRing, "allocated packets were never sent or abandoned")
        end()
    }

    /// Logs what of `ring` is still in somebody's hands when nobody can give it back any more.
    private func report(_ ring: borrowing PacketRing, _ what: String) {
        let held = ring.held
        guard held.count > 0 else { return }
        AdapterLog.write(
            .warning,
            "the session of \(interfaceName) is gone, and \(held.count) \(what); "
                + "the oldest has \(held.oldestSize) bytes, at offset \(held.oldestOffset) of its ring")
    }

    /// Whether the session has ended. In a child of fork(2) every session of its parent has.
    public var hasEnded: Bool { ended.load(ordering: .acquiring) || !generation.isCurrent }

    /// Why it has ended; nil while it runs.
    public var endReason: AdapterError? { reason.withLock { $0 } }

    /// Ends the session: every wait returns at once, the device is closed, packets not yet received or flushed are lost.
    /// A second call does nothing. In a child of fork(2) it closes the child's descriptors, and the parent's session runs on.
    public func end() {
        finish(AdapterError(.handleEndOfFile, "the session of \(interfaceName) was ended"))
    }

    /// Ends the session because the device gave `errno`.
    func finish(errno: Int32) {
        let error = SystemError(errno: errno, operation: interfaceName)
        finish(
            AdapterError(
                .handleEndOfFile, "the session of \(interfaceName) ended: the interface is gone (\(error.message))",
                remedy: "create or open the adapter again"))
    }

    private func finish(_ error: AdapterError) {
        reason.withLock { if $0 == nil { $0 = error } }
        let isFirst = !ended.exchange(true, ordering: .acquiringAndReleasing)
        // Whoever finds it ended returns to a caller who takes it for done: so all do what may be done twice.
        receiveRing.close()
        sendRing.close()
        let isOurs = generation.isCurrent
        if isOurs { endEvent.signal() }
        // Both halves are asked for their descriptors under their locks, so that no system call uses a closed one.
        reader.withLock { reader in
            if isOurs, let descriptor = reader.device?.pollDescriptor { receivePoller.remove(descriptor) }
            reader.device = nil
        }
        writer.withLock { writer in
            if isOurs, let descriptor = writer.device?.pollDescriptor { sendPoller.remove(descriptor) }
            writer.device = nil
        }
        if isFirst { onEnd() }
    }

    /// Whether it has ended and no packet is in anybody's hands: nobody has a pointer into its rings any more, nor gets one.
    package var isDrained: Bool { receiveRing.isDrained && sendRing.isDrained }

    /// Received packets that were not released yet, and allocated ones that were neither sent nor abandoned.
    public var heldPackets: (received: Int, allocated: Int) { (receiveRing.heldCount, sendRing.heldCount) }

    /// Warns of packets that are held beyond the end. They keep the rings' memory until they are given back.
    package func reportHeldAtEnd() {
        let held = heldPackets
        guard held.received + held.allocated > 0 else { return }
        AdapterLog.write(
            .warning,
            "the session of \(interfaceName) was ended while \(held.received) received packets were not released and "
                + "\(held.allocated) allocated ones neither sent nor abandoned; its rings stay until they are")
    }

    func checkRunning() throws(AdapterError) {
        guard hasEnded else { return }
        throw endReason
            ?? AdapterError(
                .handleEndOfFile,
                generation.isCurrent
                    ? "the session of \(interfaceName) was ended" : "the session of \(interfaceName) is that of the parent process")
    }
}
