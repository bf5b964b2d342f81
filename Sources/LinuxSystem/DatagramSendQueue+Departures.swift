internal import CLinuxShims
internal import Glibc
public import NetworkTypes

extension DatagramSendQueue {
    /// What became of one datagram of the last flush, for those who want to see it.
    @safe
    public struct Departure {
        /// Where it began in memory.
        @unsafe public let start: UnsafeRawPointer
        /// Its bytes.
        public let size: Int
        /// Which super-datagram of the flush it left in, its place there, and how many datagrams that had.
        public let superDatagram: Int
        /// From 0.
        public let index: Int
        public let count: Int
        /// The super-datagram's datagrams went one by one.
        public let leftAlone: Bool
        public let endpoint: Endpoint
        /// The address that it was sent from; nil: the kernel chose one.
        public let source: EndpointSource?
        /// As it was given with the run.
        public let tag: UInt64
        /// Of the outer header: DSCP and ECN.
        public let trafficClass: UInt8
        /// The kernel's answer; 0 where it took the datagram.
        public let errno: Int32
    }

    /// Where ``departure(after:)`` goes on.
    public struct DepartureCursor {
        fileprivate var entry = 0
        fileprivate var segment = 0
        fileprivate var piece = 0
        fileprivate var offset = 0

        public init() {}
    }

    /// The next datagram of the last flush, in order of appending; nil after the last. Valid until the next ``begin(_:from:tag:)``.
    public func departure(after cursor: inout DepartureCursor) -> Departure? {
        guard cursor.entry < flushedCount else { return nil }
        // SAFETY: the entries of a flush stay as they are until the next run begins, and so do their pieces and destinations.
        let entry = unsafe entries[cursor.entry]
        if cursor.segment == 0 { cursor.piece = entry.firstPiece }
        let piece = unsafe vectors[cursor.piece]
        let size = unsafe min(entry.segmentSize, Int(piece.iov_len) - cursor.offset)
        let destination = unsafe destinations[entry.destination]
        let isLost = entry.lost >> UInt64(cursor.segment) & 1 == 1
        let departure = unsafe Departure(
            start: UnsafeRawPointer(piece.iov_base + cursor.offset), size: size, superDatagram: cursor.entry, index: cursor.segment,
            count: entry.segments, leftAlone: entry.leftAlone, endpoint: destination.outcome.endpoint, source: destination.source,
            tag: destination.outcome.tag, trafficClass: entry.trafficClass, errno: isLost ? entry.errno : 0)
        cursor.segment += 1
        cursor.offset += size
        if unsafe cursor.offset >= Int(piece.iov_len) {
            cursor.piece += 1
            cursor.offset = 0
        }
        if cursor.segment == entry.segments {
            cursor.entry += 1
            cursor.segment = 0
            cursor.offset = 0
        }
        return departure
    }
}
