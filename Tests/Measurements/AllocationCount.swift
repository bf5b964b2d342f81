internal import AllocationCounter
internal import LinuxSystem
internal import NetworkTypes
internal import TunAdapter
internal import TunnelEngine
internal import WireGuardCrypto

/// Counts the allocations of the whole process while packets cross two engines: sessions, routing, sealing, sockets, opening, replay
/// window, coalescing, and back into a session. Nothing may allocate per packet.
enum AllocationCount {
    /// What a run may allocate in all, for the few things that come with time and not with packets: passive keepalives and their
    /// timers on the handshake threads. A million packets with one allocation in a thousand would be 1000.
    static let allowance = 200

    static func run(_ arguments: Arguments) -> Bool {
        let packets = arguments.number("packets", default: 1_000_000)
        var succeeded = counterWorks()
        for backend in TransportCipher.Backend.allCases where TransportCipher(backend).backend == backend {
            for (name, traffic) in [("one flow, 1200 bytes", Traffic.bulk), ("eight flows, sizes mixed", Traffic.mixed)] {
                do {
                    let (delivered, allocations, seconds) = try count(packets, traffic, backend)
                    let isRight = delivered == packets && allocations <= allowance
                    succeeded = succeeded && isRight
                    print(
                        "\(isRight ? "ok  " : "FAIL") \(backend.rawValue), \(name): \(delivered) of \(packets) packets, "
                            + "\(allocations) allocations (at most \(allowance)), \(Int(Double(delivered) / seconds / 1000)) thousand packets/s"
                    )
                } catch {
                    print("FAIL \(backend.rawValue), \(name): \(error)")
                    succeeded = false
                }
            }
        }
        return succeeded
    }

    private enum Traffic {
        case bulk, mixed

        func size(_ number: Int) -> Int { self == .bulk ? 1200 : InnerPacket.headerByteCount + 1 + number &* 7919 % 1380 }
        func port(_ number: Int) -> UInt16 { self == .bulk ? 1000 : 1000 + UInt16(truncatingIfNeeded: number & 7) }
    }

    /// A counter that counts nothing would let everything pass.
    private static func counterWorks() -> Bool {
        final class Something { var content = 0 }
        let before = allocation_count()
        var kept: [Something] = []
        for _ in 0..<100 { kept.append(Something()) }
        let counted = withExtendedLifetime(kept) { allocation_count() - before }
        if counted < 100 { print("FAIL the counter saw \(counted) of 100 allocations") }
        return counted >= 100
    }

    private static func count(_ total: Int, _ traffic: Traffic, _ backend: TransportCipher.Backend) throws -> (Int, Int, Double) {
        let pair = try EnginePair(backend: backend, cryptoThreads: 1)
        defer { pair.stop() }
        var outgoing = OutgoingBatch()
        var incoming = ReceivedBatch()
        // Makes the session, and every buffer as large as it becomes.
        guard try move(20_000, traffic, pair, &outgoing, &incoming) == 20_000 else { return (0, 0, 1) }
        let before = allocation_count()
        let start = Clock.now
        let delivered = try move(total, traffic, pair, &outgoing, &incoming)
        let seconds = Double(Clock.now.since(start).nanoseconds) / 1e9
        return (delivered, Int(allocation_count() - before), seconds)
    }

    /// Sends packets from the left to the right, never more than a few bursts ahead of what arrives, and counts what arrives.
    private static func move(
        _ total: Int, _ traffic: Traffic, _ pair: borrowing EnginePair, _ outgoing: inout OutgoingBatch, _ incoming: inout ReceivedBatch
    ) throws -> Int {
        let burst = 64
        // A tunnel without a session keeps the last 128 packets.
        var window = 1
        var sent = 0
        var received = 0
        while received < total {
            if sent < total && sent - received < window {
                for _ in 0..<min(burst, total - sent, window) {
                    let size = traffic.size(sent)
                    guard pair.ends[0].allocate(count: 1, size: size, lastSize: size, into: &outgoing) else { break }
                    unsafe InnerPacket.write(
                        to: outgoing.unsafeBytes(at: outgoing.count - 1).baseAddress!, count: size, from: EnginePair.address(0),
                        to: EnginePair.address(1), port: traffic.port(sent))
                    sent += 1
                }
                pair.ends[0].send(&outgoing)
                pair.ends[0].flush()
            }
            let arrived = try pair.ends[1].receive(into: &incoming)
            received += arrived
            pair.ends[1].release(&incoming)
            if arrived > 0 { window = 4 * burst }
            // Packets are lost if nothing comes for so long.
            if arrived == 0, sent == total || sent - received >= window, !pair.ends[1].waitForPacket(.milliseconds(5000)) {
                return received
            }
        }
        return received
    }
}
