internal import CLinuxShims
internal import Glibc
public import NetworkTypes

/// Datagrams on their way to one socket: consecutive ones to the same destination become UDP GSO super-datagrams, and many of
/// those leave in one `sendmmsg`.
///
/// Only pointers are kept, so the datagrams' memory must stay as it is until ``flush(to:now:)`` returns. Nothing here allocates
/// after ``init(capacity:family:)``.
///
/// A super-datagram's segments all have the size of its first; only the last may be shorter. Segments that lie back to back in
/// memory share an `iovec`. Source: udp(7), UDP_SEGMENT; the limits are in ``Limits``.
@safe
public struct DatagramSendQueue: ~Copyable {
    enum Limits {
        /// Kernels before 6.9 refuse more segments than this (UDP_MAX_SEGMENTS).
        static let segments = 64
        /// The largest UDP payload over IPv4: 65,535 less 20 of IP and 8 of UDP.
        static let bytes = 65_507
    }

    /// What became of the datagrams of one flush.
    public struct Report: Sendable {
        public var sentDatagrams = 0
        /// Bytes of their UDP payload.
        public var sentBytes = 0
        /// Those that the kernel refused.
        public var droppedDatagrams = 0
        /// The errno of the last datagram that was dropped; 0 if none was.
        public var lastError: Int32 = 0
        /// The errno with which the kernel refused segmentation on a socket on which it has never worked; once for each socket, else 0.
        public var segmentationRefused: Int32 = 0
        /// A sticky source address that no longer worked, so that the kernel chose another.
        public var staleSource: EndpointSource?

        public init() {}
    }

    /// What became of the datagrams of one run: what one ``begin(_:from:tag:)`` began.
    public struct Outcome: Sendable {
        /// Where it was to go.
        public var endpoint: Endpoint
        /// As it was given with the run.
        public var tag: UInt64
        public var sentDatagrams = 0
        /// Those that the kernel refused.
        public var droppedDatagrams = 0
        /// Bytes of the dropped ones.
        public var droppedBytes = 0
        /// The errno of the last one that was dropped; 0 if none was.
        public var error: Int32 = 0
    }

    struct Entry {
        var firstPiece = 0
        var pieces = 0
        var segments = 0
        var segmentSize = 0
        var bytes = 0
        /// Whether another segment may follow: false after a shorter one.
        var open = true
        var trafficClass: UInt8 = 0
        var destination = 0
        /// After a flush: a bit for each datagram that was lost, why the last of them was, and whether they went one by one.
        var lost: UInt64 = 0
        var errno: Int32 = 0
        var leftAlone = false
    }

    struct Destination {
        var outcome: Outcome
        var source: EndpointSource?
    }

    let family: AddressFamily
    let capacity: Int
    var entryCount = 0
    var pieceCount = 0
    var destinationCount = 0
    let entries: UnsafeMutablePointer<Entry>
    let vectors: UnsafeMutablePointer<iovec>
    let destinations: UnsafeMutablePointer<Destination>
    let messages: UnsafeMutablePointer<clinux_mmsghdr>
    /// One piece a datagram, for those that go one by one.
    let singles: UnsafeMutablePointer<iovec>
    let controls: UnsafeMutableRawPointer
    let addresses: UnsafeMutableRawPointer
    var segmentSizeLimits = SegmentSizeLimits()
    /// The runs of the last flush.
    public internal(set) var outcomeCount = 0
    /// The entries of the last flush.
    var flushedCount = 0

    /// Makes room for `capacity` datagrams, whatever becomes of them: as many destinations, pieces and super-datagrams.
    public init(capacity: Int, family: AddressFamily) {
        self.capacity = capacity
        self.family = family
        unsafe entries = .allocate(capacity: capacity)
        unsafe vectors = .allocate(capacity: capacity)
        unsafe destinations = .allocate(capacity: capacity)
        // The one-by-one path needs a message for each segment of one super-datagram.
        let messageCapacity = max(capacity, Limits.segments)
        unsafe messages = .allocate(capacity: messageCapacity)
        unsafe messages.initialize(repeating: clinux_mmsghdr(), count: messageCapacity)
        unsafe singles = .allocate(capacity: Limits.segments)
        unsafe controls = .allocate(byteCount: capacity * Int(CLINUX_SEND_CONTROL_SIZE), alignment: 8)
        unsafe addresses = .allocate(byteCount: capacity * SocketAddress.capacity, alignment: 8)
    }

