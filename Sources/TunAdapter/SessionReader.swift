internal import LinuxSystem
internal import NetworkTypes

/// The receiving half of a session: reads super-packets and lays single packets into the ring. One thread at a time.
@safe
struct SessionReader: ~Copyable {
    /// What one attempt came to.
    enum Outcome {
        /// Packets, written into the ring, with the number of the super-packet they are from.
        case packets(PacketRing.Run, superPacket: UInt32)
        /// Nothing waits.
        case nothing
        /// A packet waits, but the ring has no room for it.
        case noRoom
        /// The device is gone, with its errno.
        case ended(errno: Int32)
    }

    /// The largest IPv6 packet with its virtio header, and some room to align the packet in.
    private static let scratchSize = 0x1_1000
    /// The packet begins at a multiple of 16.
    private static let packetOffset = 16

    /// Nil once the session has ended.
    var device: PacketDevice?
    private let scratch: AnonymousMemory
    /// The packet in `scratch`, of which the segments from `next` on are not in the ring yet.
    private var pending: Segmentation?
    private var next = 0
    private var superPacket: UInt32 = 0
    /// Whether the ring had no room when it was last asked.
    var isBlocked = false
    var isWatched = false
    var isPendingSignalled = false
    var received: UInt64 = 0
    var superPackets: UInt64 = 0
    var malformed: UInt64 = 0

    init(device: consuming PacketDevice) throws(SystemError) {
        scratch = try AnonymousMemory(count: Self.scratchSize)
        self.device = consume device
    }

    /// Whether a packet is at hand that needs no read.
    var hasPending: Bool { pending != nil }

    /// Lays the next packets into `ring`: of one super-packet, at most `limit`.
    /// - Parameter reads: how many more reads are allowed; counted down.
    mutating func next(limit: Int, reads: inout Int, into ring: borrowing PacketRing) -> Outcome {
        while pending == nil {
            guard reads > 0 else { return .nothing }
            reads &-= 1
            switch fetch() {
            case .moved: break
            case .wouldBlock: return .nothing
            case .failed(let errno): return .ended(errno: errno)
            }
        }
        guard let segmentation = pending else { return .nothing }
        let remaining = segmentation.count &- next
        let wanted = min(remaining, limit)
        let lastSize = wanted == remaining ? segmentation.lastPacketSize : segmentation.packetSize
        guard let run = ring.allocate(wanted, size: segmentation.packetSize, lastSize: lastSize, orFewer: true) else {
            return .noRoom
        }
        // SAFETY: the run's packets were allocated with the sizes that the segments have.
        let packet = unsafe UnsafeRawPointer(scratch.start) + Self.packetOffset
        var destination = unsafe ring.packet(at: run.offset)
        for index in next..<next &+ run.count {
            unsafe segmentation.write(index, of: packet, to: destination)
            unsafe destination += run.stride
        }
        next &+= run.count
        if next == segmentation.count { pending = nil }
        received &+= UInt64(truncatingIfNeeded: run.count)
        return .packets(run, superPacket: superPacket)
    }

    /// Reads one packet into `scratch`; one that makes no sense is counted and forgotten.
    private mutating func fetch() -> TransferResult {
        let headerSize: Int
        let result: TransferResult
        switch device {
        case nil:
            return .failed(errno: ErrorNumber.badDescriptor)
        case .some(let device):
            headerSize = device.hasVirtioHeader ? VirtioNetHeader.size : 0
            let start = Self.packetOffset &- headerSize
            // SAFETY: the buffer is the rest of `scratch`.
            result = unsafe device.read(
                into: UnsafeMutableRawBufferPointer(start: scratch.start + start, count: Self.scratchSize &- start))
        }
        switch result {
        case .moved(let count):
            superPackets &+= 1
            superPacket &+= 1
            next = 0
            // SAFETY: `count` bytes were read, the header's among them.
            let header =
                headerSize > 0 && count >= headerSize
                ? unsafe VirtioNetHeader(bytes: scratch.start + (Self.packetOffset &- headerSize)) : VirtioNetHeader()
            pending = unsafe Segmentation(
                packet: UnsafeRawBufferPointer(start: scratch.start + Self.packetOffset, count: max(0, count &- headerSize)),
                header: header)
            if pending == nil { malformed &+= 1 }
            return result
        case .failed(let errno) where errno == ErrorNumber.inputOutput:
            // The interface is down: nothing comes until it is up again.
            return .wouldBlock
        default:
            return result
        }
    }
}
