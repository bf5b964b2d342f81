import CTunAdapter
import Testing
import TunAdapterABI

/// SplitMix64: a run follows from its seed.
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

/// Calls with right and wrong arguments in any order, against a list of what is held: each wrong one is an error, none does harm.
/// `scripts/sanitize` runs it under the address sanitizer.
@Suite struct EntryPointFuzzTests {
    private typealias Pointer = UnsafeMutablePointer<UInt8>

    /// Two sessions that receive what the other sends, and the packets in our hands.
    @safe
    private struct Model {
        var sessions: [OpaquePointer?] = unsafe []
        var isEnded = [false, false]
        var received: [[Pointer]] = unsafe [[], []]
        var allocated: [[(packet: Pointer, size: UInt32)]] = unsafe [[], []]
        var stale: [Pointer] = unsafe []
    }

    @Test(arguments: 1...20)
    func `wrong arguments are errors, and right ones go on working beside them`(seed: Int) throws {
        var dice = Dice(state: UInt64(seed))
        var model = Model()
        var first: OpaquePointer?
        var second: OpaquePointer?
        try #require(unsafe tunadapter_start_memory_sessions(nil, &first, &second) == TUNADAPTER_SUCCESS)
        unsafe model.sessions = [first, second]
        for _ in 0..<3000 { step(&model, &dice) }
        for side in 0..<2 {
            if !model.isEnded[side] { unsafe #expect(tunadapter_end_session(model.sessions[side]) == TUNADAPTER_SUCCESS) }
            for i in unsafe model.received[side].indices {
                let packet = unsafe model.received[side][i]
                unsafe #expect(tunadapter_release_packet(model.sessions[side], packet) == TUNADAPTER_SUCCESS)
            }
            for i in unsafe model.allocated[side].indices {
                _ = unsafe tunadapter_abandon_packet(model.sessions[side], model.allocated[side][i].packet)
            }
            unsafe #expect(tunadapter_is_packet_available(model.sessions[side]) == false)
        }
    }

    private func step(_ model: inout Model, _ dice: inout Dice) {
        let side = dice.below(2)
        let session = unsafe model.sessions[side]
        let isEnded = model.isEnded[side]
        switch dice.below(14) {
        case 0, 1:
            let size = [0, 1, 64, 1500, 65_535, 65_536, .max][dice.below(7)] as UInt32
            guard let packet = unsafe tunadapter_allocate_packet(session, size) else { break }
            #expect(!isEnded && size > 0 && size <= 65_535)
            // SAFETY: the packet has `size` bytes: the first and the last must be ours to write.
            unsafe packet[0] = 0x45
            unsafe packet[Int(size) - 1] = 1
            unsafe model.allocated[side].append((packet, size))
        case 2, 3:
            guard let index = unsafe model.allocated[side].indices.randomElement(using: &dice) else { break }
            let (packet, heldSize) = unsafe model.allocated[side][index]
            let size = [0, 1, heldSize, heldSize &+ 1, .max][dice.below(5)] as UInt32
            let status = unsafe tunadapter_send_packet_shortened(session, packet, size)
            if status == TUNADAPTER_INVALID_PARAMETER {
                #expect(size == 0 || size > heldSize)
            } else {
                #expect(isEnded || (size > 0 && size <= heldSize))
                unsafe model.stale.append(model.allocated[side].remove(at: index).packet)
            }
        case 4:
            guard let held = unsafe model.allocated[side].popLast() else { break }
            _ = unsafe tunadapter_abandon_packet(session, held.packet)
            unsafe #expect(tunadapter_abandon_packet(session, held.packet) != TUNADAPTER_SUCCESS)
            unsafe model.stale.append(held.packet)
        case 5, 6:
            var size: UInt32 = 0
            guard let packet = unsafe tunadapter_receive_packet(session, &size) else { break }
            #expect(!isEnded && size > 0)
            // SAFETY: a received packet has `size` bytes.
            _ = unsafe packet[Int(size) - 1]
            unsafe model.received[side].append(packet)
        case 7:
            guard let index = unsafe model.received[side].indices.randomElement(using: &dice) else { break }
            let packet = unsafe model.received[side].remove(at: index)
            unsafe #expect(tunadapter_release_packet(session, packet) == TUNADAPTER_SUCCESS)
            unsafe #expect(tunadapter_release_packet(session, packet) != TUNADAPTER_SUCCESS)
            unsafe model.stale.append(packet)
        case 8:
            // Another session's, inside of one, made up, none at all.
            let foreign = unsafe model.received[1 - side].first
            let inside = unsafe model.received[side].first.map { unsafe $0 + 1 }
            let wrongs = unsafe [foreign, inside, Pointer(bitPattern: UInt(dice.next() | 1)), nil]
            for i in unsafe wrongs.indices {
                let wrong = unsafe wrongs[i]
                unsafe #expect(tunadapter_release_packet(session, wrong) != TUNADAPTER_SUCCESS)
                unsafe #expect(tunadapter_send_packet(session, wrong) != TUNADAPTER_SUCCESS)
                unsafe #expect(tunadapter_abandon_packet(session, wrong) != TUNADAPTER_SUCCESS)
            }
        case 9:
            // What is no session.
            let wrong = unsafe OpaquePointer(bitPattern: UInt(dice.next() >> UInt64(dice.below(64))) | 1 << 62)
            unsafe #expect(tunadapter_allocate_packet(wrong, 100) == nil)
            unsafe #expect(tunadapter_receive_packet(wrong, nil) == nil)
            unsafe #expect(tunadapter_read_event(wrong) == -1)
            unsafe #expect(tunadapter_wait_for_packet(wrong, 0) != TUNADAPTER_SUCCESS)
            unsafe #expect(tunadapter_get_statistics(wrong, nil) != TUNADAPTER_SUCCESS)
            unsafe #expect(tunadapter_start_session(wrong, 7) == nil)
            unsafe #expect(tunadapter_get_guid(wrong, nil) != TUNADAPTER_SUCCESS)
            unsafe #expect(tunadapter_set_name(wrong, nil) != TUNADAPTER_SUCCESS)
        case 10:
            var packets = unsafe [tunadapter_packet](repeating: tunadapter_packet(), count: 16)
            let count = unsafe tunadapter_receive_packets(session, &packets, UInt32(dice.below(17)))
            for i in 0..<max(0, Int(count)) { unsafe model.received[side].append(packets[i].data) }
            unsafe #expect(tunadapter_receive_packets(session, nil, 16) == -1)
        case 11:
            var packets = unsafe [tunadapter_packet](repeating: tunadapter_packet(), count: 8)
            let count = Int(unsafe tunadapter_allocate_packets(session, 200, &packets, 8))
            guard count > 0 else { break }
            // One of them has too large a size and stays held, one is skipped.
            unsafe packets[0].size = 201
            if count > 1 { unsafe packets[1].size = 0 }
            let status = unsafe tunadapter_send_packets(session, packets, UInt32(count))
            #expect(status != TUNADAPTER_SUCCESS)
            unsafe model.allocated[side].append((packets[0].data, 200))
        case 12:
            let old = unsafe Array(model.stale.suffix(3))
            for i in unsafe old.indices where unsafe !isHeld(old[i], model) {
                let packet = unsafe old[i]
                unsafe #expect(tunadapter_release_packet(session, packet) != TUNADAPTER_SUCCESS)
            }
        default:
            unsafe #expect(tunadapter_wait_for_space(session, 70_000, 0) != TUNADAPTER_SUCCESS)
            if dice.below(400) == 0, !isEnded {
                unsafe #expect(tunadapter_end_session(session) == TUNADAPTER_SUCCESS)
                model.isEnded[side] = true
                unsafe #expect(tunadapter_end_session(session) != TUNADAPTER_SUCCESS)
            }
        }
    }

    private func isHeld(_ packet: Pointer, _ model: Model) -> Bool {
        for side in 0..<2 {
            if unsafe model.received[side].contains(packet) { return true }
            if unsafe model.allocated[side].contains(where: { unsafe $0.packet == packet }) { return true }
        }
        return false
    }
}
