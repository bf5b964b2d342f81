import LinuxSystem
import NetworkTypes
import Synchronization
import Testing

@testable import TunAdapter

/// Several receivers, several senders, and an end that comes while some of them wait. Run it under the thread sanitizer too.
@Suite struct SessionEndStressTests {
    static let receivers = 3
    static let senders = 2
    static let packetsPerSender = 400

    /// What the threads share.
    final class Traffic: Sendable {
        /// How often each packet was received.
        let seen = OrderedMutex<[Int: Int]>([:])
        let inFlight = Atomic(0)
        let failures = OrderedMutex<[String]>([])
    }

    private static func note(_ packet: borrowing ReceivedPacket, _ traffic: Traffic) -> Int {
        let number = unsafe packet.bytes.withUnsafeBytes { unsafe SessionTests.number([UInt8]($0)) }
        traffic.seen.withLock { $0[number, default: 0] += 1 }
        traffic.inFlight.subtract(1, ordering: .relaxed)
        return number
    }

    /// Receives until the session ends.
    static func receive(_ session: Session, _ traffic: Traffic) {
        do {
            while true {
                guard let packet = try session.receive(waiting: .forever) else { break }
                let number = note(packet, traffic)
                // Sometimes a younger packet is released before the older one.
                if number % 3 == 0, let younger = try session.receive() { _ = note(younger, traffic) }
            }
        } catch {
            if error.code != .handleEndOfFile { traffic.failures.withLock { $0.append("\(error)") } }
        }
        if !session.hasEnded { traffic.failures.withLock { $0.append("a receiver came back before the end") } }
    }

    static func send(_ session: Session, sender: Int, _ traffic: Traffic) {
        for index in 0..<packetsPerSender {
            while traffic.inFlight.load(ordering: .relaxed) > 500 { SystemThread.yield() }
            let bytes = SessionTests.packet(sender << 24 | index, count: 400 + index % 1000)
            var isSent = false
            while !isSent {
                guard var packet = session.allocate(bytes.count) else {
                    guard session.waitForSpace(.forever, count: bytes.count) else { return }
                    continue
                }
                unsafe packet.bytes.withUnsafeMutableBytes { unsafe $0.copyBytes(from: bytes) }
                traffic.inFlight.add(1, ordering: .relaxed)
                session.send(packet)
                isSent = true
            }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `several receivers get every packet once, and the end wakes all that wait`() throws {
        let (left, right) = try MemoryAdapter.pair()
        let options = SessionOptions(capacity: SessionOptions.minimumCapacity)
        let sending = try left.startSession(options)
        let receiving = try right.startSession(options)
        let traffic = Traffic()
        let receivers = try SystemThreads(Self.receivers, name: "receiver") { _ in Self.receive(receiving, traffic) }
        let senders = try SystemThreads(Self.senders, name: "sender") { sender in Self.send(sending, sender: sender, traffic) }
        senders.join()
        while traffic.inFlight.load(ordering: .relaxed) > 0 { SystemThread.yield() }
        receiving.end()
        receivers.join()
        let failures = traffic.failures.withLock { $0 }
        #expect(failures.isEmpty, "\(failures.prefix(5))")
        let seen = traffic.seen.withLock { $0 }
        #expect(seen.count == Self.senders * Self.packetsPerSender)
        #expect(seen.values.allSatisfy { $0 == 1 })
        #expect(receiving.receiveRing.heldCount == 0)
    }

    @Test(.timeLimit(.minutes(2)))
    func `an end in the middle of traffic lets every thread come back`() throws {
        for round in 0..<30 {
            let (left, right) = try MemoryAdapter.pair()
            let options = SessionOptions(capacity: SessionOptions.minimumCapacity)
            let sending = try left.startSession(options)
            let receiving = try right.startSession(options)
            let traffic = Traffic()
            // What is held up by this one fills the ring, so that senders wait for room.
            let held = round % 2 == 0 ? sending.allocate(100) : nil
            let receivers = try SystemThreads(Self.receivers, name: "receiver") { _ in Self.receive(receiving, traffic) }
            let senders = try SystemThreads(Self.senders, name: "sender") { sender in Self.send(sending, sender: sender, traffic) }
            for _ in 0..<round * 20 { SystemThread.yield() }
            // Senders stop for traffic that nobody takes away any more.
            receiving.end()
            traffic.inFlight.store(-1_000_000, ordering: .relaxed)
            sending.end()
            receivers.join()
            senders.join()
            let failures = traffic.failures.withLock { $0 }
            #expect(failures.isEmpty, "round \(round): \(failures.prefix(5))")
            _ = consume held
        }
    }
}
