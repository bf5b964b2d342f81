internal import NetworkTypes

/// A packet looked at for ``Coalescing``: a TCP or UDP segment with payload and plain headers.
struct CoalescingCandidate {
    /// What a packet is to coalescing.
    enum Class {
        /// No TCP or UDP: passes by without touching any flow.
        case unrelated
        /// TCP or UDP for all we know, but without ports to tell the flow by.
        case orderUnknown
        /// Belongs to a flow and must keep its place in it, but is never merged.
        case alone(flow: UInt64)
        case mergeable(CoalescingCandidate)
    }

    let count: Int32
    let kind: Coalescing.Kind
    let isIPv6: Bool
    let transportOffset: Int32
    let headerLength: Int32
    /// Bytes after the headers; at least 1.
    let payload: Int32
    let flow: UInt64
    /// TCP only.
    let sequence: UInt32
    let pushes: Bool

    /// Looks at the packet of `count` bytes at `start`.
    @inline(__always)
    static func classify(_ start: UnsafeRawPointer, count: Int) -> Class {
        guard count >= IPv4Header.length else { return .orderUnknown }
        // SAFETY: each field below is within the count checked before it.
        let versionAndLength = unsafe start.field8(0)
        let number: UInt8
        let transportOffset: Int
        let isIPv6: Bool
        var hash: UInt64
        if versionAndLength >> 4 == 4 {
            number = unsafe start.field8(IPv4Header.protocolNumber)
            guard number == TCPHeader.number || number == UDPHeader.number else { return .unrelated }
            // No options, the length as given, neither a fragment nor the reserved bit.
            guard versionAndLength == 0x45, unsafe Int(start.field16(IPv4Header.totalLength)) == count,
                unsafe start.field16(IPv4Header.fragment) & ~IPv4Header.dontFragment == 0
            else { return .orderUnknown }
            (isIPv6, transportOffset) = (false, IPv4Header.length)
            hash = unsafe FlowHash.addresses(ipv4: start)
        } else {
            guard versionAndLength >> 4 == 6, count >= IPv6Header.length else { return .orderUnknown }
            number = unsafe start.field8(IPv6Header.nextHeader)
            guard number == TCPHeader.number || number == UDPHeader.number else {
                // ICMPv6 and "no next header" are flows of their own; any other may be a header before TCP or UDP.
                return number == 58 || number == 59 ? .unrelated : .orderUnknown
            }
            guard unsafe Int(start.field16(IPv6Header.payloadLength)) &+ IPv6Header.length == count else { return .orderUnknown }
            (isIPv6, transportOffset) = (true, IPv6Header.length)
            hash = unsafe FlowHash.addresses(ipv6: start)
        }
        guard count >= transportOffset &+ UDPHeader.length else { return .orderUnknown }
        let transport = unsafe start + transportOffset
        hash = unsafe FlowHash.combined(hash, protocolNumber: number, ports: transport.word32(0))

        if number == UDPHeader.number {
            let payload = count &- transportOffset &- UDPHeader.length
            guard unsafe Int(transport.field16(UDPHeader.lengthField)) == count &- transportOffset, payload > 0,
                unsafe transport.field16(UDPHeader.checksum) != 0
            else { return .alone(flow: hash) }
            return .mergeable(
                CoalescingCandidate(
                    count: Int32(truncatingIfNeeded: count), kind: .udp, isIPv6: isIPv6,
                    transportOffset: Int32(truncatingIfNeeded: transportOffset),
                    headerLength: Int32(truncatingIfNeeded: transportOffset &+ UDPHeader.length),
                    payload: Int32(truncatingIfNeeded: payload), flow: hash, sequence: 0, pushes: false))
        }
        guard count >= transportOffset &+ TCPHeader.length else { return .alone(flow: hash) }
        let offsetAndFlags = unsafe transport.field16(TCPHeader.offsetAndFlags)
        let length = Int(offsetAndFlags >> 12) &* 4
        let flags = offsetAndFlags & TCPHeader.flags
        let payload = count &- transportOffset &- length
        guard length >= TCPHeader.length, payload > 0,
            flags & ~(TCPHeader.psh | TCPHeader.ece) == TCPHeader.ack
        else { return .alone(flow: hash) }
        return unsafe .mergeable(
            CoalescingCandidate(
                count: Int32(truncatingIfNeeded: count), kind: .tcp, isIPv6: isIPv6,
                transportOffset: Int32(truncatingIfNeeded: transportOffset),
                headerLength: Int32(truncatingIfNeeded: transportOffset &+ length),
                payload: Int32(truncatingIfNeeded: payload), flow: hash,
                sequence: transport.field32(TCPHeader.sequence), pushes: flags & TCPHeader.psh != 0))
    }

