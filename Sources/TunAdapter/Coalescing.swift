internal import LinuxSystem
internal import NetworkTypes

/// How consecutive segments of a flow become one super-packet on their way into the kernel, without copying a payload.
///
/// - Packets are added in order; what comes out is a list of *items*, a packet or a super-packet each, in the order of their first
///   packets. Up to ``Limits/openFlows`` flows are open at once, so interleaved flows merge too.
/// - The order *within* a flow never changes: a packet that can't be merged closes the flow's open item and comes after it. Pure
///   acknowledgements are not merged. What has no ports to tell its flow by (a fragment, an IP option, an extension header)
///   closes every open item.
/// - A segment joins only with its own checksums verified, because the kernel believes a super-packet's (VIRTIO_NET_HDR_F_NEEDS_CSUM);
///   single packets go as they are, and the kernel verifies them.
/// - Headers must be equal but for lengths, checksums, TCP sequence and PSH; the IPv4 identification must count up unless DF
///   is set (RFC 6864). A segment shorter than the first, or PSH, is the last.
///
/// Only pointers are kept: the packets must stay as they are until ``removeAll()``. Nothing here allocates after ``init(capacity:)``.
@safe
struct Coalescing: ~Copyable {
    enum Limits {
        /// An IPv4 packet's length field ends here; IPv6 is held to the same.
        static let superPacketBytes = 0xffff
        /// Kernels before 6.9 refuse more (UDP_MAX_SEGMENTS).
        static let udpSegments = 64
        /// A gather write takes 1024 pieces (UIO_MAXIOV), the headers' one included.
        static let tcpSegments = 512
        static let openFlows = 16
        /// The virtio header and the longest headers there can be: IPv6 and a TCP header with all options.
        static let headerBytes = 128
    }

    @unsafe
    struct Packet {
        let start: UnsafeMutableRawPointer
        let count: Int32
        /// The next packet of the same item, or -1.
        var next: Int32
    }

    enum Kind: UInt8 {
        case single
        case tcp
        case udp
    }

    struct Item {
        var kind = Kind.single
        var isIPv6 = false
        var first: Int32
        var last: Int32
        var segments: Int32 = 1
        /// The first packet's bytes and all further payloads'.
        var totalCount: Int32
        var transportOffset: Int32 = 0
        var headerLength: Int32 = 0
        /// The first segment's payload.
        var segmentSize: Int32 = 0
        var nextSequence: UInt32 = 0
        /// Whether the first packet's checksums were found right.
        var isVerified = false
        /// Whether the last segment carries PSH.
        var pushes = false
    }

    struct OpenFlow {
        var hash: UInt64
        var item: Int32
    }

    let capacity: Int
    /// Whether consecutive UDP datagrams are merged too; the kernel must know UDP segmentation on TUN (6.2).
    var mergesUDP = true
    /// Whether anything is merged at all.
    var isEnabled = true
    let packets: UnsafeMutablePointer<Packet>
    let items: UnsafeMutablePointer<Item>
    let flows: UnsafeMutablePointer<OpenFlow>
    private(set) var packetCount = 0
    private(set) var itemCount = 0
    var flowCount = 0
    var oldestFlow = 0

    /// Makes room for `capacity` packets.
    init(capacity: Int) {
        self.capacity = capacity
        unsafe packets = .allocate(capacity: capacity)
        unsafe items = .allocate(capacity: capacity)
        unsafe flows = .allocate(capacity: Limits.openFlows)
    }

    deinit {
        unsafe packets.deallocate()
        unsafe items.deallocate()
        unsafe flows.deallocate()
    }

    var isFull: Bool { packetCount == capacity }

    /// Forgets all packets and items.
    mutating func removeAll() {
        packetCount = 0
        itemCount = 0
        flowCount = 0
        oldestFlow = 0
    }

