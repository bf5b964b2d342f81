internal import NetworkTypes

/// How a packet as the TUN queue hands it over becomes single, correct packets: a super-packet is cut, and a checksum that the
/// kernel left to the hardware is completed.
///
/// - Every segment gets the headers of the super-packet with its own lengths, IPv4 identification + i, TCP sequence and checksums.
/// - PSH and FIN stay on the last segment only, CWR on the first only (RFC 3168 section 6.1.2).
/// - The lengths in a super-packet's own headers may be stale: what was read counts.
/// - Nothing but `checksumStart` and `segmentSize` of the virtio header is believed, and those only after a check.
///
/// A pure function of the bytes: ``init(packet:header:)`` reads the headers once and sums up what all segments share, and
/// ``write(_:of:to:)`` makes a segment with one pass over its payload.
struct Segmentation {
    private enum Kind {
        /// Copied as it is, but for a checksum from `checksumStart` to the end where that is above 0.
        case whole(checksumStart: Int, checksumOffset: Int)
        case tcp
        case udp
    }

    private let kind: Kind
    private let isIPv6: Bool
    private let transportOffset: Int
    private let headerLength: Int
    private let totalCount: Int
    private let segmentSize: Int
    /// How many packets come of it; at least 1.
    let count: Int
    private var identification: UInt16 = 0
    private var sequence: UInt32 = 0
    private var offsetAndFlags: UInt16 = 0
    /// The IPv4 header without its length, identification and checksum.
    private var networkSum = InternetChecksum()
    /// Pseudo-header without the length, and the transport header without what differs between segments.
    private var transportSum = InternetChecksum()

    /// Reads the headers of `packet`, which came with `header`.
    /// - Returns: nil if the two contradict each other, or a super-packet is neither TCP nor UDP: no correct packet can be made.
    init?(packet: UnsafeRawBufferPointer, header: VirtioNetHeader) {
        guard let start = packet.baseAddress, packet.count >= IPv4Header.length else { return nil }
        totalCount = packet.count
        // SAFETY: every field read below is under `headerLength` or a smaller length, each checked against the count before.
        isIPv6 = unsafe start.field8(0) >> 4 == 6
        guard header.segmentation != VirtioNetHeader.Segmentation.none else {
            guard totalCount <= 0xffff else { return nil }
            var checksumStart = 0
            if header.flags & VirtioNetHeader.needsChecksum != 0 {
                checksumStart = Int(header.checksumStart)
                guard checksumStart >= IPv4Header.length, checksumStart &+ Int(header.checksumOffset) &+ 2 <= totalCount else { return nil }
            }
            kind = .whole(checksumStart: checksumStart, checksumOffset: Int(header.checksumOffset))
            (transportOffset, headerLength, segmentSize, count) = (0, 0, totalCount, 1)
            return
        }

        transportOffset = Int(header.checksumStart)
        if isIPv6 {
            guard transportOffset >= IPv6Header.length else { return nil }
        } else {
            guard unsafe start.field8(0) >> 4 == 4, transportOffset == Int(unsafe start.field8(0) & 15) &* 4,
                transportOffset >= IPv4Header.length
            else { return nil }
        }
        let minimum: Int
        switch header.segmentation & ~VirtioNetHeader.Segmentation.ecn {
        case VirtioNetHeader.Segmentation.tcp4 where !isIPv6, VirtioNetHeader.Segmentation.tcp6 where isIPv6:
            (kind, minimum) = (.tcp, TCPHeader.length)
        case VirtioNetHeader.Segmentation.udp:
            (kind, minimum) = (.udp, UDPHeader.length)
        default:
            return nil
        }
        guard transportOffset &+ minimum <= totalCount, header.segmentSize > 0 else { return nil }
        // Its header follows at once where the IPv6 header says so; only after extension headers it is further on.
        let number = minimum == TCPHeader.length ? TCPHeader.number : UDPHeader.number
        if isIPv6, transportOffset != IPv6Header.length, unsafe start.field8(IPv6Header.nextHeader) == number { return nil }
        segmentSize = Int(header.segmentSize)
        let transport = unsafe start + transportOffset
        if case .tcp = kind {
            let length = Int(unsafe transport.field8(TCPHeader.offsetAndFlags) >> 4) &* 4
            guard length >= TCPHeader.length, transportOffset &+ length <= totalCount else { return nil }
            headerLength = transportOffset &+ length
        } else {
            headerLength = transportOffset &+ UDPHeader.length
        }
        count = max(1, (totalCount &- headerLength &+ segmentSize &- 1) / segmentSize)
        unsafe sumSharedFields(start)
    }

