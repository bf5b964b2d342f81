/// Both ways between a session and whoever stands in for the kernel.
final class MemoryLink: Sendable {
    let incoming: MemoryQueue
    let outgoing: MemoryQueue
    let takesSuperPackets: Bool

    init(incoming: MemoryQueue, outgoing: MemoryQueue, takesSuperPackets: Bool) {
        self.incoming = incoming
        self.outgoing = outgoing
        self.takesSuperPackets = takesSuperPackets
    }
}
