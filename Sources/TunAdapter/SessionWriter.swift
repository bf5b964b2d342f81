internal import LinuxSystem

/// The sending half of a session: takes finished packets out of the ring in order, coalesces them and writes. One thread at a time.
@safe
struct SessionWriter: ~Copyable {
    /// Packets looked at together; what merges is within so many.
    private static let batch = 512

    /// Nil once the session has ended.
    var device: PacketDevice?
    private let hasVirtioHeader: Bool
    private var coalescing: Coalescing
    private let header: UnsafeMutableRawPointer
    private let pieces: UnsafeMutablePointer<MemoryPiece>
    var sent: UInt64 = 0
    var writes: UInt64 = 0
    var droppedWhileDown: UInt64 = 0
    var refused: UInt64 = 0
    /// The kernel's last refusal, and how many writes were noted: for ``DeliveryNotes``.
    private var lastErrno: Int32 = 0
    private var number: UInt32 = 0
    /// Whether a refused super-packet was already reported.
    private var hasReportedRefusal = false
    /// Such a report for the session to log: the errno.
    var refusalToReport: Int32 = 0
    /// Threads that sleep until there is room.
    var sleepers = 0

    init(device: consuming PacketDevice) {
        coalescing = Coalescing(capacity: Self.batch)
        coalescing.isEnabled = device.takesTCP
        coalescing.mergesUDP = device.takesUDP
        hasVirtioHeader = device.hasVirtioHeader
        unsafe header = .allocate(byteCount: Coalescing.Limits.headerBytes, alignment: 16)
        unsafe pieces = .allocate(capacity: Coalescing.Limits.tcpSegments + 1)
        self.device = consume device
    }

    deinit {
        unsafe header.deallocate()
        unsafe pieces.deallocate()
    }

    /// Writes everything that is finished, up to the first packet still in its holder's hands.
    /// - Returns: the errno if the device turned out to be gone, else 0.
    /// - Parameter notes: where to note what became of each packet; nil where nobody wants to know.
    mutating func flush(_ ring: borrowing PacketRing, _ notes: UnsafeMutablePointer<DeliveryNotes>? = nil) -> Int32 {
        while true {
            let range = ring.readyPrefix(limit: Self.batch)
            guard !range.isEmpty else { return 0 }
            for sequence in range {
                // SAFETY: the slots of a ready prefix stay as they are until they are retired.
                let slot = unsafe ring.slot(sequence)
                if unsafe slot.pointee.state == .ready {
                    unsafe coalescing.add(ring.packet(at: Int(slot.pointee.offset)), count: Int(slot.pointee.count))
                }
            }
            var gone: Int32 = 0
            if let notes = unsafe notes {
                unsafe gone = writeAll(noting: notes)
            } else {
                for item in 0..<coalescing.itemCount where gone == 0 {
                    gone = write(item)
                }
            }
            coalescing.removeAll()
            ring.retire(upTo: range.upperBound)
            if gone != 0 { return gone }
        }
    }

    /// Writes all items as ``flush(_:_:)`` does, and notes what became of each of their packets.
    @inline(never)
    private mutating func writeAll(noting notes: UnsafeMutablePointer<DeliveryNotes>) -> Int32 {
        var gone: Int32 = 0
        // SAFETY: the caller's notes live across the flush.
        let first = unsafe notes.pointee.extend(by: coalescing.packetCount)
        for item in 0..<coalescing.itemCount {
            lastErrno = gone
            if gone == 0 { gone = write(item) }
            number &+= 1
            let count = unsafe coalescing.items[item].segments
            var index = unsafe coalescing.items[item].first
            var place: UInt16 = 0
            while index >= 0 {
                unsafe notes.pointee.note(
                    first + Int(index),
                    DeliveryNotes.Delivery(write: number, index: place, count: UInt16(clamping: count), errno: lastErrno))
                place &+= 1
                // SAFETY: an item's packets are linked by index; the last links to none.
                index = unsafe coalescing.packets[Int(index)].next
            }
        }
        return gone
    }

    /// Writes an item; returns the errno if the device is gone, else 0.
    @inline(__always)
    private mutating func write(_ item: Int) -> Int32 {
        // SAFETY: below the item count; the buffers have the room that gather asks for.
        let segments = unsafe Int(coalescing.items[item].segments)
        let count = unsafe coalescing.gather(item, header: header, into: pieces, virtio: hasVirtioHeader)
        let result = put(count)
        if case .failed(let errno) = result, errno == ErrorNumber.invalidArgument, segments > 1 {
            if !hasReportedRefusal { refusalToReport = errno }
            hasReportedRefusal = true
            return writeSeparately(item)
        }
        return account(segments, result)
    }

    /// Writes the packets of an item that the kernel refused as a whole.
    private mutating func writeSeparately(_ item: Int) -> Int32 {
        var index = unsafe coalescing.items[item].first
        while index >= 0 {
            // SAFETY: the item's packets are linked by index.
            let packet = unsafe coalescing.packets[Int(index)]
            let count = unsafe Coalescing.gatherSingle(packet, header: header, into: pieces, virtio: hasVirtioHeader)
            let gone = account(1, put(count))
            if gone != 0 { return gone }
            index = unsafe packet.next
        }
        return 0
    }

    /// One gather write of the first `count` pieces.
    @inline(__always)
    private func put(_ count: Int) -> TransferResult {
        switch device {
        case nil: .failed(errno: ErrorNumber.badDescriptor)
        case .some(let device): unsafe device.write(pieces, count: count)
        }
    }

    /// Counts packets as sent, or as lost as a network would lose them; returns the errno if the device is gone, else 0.
    @inline(__always)
    private mutating func account(_ packets: Int, _ result: TransferResult) -> Int32 {
        let count = UInt64(truncatingIfNeeded: packets)
        switch result {
        case .moved:
            sent &+= count
            writes &+= 1
            return 0
        case .wouldBlock:
            refused &+= count
            lastErrno = ErrorNumber.wouldBlock
            return 0
        case .failed(let errno):
            lastErrno = errno
            return lose(count, errno: errno)
        }
    }

    private mutating func lose(_ count: UInt64, errno: Int32) -> Int32 {
        switch errno {
        case ErrorNumber.badDescriptorState, ErrorNumber.noDevice, ErrorNumber.badDescriptor:
            refused &+= count
            return errno
        case ErrorNumber.inputOutput:
            droppedWhileDown &+= count
        default:
            refused &+= count
        }
        return 0
    }
}
