internal import LinuxSystem
internal import NetworkTypes

extension Coalescing {
    /// Describes the write of `item`: the virtio header, then the packet; or with it the headers for all segments, then their payloads.
    /// - Parameters:
    ///   - header: at least ``Limits/headerBytes`` bytes, in use until the write is done.
    ///   - pieces: room for ``Limits/tcpSegments`` + 1 pieces.
    ///   - virtio: whether the queue wants a virtio header at all.
    /// - Returns: the number of pieces.
    func gather(_ item: Int, header: UnsafeMutableRawPointer, into pieces: UnsafeMutablePointer<MemoryPiece>, virtio: Bool) -> Int {
        precondition(item < itemCount)
        // SAFETY: an item's packets are ours, and stay as they are until removeAll().
        let item = unsafe items[item]
        let first = unsafe packets[Int(item.first)]
        guard item.segments > 1 else {
            return unsafe Self.gatherSingle(first, header: header, into: pieces, virtio: virtio)
        }
        unsafe patchHeaders(of: item, first: first, header: header)
        let headerLength = Int(item.headerLength)
        unsafe pieces[0] = MemoryPiece(start: header, count: VirtioNetHeader.size &+ headerLength)
        var count = 1
        var index = item.first
        while index >= 0 {
            let packet = unsafe packets[Int(index)]
            unsafe pieces[count] = MemoryPiece(start: packet.start + headerLength, count: Int(packet.count) &- headerLength)
            count &+= 1
            index = unsafe packet.next
        }
        return count
    }

    /// Describes the write of one packet of an item alone.
    static func gatherSingle(
        _ packet: Packet, header: UnsafeMutableRawPointer, into pieces: UnsafeMutablePointer<MemoryPiece>, virtio: Bool
    ) -> Int {
        // SAFETY: as in gather(_:header:into:virtio:).
        guard virtio else {
            unsafe pieces[0] = MemoryPiece(start: packet.start, count: Int(packet.count))
            return 1
        }
        unsafe VirtioNetHeader().write(to: header)
        unsafe pieces[0] = MemoryPiece(start: header, count: VirtioNetHeader.size)
        unsafe pieces[1] = MemoryPiece(start: packet.start, count: Int(packet.count))
        return 2
    }

    /// Writes the virtio header and the first packet's headers, made right for the whole. The packet itself stays as it is, so
    /// that the segments can still go one by one if the kernel refuses.
    private func patchHeaders(of item: Item, first: Packet, header: UnsafeMutableRawPointer) {
        let transportOffset = Int(item.transportOffset)
        let total = Int(item.totalCount)
        let isTCP = item.kind == .tcp
        var virtio = VirtioNetHeader()
        virtio.flags = VirtioNetHeader.needsChecksum
        virtio.segmentation =
            isTCP
            ? (item.isIPv6 ? VirtioNetHeader.Segmentation.tcp6 : VirtioNetHeader.Segmentation.tcp4)
            : VirtioNetHeader.Segmentation.udp
        virtio.headerLength = UInt16(truncatingIfNeeded: item.headerLength)
        virtio.segmentSize = UInt16(truncatingIfNeeded: item.segmentSize)
        virtio.checksumStart = UInt16(truncatingIfNeeded: transportOffset)
        virtio.checksumOffset = UInt16(truncatingIfNeeded: isTCP ? TCPHeader.checksum : UDPHeader.checksum)
        // SAFETY: `header` has room for the virtio header and the longest headers that classify() lets through (40 + 60 bytes).
        unsafe virtio.write(to: header)
        let network = unsafe header + VirtioNetHeader.size
        unsafe network.copyMemory(from: first.start, byteCount: Int(item.headerLength))
        let transport = unsafe network + transportOffset
        if item.isIPv6 {
            unsafe network.setField16(IPv6Header.payloadLength, UInt16(truncatingIfNeeded: total &- IPv6Header.length))
        } else {
            unsafe network.setField16(IPv4Header.totalLength, UInt16(truncatingIfNeeded: total))
            unsafe network.setField16(IPv4Header.checksum, 0)
            var sum = InternetChecksum()
            unsafe sum.add(UnsafeRawBufferPointer(start: network, count: IPv4Header.length))
            unsafe network.setField16(IPv4Header.checksum, sum.checksum)
        }
        let sum = unsafe Self.pseudoHeaderSum(network, isIPv6: item.isIPv6, kind: item.kind, length: total &- transportOffset)
        if isTCP {
            if item.pushes {
                let flags = unsafe UnsafeRawPointer(transport).field16(TCPHeader.offsetAndFlags)
                unsafe transport.setField16(TCPHeader.offsetAndFlags, flags | TCPHeader.psh)
            }
            unsafe transport.setField16(TCPHeader.checksum, sum.folded)
        } else {
            unsafe transport.setField16(UDPHeader.lengthField, UInt16(truncatingIfNeeded: total &- transportOffset))
            unsafe transport.setField16(UDPHeader.checksum, sum.folded)
        }
    }
}
