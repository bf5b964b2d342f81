public import NetworkTypes
public import PathRecording

/// How long the engine has had packets in its hands since it was started, and in which stages.
///
/// A look at the clock for each stage of a batch: every packet of a batch counts with the time from before the batch was read until its
/// last packet was handed to the kernel. Waiting in the kernel's queues before and after isn't in it, nor are packets that were
/// dropped or waited for a session.
public struct EngineLatency: Sendable {
    /// One direction.
    public struct Direction: Sendable {
        /// From the read to the hand-over to the kernel, by packet.
        public internal(set) var histogram = LatencyHistogram()
        /// The time spent in each stage since the start, in the order of its cases.
        public internal(set) var stages: [Interval] = []

        init() {}
    }

    /// From the read of the interface to the send to the socket; ``Direction/stages`` are those of ``OutboundStage``.
    public internal(set) var outbound = Direction()
    /// From the receive from the socket to the write to the interface; ``Direction/stages`` are those of ``InboundStage``.
    public internal(set) var inbound = Direction()

    init() {}
}