    /// Adds the next packet, which may join an open item.
    mutating func add(_ start: UnsafeMutableRawPointer, count: Int) {
        precondition(packetCount < capacity)
        // SAFETY: below the capacity that was allocated; `Packet` is trivial.
        let index = Int32(truncatingIfNeeded: packetCount)
        unsafe packets[packetCount] = Packet(start: start, count: Int32(truncatingIfNeeded: count), next: -1)
        packetCount &+= 1
        guard isEnabled else {
            appendSingle(index, count: count)
            return
        }
        switch unsafe CoalescingCandidate.classify(start, count: count) {
        case .unrelated:
            appendSingle(index, count: count)
        case .orderUnknown:
            flowCount = 0
            appendSingle(index, count: count)
        case .alone(let flow):
            closeFlow(flow)
            appendSingle(index, count: count)
        case .mergeable(let candidate):
            if candidate.kind == .udp && !mergesUDP {
                appendSingle(index, count: count)
            } else {
                join(candidate, index: index)
            }
        }
    }

    private mutating func appendSingle(_ index: Int32, count: Int) {
        // SAFETY: there are never more items than packets.
        unsafe items[itemCount] = Item(first: index, last: index, totalCount: Int32(truncatingIfNeeded: count))
        itemCount &+= 1
    }

    private mutating func join(_ candidate: CoalescingCandidate, index: Int32) {
        let flow = findFlow(candidate.flow)
        if flow >= 0 {
            // SAFETY: an open flow's item is below `itemCount`.
            let item = unsafe items + Int(flows[flow].item)
            if unsafe extends(item, candidate, index: index) {
                if unsafe candidate.payload < item.pointee.segmentSize || candidate.pushes { removeFlow(flow) }
                return
            }
        }
        let item = itemCount
        unsafe items[item] = Item(
            kind: candidate.kind, isIPv6: candidate.isIPv6, first: index, last: index, totalCount: candidate.count,
            transportOffset: candidate.transportOffset, headerLength: candidate.headerLength, segmentSize: candidate.payload,
            nextSequence: candidate.sequence &+ UInt32(bitPattern: candidate.payload), pushes: candidate.pushes)
        itemCount &+= 1
        if candidate.pushes {
            if flow >= 0 { removeFlow(flow) }
        } else if flow >= 0 {
            unsafe flows[flow].item = Int32(truncatingIfNeeded: item)
        } else {
            openFlow(candidate.flow, item: item)
        }
    }

    /// Appends the candidate to `item` if all conditions hold.
    @inline(__always)
    private mutating func extends(_ item: UnsafeMutablePointer<Item>, _ candidate: CoalescingCandidate, index: Int32) -> Bool {
        // SAFETY: the item's first packet is one of ours and has the headers it was classified by.
        let first = unsafe packets[Int(item.pointee.first)]
        let start = unsafe UnsafeRawPointer(packets[Int(index)].start)
        let limit = unsafe Int32(item.pointee.kind == .udp ? Limits.udpSegments : Limits.tcpSegments)
        guard unsafe item.pointee.kind == candidate.kind, unsafe item.pointee.isIPv6 == candidate.isIPv6,
            unsafe item.pointee.headerLength == candidate.headerLength,
            unsafe candidate.payload <= item.pointee.segmentSize,
            unsafe item.pointee.totalCount &+ candidate.payload <= Int32(Limits.superPacketBytes),
            unsafe item.pointee.segments < limit,
            unsafe candidate.kind == .udp || candidate.sequence == item.pointee.nextSequence,
            unsafe candidate.hasSameHeaders(start, as: first.start, distance: item.pointee.segments),
            unsafe candidate.isVerified(start)
        else { return false }
        if unsafe !item.pointee.isVerified {
            guard case .mergeable(let whole) = unsafe CoalescingCandidate.classify(first.start, count: Int(first.count)),
                unsafe whole.isVerified(first.start)
            else { return false }
            unsafe item.pointee.isVerified = true
        }
        unsafe packets[Int(item.pointee.last)].next = index
        unsafe item.pointee.last = index
        unsafe item.pointee.segments &+= 1
        unsafe item.pointee.totalCount &+= candidate.payload
        unsafe item.pointee.nextSequence &+= UInt32(bitPattern: candidate.payload)
        unsafe item.pointee.pushes = candidate.pushes
        return true
    }
}
