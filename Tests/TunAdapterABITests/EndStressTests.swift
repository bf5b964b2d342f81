import CTunAdapter
import LinuxSystem
import Synchronization
import Testing

@testable import TunAdapterABI

/// Sessions that are ended while other threads use them through the C functions. Run it under the thread and the address sanitizer too;
/// the C library's own stress does the same 100,000 times.
@Suite struct EndStressTests {
    static let ends = 300
    static let size: UInt32 = 400

    private final class Outcome: Sendable {
        let handedOut = Atomic(0)
        let failures = OrderedMutex<[String]>([])

        func expect(_ condition: Bool, _ text: @autoclosure () -> String) {
            if !condition { failures.withLock { $0.append(text()) } }
        }
    }

    /// Allocates, writes and gives back until the end.
    private static func use(_ handle: UInt, _ outcome: Outcome, mark: UInt8) {
        let session = unsafe OpaquePointer(bitPattern: handle)
        while true {
            guard let packet = unsafe tunadapter_allocate_packet(session, size) else {
                let status = tunadapter_last_error()
                if status == TUNADAPTER_HANDLE_EOF { return }
                // A thread that sleeps with the oldest packet lets the others fill the ring.
                outcome.expect(status == TUNADAPTER_BUFFER_OVERFLOW, "no packet: \(status)")
                SystemThread.yield()
                continue
            }
            outcome.handedOut.add(1, ordering: .relaxed)
            // SAFETY: the packet has `size` bytes, and is ours until it is given back.
            for i in 0..<Int(size) { unsafe packet[i] = mark }
            SystemThread.yield()
            let isWhole = unsafe packet[0] == mark && packet[Int(size) - 1] == mark
            outcome.expect(isWhole, "a held packet changed")
            let status = unsafe tunadapter_abandon_packet(session, packet)
            outcome.expect(status == TUNADAPTER_SUCCESS, "giving back: \(status)")
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `what was handed out beside an end stays valid, and nothing is handed out after it`() throws {
        var options = tunadapter_session_options()
        options.struct_size = UInt32(MemoryLayout<tunadapter_session_options>.size)
        options.capacity = UInt32(TUNADAPTER_MIN_RING_CAPACITY)
        options.payload_alignment = 16
        let outcome = Outcome()
        for round in 0..<Self.ends {
            var first: OpaquePointer?
            var second: OpaquePointer?
            unsafe #expect(tunadapter_start_memory_sessions(&options, &first, &second) == TUNADAPTER_SUCCESS)
            let number = UInt(bitPattern: first)
            let users = try SystemThreads(1 + round % 4, name: "user") { user in
                Self.use(number, outcome, mark: UInt8(truncatingIfNeeded: round * 4 + user))
            }
            for _ in 0..<round % 16 { SystemThread.yield() }
            unsafe #expect(tunadapter_end_session(first) == TUNADAPTER_SUCCESS)
            users.join()
            // All is given back, so all is gone.
            unsafe #expect(tunadapter_get_held_packets(first, nil, nil) == TUNADAPTER_HANDLE_EOF)
            unsafe #expect(tunadapter_end_session(second) == TUNADAPTER_SUCCESS)
        }
        let failures = outcome.failures.withLock { $0 }
        #expect(failures.isEmpty, "\(failures.prefix(5))")
        #expect(outcome.handedOut.load(ordering: .relaxed) > 0)
    }
}
