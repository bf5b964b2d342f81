internal import CLinuxShims
internal import Glibc
public import NetworkTypes
import Synchronization

extension DatagramSendQueue {
    /// Sends everything queued through `socket` and empties the queue.
    ///
    /// A full socket buffer is waited for (up to 100 ms: the sender's only back-pressure); what the kernel refuses to segment is
    /// sent one by one; a stale source address is dropped and the kernel's choice taken; what failed for an earlier datagram's sake is
    /// sent again. Other errors lose the datagrams, as a network would, and are reported, by run in ``outcome(at:)``.
    /// - Parameters:
    ///   - socket: nil if the system lacks this address family: everything queued is dropped.
    ///   - now: paces how long a destination stays marked as taking no super-datagrams.
    public mutating func flush(to socket: UDPSocket?, now: Instant) -> Report {
        var report = Report()
        if let socket {
            var first = 0
            while first < entryCount {
                // What must go one by one stands between stretches that leave whole.
                guard leavesWhole(first, socket, now) else {
                    sendSeparately(first, socket, &report)
                    first += 1
                    continue
                }
                var end = first + 1
                while end < entryCount && leavesWhole(end, socket, now) { end += 1 }
                first = sendWhole(first..<end, socket, now, &report)
            }
        } else {
            for index in 0..<entryCount {
                lose(unsafe entries[index].segments, bytes: unsafe entries[index].bytes, of: index, EAFNOSUPPORT, &report)
            }
        }
        let (outcomes, flushed) = (destinationCount, entryCount)
        removeAll()
        outcomeCount = outcomes
        flushedCount = flushed
        return report
    }

    private func leavesWhole(_ index: Int, _ socket: UDPSocket, _ now: Instant) -> Bool {
        let entry = unsafe entries + index
        if unsafe entry.pointee.segments == 1 { return true }
        return unsafe socket.mayTrySegmentation(at: now)
            && segmentSizeLimits.allow(
                entry.pointee.segmentSize, to: destinations[entry.pointee.destination].outcome.endpoint.address, at: now)
    }

    /// Sends a stretch of entries, each in one message; returns the index of the first entry not dealt with.
    private mutating func sendWhole(_ range: Range<Int>, _ socket: UDPSocket, _ now: Instant, _ report: inout Report) -> Int {
        for index in range {
            prepareMessage(index, message: index)
        }
        var next = range.lowerBound
        var repeats = 0
        while next < range.upperBound {
            // SAFETY: the messages of the range were prepared just now and point into this queue's own arrays.
            let sent = unsafe clinux_sendmmsg(socket.descriptor, messages + next, UInt32(range.upperBound - next), 0)
            if sent > 0 {
                for index in next..<next + Int(sent) {
                    let segments = unsafe entries[index].segments
                    let destination = unsafe destinations + entries[index].destination
                    if segments > 1 { socket.didSegment() }
                    report.sentDatagrams += segments
                    report.sentBytes += unsafe entries[index].bytes
                    unsafe destination.pointee.outcome.sentDatagrams += segments
                }
                next += Int(sent)
                repeats = 0
                continue
            }
            let error = errno
            switch recourse(error, entry: next, isSuperDatagram: unsafe entries[next].segments > 1, repeats) {
            case .again:
                repeats += 1
                continue
            case .whenWritable where waitUntilWritable(socket):
                continue
            case .withoutSource:
                report.staleSource = dropSource(next)
                // Those behind it to the same destination were prepared with the same source.
                for index in next..<range.upperBound where unsafe entries[index].destination == entries[next].destination {
                    prepareMessage(index, message: index)
                }
                continue
            case .cut:
                refuseSegmentation(next, socket, error, now, &report)
                return next
            case .whenWritable, .lose:
                break
            }
            lose(unsafe entries[next].segments, bytes: unsafe entries[next].bytes, of: next, error, &report)
            next += 1
            repeats = 0
        }
        return next
    }

    @inline(never)
    private func recourse(_ error: Int32, entry: Int, isSuperDatagram: Bool, _ repeats: Int) -> SendRecourse {
        let destination = unsafe destinations + entries[entry].destination
        return SendRecourse.after(
            error,
            SendRecourse.Circumstances(
                isSuperDatagram: isSuperDatagram, hasSource: unsafe destination.pointee.source != nil, repeats: repeats,
                isProven: unsafe destination.pointee.outcome.error == error))
    }

    /// Datagrams of an entry are lost.
    /// - Parameter first: the first of them; the others follow it.
    private func lose(_ count: Int, bytes: Int, of entry: Int, first: Int = 0, _ error: Int32, _ report: inout Report) {
        unsafe entries[entry].lost |= (count >= 64 ? UInt64.max : 1 << UInt64(count) - 1) << UInt64(first)
        let destination = unsafe destinations + entries[entry].destination
        unsafe destination.pointee.outcome.droppedDatagrams += count
        unsafe destination.pointee.outcome.droppedBytes += bytes
        unsafe destination.pointee.outcome.error = error
        unsafe entries[entry].errno = error
        report.droppedDatagrams += count
        report.lastError = error
    }

    private mutating func refuseSegmentation(
        _ index: Int, _ socket: UDPSocket, _ error: Int32, _ now: Instant, _ report: inout Report
    ) {
        let entry = unsafe entries[index]
        if socket.refusedSegmentation(error, at: now) { report.segmentationRefused = error }
        let destination = unsafe destinations[entry.destination].outcome.endpoint.address
        segmentSizeLimits.refuse(entry.segmentSize, to: destination, at: now)
    }

