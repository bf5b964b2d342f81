internal import LinuxSystem

/// What a session has moved and lost since its start. Packets unless said otherwise.
public struct SessionStatistics: Hashable, Sendable {
    /// Laid into the receive ring.
    public var received: UInt64 = 0
    /// Reads that they came in.
    public var reads: UInt64 = 0
    /// Reads that brought no correct packet.
    public var malformed: UInt64 = 0
    /// Taken by the kernel.
    public var sent: UInt64 = 0
    /// Writes that they went in.
    public var writes: UInt64 = 0
    /// Lost because the interface was down.
    public var droppedWhileDown: UInt64 = 0
    /// Lost because the kernel refused them.
    public var refused: UInt64 = 0
}

extension Session {
    /// Bytes of both rings that are in use now, and how many there are. A ring that its user keeps up with is nearly empty.
    public var ringUse: (receive: (used: UInt64, capacity: UInt64), send: (used: UInt64, capacity: UInt64)) {
        ((receiveRing.usedBytes, UInt64(options.capacity)), (sendRing.usedBytes, UInt64(options.capacity)))
    }

    /// Which super-packets the device gives and takes, and whether the header that they need stands before every packet.
    public var offload: (tcp: Bool, udp: Bool, hasHeader: Bool) {
        writer.withLock { writer in
            switch writer.device {
            case nil: (false, false, false)
            case .some(let device): (device.takesTCP, device.takesUDP, device.hasVirtioHeader)
            }
        }
    }

    /// The counts so far.
    public var statistics: SessionStatistics {
        var statistics = SessionStatistics()
        reader.withLock { reader in
            statistics.received = reader.received
            statistics.reads = reader.superPackets
            statistics.malformed = reader.malformed
        }
        writer.withLock { writer in
            statistics.sent = writer.sent
            statistics.writes = writer.writes
            statistics.droppedWhileDown = writer.droppedWhileDown
            statistics.refused = writer.refused
        }
        return statistics
    }
}