    private mutating func sumSharedFields(_ start: UnsafeRawPointer) {
        // SAFETY: `headerLength` bytes were checked to be there.
        let transport = unsafe start + transportOffset
        let addresses =
            unsafe isIPv6
            ? UnsafeRawBufferPointer(start: start + IPv6Header.source, count: 32)
            : UnsafeRawBufferPointer(start: start + IPv4Header.source, count: 8)
        unsafe transportSum.add(addresses)
        if !isIPv6 {
            identification = unsafe start.field16(IPv4Header.identification)
            unsafe networkSum.add(UnsafeRawBufferPointer(start: start, count: 2))
            unsafe networkSum.add(UnsafeRawBufferPointer(start: start + IPv4Header.fragment, count: 4))
            // Addresses, and options where there are some.
            unsafe networkSum.add(
                UnsafeRawBufferPointer(start: start + IPv4Header.source, count: transportOffset &- IPv4Header.source))
        }
        unsafe transportSum.add(UnsafeRawBufferPointer(start: transport, count: 4))
        if case .tcp = kind {
            transportSum.add(UInt16(TCPHeader.number))
            sequence = unsafe transport.field32(TCPHeader.sequence)
            offsetAndFlags = unsafe transport.field16(TCPHeader.offsetAndFlags)
            unsafe transportSum.add(UnsafeRawBufferPointer(start: transport + TCPHeader.acknowledgment, count: 4))
            unsafe transportSum.add(UnsafeRawBufferPointer(start: transport + TCPHeader.window, count: 2))
            unsafe transportSum.add(
                UnsafeRawBufferPointer(
                    start: transport + TCPHeader.urgentPointer,
                    count: headerLength &- transportOffset &- TCPHeader.urgentPointer))
        } else {
            transportSum.add(UInt16(UDPHeader.number))
        }
    }

    /// The size of every packet but the last, in bytes.
    var packetSize: Int { count == 1 ? totalCount : headerLength &+ segmentSize }

    /// The size of the last packet, in bytes.
    var lastPacketSize: Int { totalCount &- (count &- 1) &* segmentSize }

    /// Makes packet `index` out of the same bytes as at ``init(packet:header:)``.
    /// - Parameter destination: room for ``packetSize`` bytes, ``lastPacketSize`` for the last; not overlapping `packet`.
    @inline(__always)
    func write(_ index: Int, of packet: UnsafeRawPointer, to destination: UnsafeMutableRawPointer) {
        switch kind {
        case .whole(let checksumStart, let checksumOffset):
            unsafe writeWhole(packet, to: destination, checksumStart: checksumStart, checksumOffset: checksumOffset)
        case .tcp:
            unsafe writeTCP(index, of: packet, to: destination)
        case .udp:
            unsafe writeUDP(index, of: packet, to: destination)
        }
    }

    private func writeWhole(
        _ packet: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, checksumStart: Int, checksumOffset: Int
    ) {
        // SAFETY: both have `totalCount` bytes, and the checksum field was checked to be within.
        guard checksumStart > 0 else {
            unsafe destination.copyMemory(from: packet, byteCount: totalCount)
            return
        }
        unsafe destination.copyMemory(from: packet, byteCount: checksumStart)
        var sum = InternetChecksum()
        unsafe sum.add(
            copying: UnsafeRawBufferPointer(start: packet + checksumStart, count: totalCount &- checksumStart),
            to: destination + checksumStart)
        unsafe destination.setField16(
            checksumStart &+ checksumOffset, checksumOffset == UDPHeader.checksum ? Self.nonZero(sum.checksum) : sum.checksum)
    }