    /// Lets the kernel choose the source for this entry's destination; returns what it was.
    private mutating func dropSource(_ index: Int) -> EndpointSource? {
        let destination = unsafe entries[index].destination
        let source = unsafe destinations[destination].source
        unsafe destinations[destination].source = nil
        return source
    }

    private func waitUntilWritable(_ socket: UDPSocket) -> Bool {
        var wait = pollfd(fd: socket.descriptor, events: Int16(POLLOUT), revents: 0)
        return unsafe poll(&wait, 1, 100) > 0
    }

    /// Sends an entry's datagrams each in a message of its own.
    private mutating func sendSeparately(_ index: Int, _ socket: UDPSocket, _ report: inout Report) {
        let count = prepareSeparately(index)
        unsafe entries[index].leftAlone = true
        var next = 0
        var repeats = 0
        while next < count {
            // SAFETY: `count` messages were prepared and point into this queue's own arrays.
            let sent = unsafe clinux_sendmmsg(socket.descriptor, messages + next, UInt32(count - next), 0)
            if sent > 0 {
                report.sentDatagrams += Int(sent)
                for index in next..<next + Int(sent) { report.sentBytes += unsafe singles[index].iov_len }
                // Not by subscript: with the thread sanitizer the compiler takes that for an access to all of `self`, and crashes.
                let destination = unsafe destinations + entries[index].destination
                unsafe destination.pointee.outcome.sentDatagrams += Int(sent)
                next += Int(sent)
                repeats = 0
                continue
            }
            let error = errno
            switch recourse(error, entry: index, isSuperDatagram: false, repeats) {
            case .again:
                repeats += 1
                continue
            case .whenWritable where waitUntilWritable(socket):
                continue
            case .withoutSource:
                report.staleSource = dropSource(index)
                _ = prepareSeparately(index)
                continue
            case .whenWritable, .cut, .lose:
                break
            }
            lose(1, bytes: unsafe singles[next].iov_len, of: index, first: next, error, &report)
            next += 1
            repeats = 0
        }
    }

    /// Lays out a message for each of an entry's datagrams; returns how many there are.
    private func prepareSeparately(_ index: Int) -> Int {
        let entry = unsafe entries[index]
        prepareMessage(index, message: 0)
        // The segmentation request stands last in the control space: leave it off.
        let template = unsafe messages[0].header
        let control = writeControl(index, segmentSize: 0)
        var count = 0
        for piece in entry.firstPiece..<entry.firstPiece + entry.pieces {
            let whole = unsafe vectors[piece]
            var offset = 0
            while unsafe offset < whole.iov_len {
                let size = unsafe min(entry.segmentSize, whole.iov_len - offset)
                // SAFETY: an entry has at most as many segments as `singles` and `messages` have room for.
                unsafe singles[count] = iovec(iov_base: whole.iov_base + offset, iov_len: size)
                unsafe messages[count].header = template
                unsafe messages[count].header.msg_controllen = control
                if control == 0 { unsafe messages[count].header.msg_control = nil }
                unsafe messages[count].header.msg_iov = singles + count
                unsafe messages[count].header.msg_iovlen = 1
                offset += size
                count += 1
            }
        }
        return count
    }

    private func prepareMessage(_ index: Int, message: Int) {
        let entry = unsafe entries[index]
        let address = unsafe addresses + entry.destination * SocketAddress.capacity
        var header = unsafe msghdr()
        unsafe header.msg_name = address
        unsafe header.msg_namelen = SocketAddress.write(destinations[entry.destination].outcome.endpoint, to: address)
        unsafe header.msg_iov = vectors + entry.firstPiece
        unsafe header.msg_iovlen = entry.pieces
        let control = writeControl(index, segmentSize: entry.segments > 1 ? UInt16(entry.segmentSize) : 0)
        if control > 0 {
            unsafe header.msg_control = controls + index * Int(CLINUX_SEND_CONTROL_SIZE)
            unsafe header.msg_controllen = control
        }
        unsafe messages[message].header = header
    }

    private func writeControl(_ index: Int, segmentSize: UInt16) -> Int {
        let entry = unsafe entries[index]
        let control = unsafe controls + index * Int(CLINUX_SEND_CONTROL_SIZE)
        guard let source = unsafe destinations[entry.destination].source else {
            return unsafe Int(clinux_write_datagram_control(control, family.rawValue, nil, 0, entry.trafficClass, segmentSize))
        }
        return unsafe withUnsafeTemporaryAllocation(byteCount: 16, alignment: 8) { local in
            let bytes = local.baseAddress!
            switch source.address {
            case .v4(let address): unsafe address.write(to: bytes)
            case .v6(let address): unsafe address.write(to: bytes)
            }
            return unsafe Int(
                clinux_write_datagram_control(
                    control, family.rawValue, bytes.assumingMemoryBound(to: UInt8.self), source.forcedInterface, entry.trafficClass,
                    segmentSize))
        }
    }
}

extension EndpointSource {
    /// The interface to name beside the address. The routing table chooses it, as for the kernel's WireGuard; only a link-local address
    /// means nothing without one.
    fileprivate var forcedInterface: UInt32 {
        if case .v6 = address, address.isLinkLocal { return interfaceIndex }
        return 0
    }
}
