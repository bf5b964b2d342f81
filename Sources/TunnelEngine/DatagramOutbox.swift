internal import LinuxSystem
internal import NetworkTypes
internal import Synchronization
internal import TunnelCore

/// Datagrams of handshakes and timers on their way to the sockets: gathered here, then sent in one system call for each address family.
@safe
struct DatagramOutbox: ~Copyable {
    /// Datagrams sent together.
    static let capacity = 64
    /// Room for one of the largest, and for many of the usual ones.
    private static let byteCapacity = 1 << 17

    private let bytes: UnsafeMutableRawPointer
    private var usedBytes = 0
    private var count = 0
    private var v4 = DatagramSendQueue(capacity: DatagramOutbox.capacity, family: .v4)
    private var v6 = DatagramSendQueue(capacity: DatagramOutbox.capacity, family: .v6)
    private var reporter = SendReporter()

    init() {
        unsafe bytes = .allocate(byteCount: Self.byteCapacity, alignment: 16)
    }

    deinit {
        unsafe bytes.deallocate()
    }

    /// Adds a copy of `datagram`, after sending what is here if there is no room for it.
    mutating func add(_ datagram: OutgoingDatagram, for engine: Engine, noting notes: inout HandshakeNotes) {
        let size = datagram.bytes.count
        guard size <= Self.byteCapacity else { return }
        if count == Self.capacity || usedBytes + size > Self.byteCapacity { flush(for: engine, noting: &notes) }
        // SAFETY: `size` bytes are free, and stay as they are until the flush.
        let start = unsafe bytes + usedBytes
        unsafe datagram.bytes.withUnsafeBytes { unsafe UnsafeMutableRawBufferPointer(start: start, count: size).copyMemory(from: $0) }
        usedBytes += size
        count += 1
        // Each queue has room for all of them.
        if case .v6 = datagram.endpoint.address {
            _ = v6.begin(datagram.endpoint, from: datagram.source, tag: datagram.peer?.rawValue ?? 0)
            _ = unsafe v6.append(start, count: size, trafficClass: datagram.trafficClass)
        } else {
            _ = v4.begin(datagram.endpoint, from: datagram.source, tag: datagram.peer?.rawValue ?? 0)
            _ = unsafe v4.append(start, count: size, trafficClass: datagram.trafficClass)
        }
    }

    /// Sends everything that was added.
    mutating func flush(for engine: Engine, noting notes: inout HandshakeNotes) {
        guard count > 0 else { return }
        let sockets = engine.sockets.withLock { $0 }
        let now = Clock.now
        // What was made before the interface went down is nobody's trouble.
        if sockets.isClosed {
            v4.removeAll()
            v6.removeAll()
        }
        if !v4.isEmpty { reporter.take(v4.flush(to: sockets.v4, now: now), of: v4, engine) }
        if !v6.isEmpty { reporter.take(v6.flush(to: sockets.v6, now: now), of: v6, engine) }
        notes.sent(v4, v6, engine)
        count = 0
        usedBytes = 0
    }
}