    deinit {
        unsafe entries.deallocate()
        unsafe vectors.deallocate()
        unsafe destinations.deallocate()
        unsafe messages.deallocate()
        unsafe singles.deallocate()
        unsafe controls.deallocate()
        unsafe addresses.deallocate()
    }

    public var isEmpty: Bool { entryCount == 0 }

    /// What became of a run of the last flush; valid until the next ``begin(_:from:tag:)``.
    /// - Parameter index: below ``outcomeCount``.
    public func outcome(at index: Int) -> Outcome {
        precondition(index < outcomeCount)
        return unsafe destinations[index].outcome
    }

    /// Starts a run of datagrams to `endpoint`. Call it before the first ``append(_:count:trafficClass:)`` and at each change
    /// of destination.
    /// - Parameters:
    ///   - source: the local address to send from; nil lets the kernel choose. The interface is always the routing table's choice.
    ///   - tag: whatever tells the caller whose run it is; ``outcome(at:)`` gives it back.
    /// - Returns: false if the queue is full: flush, then begin again.
    public mutating func begin(_ endpoint: Endpoint, from source: EndpointSource?, tag: UInt64 = 0) -> Bool {
        outcomeCount = 0
        flushedCount = 0
        if destinationCount > 0 {
            let current = unsafe destinations + (destinationCount - 1)
            if unsafe current.pointee.outcome.endpoint == endpoint, unsafe current.pointee.source == source,
                unsafe current.pointee.outcome.tag == tag
            {
                return true
            }
        }
        guard destinationCount < capacity else { return false }
        // SAFETY: below capacity.
        unsafe (destinations + destinationCount).initialize(
            to: Destination(outcome: Outcome(endpoint: endpoint, tag: tag), source: source))
        destinationCount += 1
        return true
    }

    /// Adds one datagram of the run begun last.
    /// - Returns: false if the queue is full: flush, then begin and append again.
    public mutating func append(_ datagram: UnsafeRawPointer, count: Int, trafficClass: UInt8) -> Bool {
        if unsafe extendLast(datagram, count, trafficClass) { return true }
        guard entryCount < capacity, pieceCount < capacity, destinationCount > 0 else { return false }
        // SAFETY: both indices are below their arrays' sizes.
        unsafe vectors[pieceCount] = iovec(iov_base: UnsafeMutableRawPointer(mutating: datagram), iov_len: count)
        unsafe entries[entryCount] = Entry(
            firstPiece: pieceCount, pieces: 1, segments: 1, segmentSize: count, bytes: count, trafficClass: trafficClass,
            destination: destinationCount - 1)
        entryCount += 1
        pieceCount += 1
        return true
    }

    /// Makes the datagram another segment of the last super-datagram, if it may be one.
    private mutating func extendLast(_ datagram: UnsafeRawPointer, _ count: Int, _ trafficClass: UInt8) -> Bool {
        guard entryCount > 0 else { return false }
        // SAFETY: the last entry and the last piece exist.
        let entry = unsafe entries + (entryCount - 1)
        guard
            unsafe entry.pointee.open, unsafe count <= entry.pointee.segmentSize, count > 0,
            unsafe entry.pointee.trafficClass == trafficClass, unsafe entry.pointee.segments < Limits.segments,
            unsafe entry.pointee.bytes + count <= Limits.bytes, unsafe entry.pointee.destination == destinationCount - 1
        else { return false }
        let last = unsafe vectors + (pieceCount - 1)
        if unsafe last.pointee.iov_base + last.pointee.iov_len == UnsafeMutableRawPointer(mutating: datagram) {
            unsafe last.pointee.iov_len += count
        } else {
            guard pieceCount < capacity else { return false }
            unsafe vectors[pieceCount] = iovec(iov_base: UnsafeMutableRawPointer(mutating: datagram), iov_len: count)
            pieceCount += 1
            unsafe entry.pointee.pieces += 1
        }
        unsafe entry.pointee.segments += 1
        unsafe entry.pointee.bytes += count
        unsafe entry.pointee.open = count == entry.pointee.segmentSize
        return true
    }

    /// Forgets everything queued.
    public mutating func removeAll() {
        entryCount = 0
        pieceCount = 0
        destinationCount = 0
        outcomeCount = 0
        flushedCount = 0
    }
}