    /// Whether all of the headers that segments share are the same in this candidate's packet at `start` and in the one at
    /// `first`, which is `distance` segments before.
    ///
    /// Both are of the same kind, IP version and header length.
    @inline(__always)
    func hasSameHeaders(_ start: UnsafeRawPointer, as first: UnsafeRawPointer, distance: Int32) -> Bool {
        // SAFETY: both packets have at least `headerLength` bytes.
        if isIPv6 {
            // Version, traffic class and flow label; next header and hop limit; addresses.
            guard unsafe start.word32(0) == first.word32(0), unsafe start.field16(6) == first.field16(6),
                unsafe start.word64(8) == first.word64(8), unsafe start.word64(16) == first.word64(16),
                unsafe start.word64(24) == first.word64(24), unsafe start.word64(32) == first.word64(32)
            else { return false }
        } else {
            // Type of service; DF, time to live and protocol; addresses.
            guard unsafe start.field16(0) == first.field16(0), unsafe start.word32(6) == first.word32(6),
                unsafe start.word64(12) == first.word64(12)
            else { return false }
            if unsafe start.field16(IPv4Header.fragment) & IPv4Header.dontFragment == 0 {
                let expected = unsafe first.field16(IPv4Header.identification) &+ UInt16(truncatingIfNeeded: distance)
                guard unsafe start.field16(IPv4Header.identification) == expected else { return false }
            }
        }
        let ours = unsafe start + Int(transportOffset)
        let theirs = unsafe first + Int(transportOffset)
        guard unsafe ours.word32(0) == theirs.word32(0) else { return false }
        guard kind == .tcp else { return true }
        guard unsafe ours.word32(TCPHeader.acknowledgment) == theirs.word32(TCPHeader.acknowledgment),
            unsafe (ours.field16(TCPHeader.offsetAndFlags) ^ theirs.field16(TCPHeader.offsetAndFlags)) & ~TCPHeader.psh == 0,
            unsafe ours.field16(TCPHeader.window) == theirs.field16(TCPHeader.window),
            unsafe ours.field16(TCPHeader.urgentPointer) == theirs.field16(TCPHeader.urgentPointer)
        else { return false }
        var offset = TCPHeader.length
        let end = Int(headerLength &- transportOffset)
        while offset < end {
            guard unsafe ours.word32(offset) == theirs.word32(offset) else { return false }
            offset &+= 4
        }
        return true
    }

    /// Whether the IPv4 header's and the transport's checksums are right in this candidate's packet at `start`, and written as the kernel
    /// writes them: of a sum's two forms of zero, 0x0000 is the one in IPv4 and TCP, and 0xffff the one in UDP, where 0x0000 means none.
    /// The other form would come out of a super-packet changed.
    func isVerified(_ start: UnsafeRawPointer) -> Bool {
        // SAFETY: the packet has `count` bytes, and its headers were checked to be in them.
        if !isIPv6 {
            var network = InternetChecksum()
            unsafe network.add(UnsafeRawBufferPointer(start: start, count: IPv4Header.length))
            guard network.folded == 0xffff, unsafe start.field16(IPv4Header.checksum) != 0xffff else { return false }
        }
        let length = Int(count &- transportOffset)
        let transport = unsafe start + Int(transportOffset)
        if kind == .tcp, unsafe transport.field16(TCPHeader.checksum) == 0xffff { return false }
        var sum = unsafe Coalescing.pseudoHeaderSum(start, isIPv6: isIPv6, kind: kind, length: length)
        unsafe sum.add(UnsafeRawBufferPointer(start: transport, count: length))
        return sum.folded == 0xffff
    }
}

extension Coalescing {
    /// The pseudo-header's sum of the packet at `start`, whose transport header and payload have `length` bytes.
    @inline(__always)
    static func pseudoHeaderSum(_ start: UnsafeRawPointer, isIPv6: Bool, kind: Kind, length: Int) -> InternetChecksum {
        var sum = InternetChecksum()
        // SAFETY: the caller's packet has its whole IP header.
        unsafe sum.add(
            isIPv6
                ? UnsafeRawBufferPointer(start: start + IPv6Header.source, count: 32)
                : UnsafeRawBufferPointer(start: start + IPv4Header.source, count: 8))
        sum.add(UInt16(kind == .tcp ? TCPHeader.number : UDPHeader.number))
        sum.add(UInt32(truncatingIfNeeded: length))
        return sum
    }
}
