internal import CLinuxShims
internal import Glibc
public import NetworkTypes
import Synchronization

extension DatagramSendQueue {
    /// Sends everything queued through `socket` and empties the queue.
    ///
    /// A full socket buffer is waited for (up to 100 ms: the sender's only back-pressure); what the kernel refuses to segment is
    /// sent one by one; a stale source address is dropped and the kernel's choice taken. Other errors lose the datagrams, as a
    /// network would, and are reported.
    /// - Parameters:
    ///   - socket: nil if the system lacks this address family: everything queued is dropped.
    ///   - now: paces how long a segment size stays marked as too big for the path.
    public mutating func flush(to socket: UDPSocket?, now: Instant) -> Report {
        var report = Report()
        guard let socket else {
            for index in 0..<entryCount { report.droppedDatagrams += unsafe entries[index].segments }
            report.lastError = EAFNOSUPPORT
            removeAll()
            return report
        }
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
        removeAll()
        return report
    }

    private func leavesWhole(_ index: Int, _ socket: UDPSocket, _ now: Instant) -> Bool {
        let entry = unsafe entries[index]
        if entry.segments == 1 { return true }
        return socket.segmentation.load(ordering: .relaxed) && (entry.segmentSize < oversizedSegment || now >= oversizedUntil)
    }

    /// Sends a stretch of entries, each in one message; returns the index of the first entry not dealt with.
    private mutating func sendWhole(_ range: Range<Int>, _ socket: UDPSocket, _ now: Instant, _ report: inout Report) -> Int {
        for index in range {
            prepareMessage(index, message: index)
        }
        var next = range.lowerBound
        while next < range.upperBound {
            // SAFETY: the messages of the range were prepared just now and point into this queue's own arrays.
            let sent = unsafe clinux_sendmmsg(socket.descriptor, messages + next, UInt32(range.upperBound - next), 0)
            if sent > 0 {
                for index in next..<next + Int(sent) { report.sentDatagrams += unsafe entries[index].segments }
                next += Int(sent)
                continue
            }
            let error = errno
            switch error {
            case EINTR:
                continue
            case EAGAIN:
                if waitUntilWritable(socket) { continue }
            case EINVAL, EADDRNOTAVAIL, ENETUNREACH, EHOSTUNREACH, ENODEV:
                if let source = dropSource(next) {
                    report.staleSource = source
                    prepareMessage(next, message: next)
                    continue
                }
                if unsafe error == EINVAL && entries[next].segments > 1 {
                    refuseSegmentation(socket, error, &report)
                    return next
                }
            case EIO where unsafe entries[next].segments > 1:
                refuseSegmentation(socket, error, &report)
                return next
            case EMSGSIZE where unsafe entries[next].segments > 1:
                // A segment is larger than the path: alone, the kernel may fragment it.
                oversizedSegment = unsafe min(now >= oversizedUntil ? .max : oversizedSegment, entries[next].segmentSize)
                oversizedUntil = now + Limits.retryOversized
                return next
            default:
                break
            }
            report.droppedDatagrams += unsafe entries[next].segments
            report.lastError = error
            next += 1
        }
        return next
    }

    private func refuseSegmentation(_ socket: UDPSocket, _ error: Int32, _ report: inout Report) {
        socket.segmentation.store(false, ordering: .relaxed)
        report.segmentationRefused = error
    }

    /// Lets the kernel choose the source for this entry's destination; returns what it was, nil if the kernel chose already.
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
        var next = 0
        while next < count {
            let sent = unsafe clinux_sendmmsg(socket.descriptor, messages + next, UInt32(count - next), 0)
            if sent > 0 {
                report.sentDatagrams += Int(sent)
                next += Int(sent)
                continue
            }
            let error = errno
            if error == EINTR || (error == EAGAIN && waitUntilWritable(socket)) { continue }
            report.droppedDatagrams += 1
            report.lastError = error
            next += 1
        }
    }

    private func prepareMessage(_ index: Int, message: Int) {
        let entry = unsafe entries[index]
        let address = unsafe addresses + entry.destination * SocketAddress.capacity
        var header = unsafe msghdr()
        unsafe header.msg_name = address
        unsafe header.msg_namelen = SocketAddress.write(destinations[entry.destination].endpoint, to: address)
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
                    control, family.rawValue, bytes.assumingMemoryBound(to: UInt8.self), source.interfaceIndex, entry.trafficClass,
                    segmentSize))
        }
    }
}
