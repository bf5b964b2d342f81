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
