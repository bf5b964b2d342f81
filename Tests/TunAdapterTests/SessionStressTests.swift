import LinuxSystem
import NetworkTypes
import Synchronization
import Testing

@testable import TunAdapter

/// Several threads on both rings of two sessions that are a pair. Run it under the thread sanitizer too.
@Suite struct SessionStressTests {
    static let senders = 3
    static let packetsPerSender = 3000

    /// What the threads share.
    final class Traffic: Sendable {
        let inFlight = Atomic(0)
        let sendersDone = Atomic(0)
        let receiverDone = Atomic(false)
        /// First bytes of received packets on their way to the thread that releases them.
        let handedOver = OrderedMutex<[UInt]>([])
        let failures = OrderedMutex<[String]>([])

        func fail(_ text: String) { failures.withLock { $0.append(text) } }
    }

    /// Sends numbered packets, finishing some allocations after younger ones and abandoning every seventh.
    static func send(_ session: Session, sender: Int, _ traffic: Traffic) {
        var generator = SeededGenerator(seed: UInt64(sender))
        var batch = OutgoingBatch(capacity: 16)
        var number = 0
        while number < packetsPerSender {
            let count = min(Int.random(in: 1...16, using: &generator), packetsPerSender - number)
            let size = Int.random(in: 24...3000, using: &generator)
            // The queue in memory loses what is too much for it, as a network would.
            while traffic.inFlight.load(ordering: .relaxed) > 1500 { SystemThread.yield() }
            guard session.allocate(count: count, size: size, lastSize: size, into: &batch) else {
                guard session.waitForSpace(.upTo(.seconds(30)), count: count * size) else { return traffic.fail("no room for \(sender)") }
                continue
            }
            let held = number % 3 == 0 ? session.allocate(100) : nil
            for i in 0..<count {
                if (number + i) % 7 == 3 {
                    batch.abandon(i)
                } else {
                    unsafe batch.unsafeBytes(at: i).copyBytes(from: SessionTests.packet(sender << 24 | number + i, count: size))
                    traffic.inFlight.add(1, ordering: .relaxed)
                }
            }
            number += count
            session.send(&batch)
            session.flush()
            // Abandons the younger one, which held nothing up.
            _ = consume held
        }
    }

    /// Receives all, checks each sender's order, and hands the packets over to be released.
    static func receive(_ session: Session, _ traffic: Traffic) {
        var next = [Int](repeating: 0, count: senders)
        var missing = senders * (0..<packetsPerSender).filter { $0 % 7 != 3 }.count
        while missing > 0 {
            guard let packet = unsafe try? session.unsafeReceive() else {
                guard session.waitForPacket(.upTo(.seconds(30))) else { return traffic.fail("no packet; \(missing) missing") }
                continue
            }
            let bytes = unsafe [UInt8](packet)
            let number = SessionTests.number(bytes)
            let (sender, index) = (number >> 24, number & 0xff_ffff)
            if next[sender] % 7 == 3 { next[sender] += 1 }
            if index != next[sender] { traffic.fail("sender \(sender): \(index) instead of \(next[sender])") }
            if bytes != SessionTests.packet(number, count: bytes.count) { traffic.fail("packet \(number) is damaged") }
            next[sender] = index + 1
            missing -= 1
            traffic.inFlight.subtract(1, ordering: .relaxed)
            let address = UInt(bitPattern: packet.baseAddress!)
            traffic.handedOver.withLock { $0.append(address) }
        }
    }

    /// Releases what was received, shuffled.
    static func release(_ session: Session, _ traffic: Traffic) {
        var generator = SeededGenerator(seed: 99)
        while true {
            let done = traffic.receiverDone.load(ordering: .acquiring)
            let addresses = traffic.handedOver.withLock { waiting in
                defer { waiting = [] }
                return waiting
            }
            for address in addresses.shuffled(using: &generator) {
                do {
                    try unsafe session.unsafeRelease(UnsafeRawPointer(bitPattern: address)!)
                } catch {
                    traffic.fail("\(error)")
                }
            }
            if addresses.isEmpty {
                if done { return }
                SystemThread.yield()
            }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `packets of several threads arrive complete, each thread's in order`() throws {
        let (left, right) = try MemoryAdapter.pair()
        let options = SessionOptions(capacity: SessionOptions.minimumCapacity)
        let sending = try left.startSession(options)
        let receiving = try right.startSession(options)
        let traffic = Traffic()
        let senders = try SystemThreads(Self.senders, name: "sender") { sender in Self.send(sending, sender: sender, traffic) }
        let receiver = try SystemThread(name: "receiver") { Self.receive(receiving, traffic) }
        let releaser = try SystemThread(name: "releaser") { Self.release(receiving, traffic) }
        senders.join()
        receiver.join()
        traffic.receiverDone.store(true, ordering: .releasing)
        releaser.join()
        let failures = traffic.failures.withLock { $0 }
        #expect(failures.isEmpty, "\(failures.prefix(5))")
        #expect(receiving.receiveRing.heldCount == 0)
        #expect(sending.sendRing.heldCount == 0)
    }
}
