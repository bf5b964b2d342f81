internal import LinuxSystem
internal import NetworkTypes
public import PathRecording
internal import Synchronization
internal import TunAdapter
internal import TunnelCore
internal import WireGuardCrypto

extension Engine {
    /// What the engine has counted of its two ways. Cheap, from any thread.
    public var directionFigures: (outbound: DirectionFigures, inbound: DirectionFigures) {
        (counters.outbound.figures, counters.inbound.figures)
    }

    /// What the engine has counted of its two ways, and the queues and offloads on them as they are now. From any thread.
    ///
    /// The tunnel's lock is taken for some peers at a time.
    public func figures() -> PathFigures {
        var figures = PathFigures(unixNanoseconds: Clock.unixNanoseconds, interval: Clock.now.since(began))
        figures.outbound = counters.outbound.figures
        figures.inbound = counters.inbound.figures
        figures.queues = queues()
        figures.offloads = offloads()
        let total = drops
        var first = 0
        var ofPeers: [PeerDropCount] = []
        while tunnel.withLock({ $0.appendDrops(first..<first + Self.peersAtATime, to: &ofPeers) }) { first += Self.peersAtATime }
        // What no peer is known for is the rest.
        var known = DropCounters()
        for drop in ofPeers { known.add(drop.reason, Int(clamping: drop.count)) }
        let rest = DropReason.allCases.compactMap { reason in
            total[reason] > known[reason] ? DropFigures(reason, peer: nil, count: total[reason] - known[reason]) : nil
        }
        figures.drops = rest + ofPeers.map { DropFigures($0.reason, peer: $0.publicKey, count: $0.count) }
        return figures
    }

    private func queues() -> [QueueFigures] {
        let rings = session.ringUse
        let waiting = inbox.withLock { $0.count }
        let observation = sockets.withLock { pair in
            (v4: socketFacts.v4.observation(of: pair.v4), v6: socketFacts.v6.observation(of: pair.v6))
        }
        let drops = drops
        var queues = [QueueFigures(name: "receive_ring", used: rings.receive.used, capacity: rings.receive.capacity)]
        for (name, socket) in [("v4", observation.v4), ("v6", observation.v6)] where socket.isOpen {
            queues.append(QueueFigures(name: "socket_\(name)_send", used: UInt64(socket.sendQueue), capacity: UInt64(socket.sendLimit)))
            queues.append(
                QueueFigures(
                    name: "socket_\(name)_receive", used: UInt64(socket.receiveQueue), capacity: UInt64(socket.receiveLimit),
                    losses: socket.receiveDrops))
        }
        queues.append(
            QueueFigures(
                name: "handshakes", used: UInt64(waiting), capacity: UInt64(HandshakeQueue.capacity), losses: drops[.handshakeQueueFull]))
        queues.append(
            QueueFigures(
                name: "send_ring", used: rings.send.used, capacity: rings.send.capacity, losses: drops[.interfaceQueueFull]))
        return queues
    }

    private func offloads() -> [OffloadFigures] {
        let tun = session.offload
        let older = "the TUN driver of this kernel doesn't know it"
        let off = "no virtio header stands before packets, so none is agreed on"
        var offloads = [
            OffloadFigures(
                name: "tun_tcp", isInUse: tun.tcp, detail: tun.tcp ? "TCP super-packets of up to 64 KiB" : tun.hasHeader ? older : off),
            OffloadFigures(
                name: "tun_udp", isInUse: tun.udp,
                detail: tun.udp ? "UDP super-packets of up to 64 KiB" : tun.hasHeader ? "\(older) (Linux 6.2 does)" : off),
        ]
        let pair = sockets.withLock { $0 }
        for (name, socket) in [("v4", pair.v4), ("v6", pair.v6)] {
            guard let socket else { continue }
            let segments = socket.segmentation(at: Clock.now)
            offloads.append(
                OffloadFigures(
                    name: "udp_segment_\(name)", isInUse: segments == .used || segments == .untried,
                    detail: segments.explanation))
            offloads.append(
                OffloadFigures(
                    name: "udp_merge_\(name)", isInUse: socket.mergesReceived,
                    detail: socket.mergesReceived
                        ? "UDP_GRO: datagrams of one sender come merged" : "the kernel lacks UDP_GRO (Linux 5.0 has it)"))
        }
        offloads.append(
            OffloadFigures(
                name: "aead", isInUse: aead.backend == .accelerated, detail: "\(aead.backend.library): \(aead.reason.explanation)"))
        offloads.append(
            OffloadFigures(
                name: "crypto_threads", isInUse: cryptoThreads > 1,
                detail: cryptoThreads > 1
                    ? "\(cryptoThreads) threads share batches of \(CryptoWorkers.smallestSharedBatch) packets and more"
                    : "the packet thread alone: there are too few processors for more, or it was asked for"))
        return offloads
    }
}

extension UDPSocket.Segmentation {
    fileprivate var explanation: String {
        switch self {
        case .used: "UDP_SEGMENT: datagrams to one peer leave as super-datagrams"
        case .untried: "UDP_SEGMENT is known to the kernel; nothing was large enough yet"
        case .refused: "the way out refused it, so datagrams go one by one; it is tried again every ten minutes"
        case .unknown: "the kernel lacks UDP_SEGMENT (Linux 4.18 has it)"
        }
    }
}
