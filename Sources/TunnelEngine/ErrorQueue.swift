internal import LinuxSystem
internal import NetworkTypes
internal import TunnelCore

/// Reads what the kernel says of datagrams that were sent before, and lets the tunnel keep it with the peers it is about.
///
/// ICMP can be forged, and looking a peer up by endpoint looks at all of them: so all messages are read, the same one twice in a second
/// counts once, and no more than ``lookUpsPerSecond`` are looked up.
struct ErrorQueue {
    /// Messages taken in one turn; the rest waits for the next.
    private static let atATime = 64
    static let lookUpsPerSecond = 64

    private var second = Instant(nanoseconds: 0)
    private var seen: Set<ICMPErrorRecord> = []

    /// Takes what waits at `socket`.
    /// - Returns: how many messages there were.
    mutating func read(_ socket: UDPSocket, _ engine: Engine, at time: TimePoint) -> Int {
        var count = 0
        var worthKeeping: [ICMPErrorRecord] = []
        while count < Self.atATime, let error = socket.nextError() {
            count += 1
            if let record = take(error, at: time) { worthKeeping.append(record) }
        }
        if !worthKeeping.isEmpty { engine.tunnel.withLock { tunnel in for record in worthKeeping { tunnel.note(record) } } }
        return count
    }

    /// The record to keep of an error, if it is worth a look at all peers now.
    mutating func take(_ error: SocketError, at time: TimePoint) -> ICMPErrorRecord? {
        // What the system itself refused was told to whoever sent.
        guard error.origin != .local else { return nil }
        if time.now.since(second) >= .seconds(1) {
            second = time.now
            seen.removeAll(keepingCapacity: true)
        }
        var record = ICMPErrorRecord(
            errno: error.errno, isV6: error.origin == .icmpv6, type: error.type, code: error.code, mtu: error.mtu,
            reporter: error.reporter, destination: error.destination, unixNanoseconds: 0)
        guard seen.count < Self.lookUpsPerSecond, seen.insert(record).inserted else { return nil }
        record.unixNanoseconds = time.unixNanoseconds
        return record
    }
}
