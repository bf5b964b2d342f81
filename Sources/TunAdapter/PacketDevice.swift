internal import LinuxSystem

/// Where a session's packets come from and go to: the kernel, or memory. An enum, because the packet path calls through no existential.
enum PacketDevice: ~Copyable {
    case tun(TunDevice)
    case memory(MemoryLink)

    /// What is readable while a packet waits.
    var pollDescriptor: Int32 {
        switch self {
        case .tun(let device): device.tun.descriptor.rawValue
        case .memory(let link): link.incoming.event.rawValue
        }
    }

    /// Whether a ``VirtioNetHeader`` stands before every packet.
    var hasVirtioHeader: Bool {
        switch self {
        case .tun(let device): device.hasVirtioHeader
        case .memory: true
        }
    }

    /// Whether it takes TCP super-packets.
    var takesTCP: Bool {
        switch self {
        case .tun(let device): device.offload.contains(.tcp4Segmentation)
        case .memory(let link): link.takesSuperPackets
        }
    }

    /// Whether it takes UDP super-packets.
    var takesUDP: Bool {
        switch self {
        case .tun(let device): device.offload.contains(.udp4Segmentation)
        case .memory(let link): link.takesSuperPackets
        }
    }

    /// Reads one packet or super-packet with its header.
    @inline(__always)
    func read(into buffer: UnsafeMutableRawBufferPointer) -> TransferResult {
        switch self {
        case .tun(let device): unsafe device.tun.descriptor.receive(into: buffer)
        case .memory(let link): unsafe link.incoming.take(into: buffer)
        }
    }

    /// Writes one packet or super-packet, gathered from pieces.
    @inline(__always)
    func write(_ pieces: UnsafePointer<MemoryPiece>, count: Int) -> TransferResult {
        switch self {
        case .tun(let device): unsafe device.tun.descriptor.send(gathered: pieces, count: count)
        case .memory(let link): unsafe link.outgoing.put(pieces, count: count)
        }
    }

    /// The same once more, for the other direction.
    func duplicate() throws(SystemError) -> PacketDevice {
        switch self {
        case .tun(let device): .tun(try device.duplicate())
        case .memory(let link): .memory(link)
        }
    }
}