    private func writeTCP(_ index: Int, of packet: UnsafeRawPointer, to destination: UnsafeMutableRawPointer) {
        let (length, payload) = unsafe writeShared(index, of: packet, to: destination)
        // SAFETY: the transport header is within `headerLength`.
        let transport = unsafe destination + transportOffset
        let ownSequence = sequence &+ UInt32(truncatingIfNeeded: index &* segmentSize)
        var ownFlags = offsetAndFlags
        if index > 0 { ownFlags &= ~TCPHeader.cwr }
        if index < count &- 1 { ownFlags &= ~(TCPHeader.psh | TCPHeader.fin) }
        var sum = payload
        sum.add(UInt32(truncatingIfNeeded: length))
        sum.add(ownSequence)
        sum.add(ownFlags)
        unsafe transport.setField32(TCPHeader.sequence, ownSequence)
        unsafe transport.setField16(TCPHeader.offsetAndFlags, ownFlags)
        unsafe transport.setField16(TCPHeader.checksum, sum.checksum)
    }

    private func writeUDP(_ index: Int, of packet: UnsafeRawPointer, to destination: UnsafeMutableRawPointer) {
        let (length, payload) = unsafe writeShared(index, of: packet, to: destination)
        // SAFETY: the transport header is within `headerLength`.
        let transport = unsafe destination + transportOffset
        var sum = payload
        // Once for the pseudo-header, once for the header's own field.
        sum.add(UInt32(truncatingIfNeeded: length))
        sum.add(UInt32(truncatingIfNeeded: length))
        unsafe transport.setField16(UDPHeader.lengthField, UInt16(truncatingIfNeeded: length))
        unsafe transport.setField16(UDPHeader.checksum, Self.nonZero(sum.checksum))
    }

    /// Copies headers and payload and makes the IP header right.
    /// - Returns: the transport header's and payload's length, and the sum so far.
    @inline(__always)
    private func writeShared(
        _ index: Int, of packet: UnsafeRawPointer, to destination: UnsafeMutableRawPointer
    ) -> (length: Int, sum: InternetChecksum) {
        let payloadStart = headerLength &+ index &* segmentSize
        let payloadCount = min(segmentSize, totalCount &- payloadStart)
        // SAFETY: `payloadStart + payloadCount` is at most `totalCount`; the destination has room for header and payload.
        unsafe destination.copyMemory(from: packet, byteCount: headerLength)
        var sum = transportSum
        unsafe sum.add(
            copying: UnsafeRawBufferPointer(start: packet + payloadStart, count: payloadCount), to: destination + headerLength)
        let total = headerLength &+ payloadCount
        if isIPv6 {
            unsafe destination.setField16(IPv6Header.payloadLength, UInt16(truncatingIfNeeded: total &- IPv6Header.length))
        } else {
            let ownIdentification = identification &+ UInt16(truncatingIfNeeded: index)
            var network = networkSum
            network.add(UInt16(truncatingIfNeeded: total))
            network.add(ownIdentification)
            unsafe destination.setField16(IPv4Header.totalLength, UInt16(truncatingIfNeeded: total))
            unsafe destination.setField16(IPv4Header.identification, ownIdentification)
            unsafe destination.setField16(IPv4Header.checksum, network.checksum)
        }
        return (total &- transportOffset, sum)
    }

    /// A UDP checksum that comes out as zero is sent as its other form, because zero means none (RFC 768).
    private static func nonZero(_ checksum: UInt16) -> UInt16 {
        checksum == 0 ? 0xffff : checksum
    }
}
