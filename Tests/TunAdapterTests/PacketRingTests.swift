import LinuxSystem
import Testing

@testable import TunAdapter

/// What a ring promises, as slowly and plainly as possible: packets in order of allocation, each with its bytes.
private struct NaiveQueue {
    struct Packet {
        var sequence: Int
        var offset: Int
        var allocated: Int
        var fill: UInt8
        /// Nil while held; 0 when abandoned.
        var count: Int?
    }

    var packets: [Packet] = []

    var held: [Int] { packets.indices.filter { packets[$0].count == nil } }
}

@Suite struct PacketRingTests {
    static func ring(headroom: Int = 0, tailroom: Int = 0, alignment: Int = 1) throws -> PacketRing {
        var options = SessionOptions(capacity: SessionOptions.minimumCapacity, headroom: headroom, tailroom: tailroom)
        options.payloadAlignment = alignment
        return try PacketRing(options)
    }

    private static func fill(_ ring: borrowing PacketRing, _ packet: NaiveQueue.Packet) {
        let start = unsafe ring.packet(at: packet.offset) - ring.headroom
        unsafe start.initializeMemory(as: UInt8.self, repeating: packet.fill, count: ring.span(packet.allocated))
    }

    private static func isIntact(_ ring: borrowing PacketRing, _ packet: NaiveQueue.Packet) -> Bool {
        let span = unsafe UnsafeRawBufferPointer(start: ring.packet(at: packet.offset) - ring.headroom, count: ring.span(packet.allocated))
        return unsafe span.allSatisfy { $0 == packet.fill }
    }

    /// Allocates a random run, in the ring and in the queue.
    private static func allocate(_ ring: borrowing PacketRing, _ queue: inout NaiveQueue, _ generator: inout SeededGenerator) -> Bool {
        let size = [40, 100, 1420, 9000, 40000].randomElement(using: &generator)!
        let last = Int.random(in: 1...size, using: &generator)
        let wanted = Int.random(in: 1...20, using: &generator)
        let orFewer = Bool.random(using: &generator)
        guard let run = ring.allocate(wanted, size: size, lastSize: last, orFewer: orFewer) else {
            // What is larger than the whole ring never fits.
            return !orFewer && (wanted - 1) * ring.span(size) + ring.span(last) > SessionOptions.minimumCapacity
        }
        check(run.count == wanted || orFewer && run.count < wanted)
        check(run.lastSize == (run.count == wanted ? last : size))
        for i in 0..<run.count {
            let packet = NaiveQueue.Packet(
                sequence: run.sequence + i, offset: run.offset + i * run.stride, allocated: i == run.count - 1 ? run.lastSize : size,
                fill: UInt8.random(in: 0...255, using: &generator))
            fill(ring, packet)
            queue.packets.append(packet)
        }
        return true
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func `a receive ring behaves as a queue whose packets go in any order`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let ring = try Self.ring(headroom: 16, tailroom: 16, alignment: 16)
        var queue = NaiveQueue()
        for _ in 0..<3000 {
            if Int.random(in: 0..<3, using: &generator) == 0 {
                let allocated = Self.allocate(ring, &queue, &generator)
                check(allocated || !queue.packets.isEmpty, "an empty ring has room, seed \(seed)")
            } else if let index = queue.packets.indices.randomElement(using: &generator) {
                let packet = queue.packets.remove(at: index)
                check(Self.isIntact(ring, packet), "seed \(seed)")
                unsafe check(ring.sequence(ofPacket: ring.packet(at: packet.offset)) == packet.sequence)
                unsafe check(ring.sequence(ofPacket: ring.packet(at: packet.offset) + 1) == nil)
                check(ring.release(packet.sequence))
            }
            check(ring.heldCount == queue.packets.count)
        }
        for packet in queue.packets {
            check(Self.isIntact(ring, packet))
            ring.release(packet.sequence)
        }
        // Nothing is in use: it starts again at its first byte.
        check(ring.allocate(1, size: 65535, lastSize: 65535, orFewer: false)?.offset == 16)
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func `a send ring delivers what was sent in order of allocation, shortened or skipped`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let ring = try Self.ring()
        var queue = NaiveQueue()
        for _ in 0..<3000 {
            switch Int.random(in: 0..<6, using: &generator) {
            case 0:
                let allocated = Self.allocate(ring, &queue, &generator)
                check(allocated || !queue.packets.isEmpty, "seed \(seed)")
            case 1:
                let limit = Int.random(in: 1...30, using: &generator)
                let range = ring.readyPrefix(limit: limit)
                let expected = queue.packets.prefix { $0.count != nil }.prefix(limit)
                check(Array(range) == expected.map(\.sequence), "seed \(seed)")
                for packet in expected {
                    let slot = unsafe ring.slot(packet.sequence).pointee
                    check(Int(slot.offset) == packet.offset && Int(slot.count) == packet.count)
                    check(slot.state == (packet.count == 0 ? .released : .ready))
                    check(Self.isIntact(ring, packet), "seed \(seed)")
                }
                if !range.isEmpty { ring.retire(upTo: range.upperBound) }
                queue.packets.removeFirst(expected.count)
            default:
                guard let index = queue.held.randomElement(using: &generator) else { continue }
                let count = Int.random(in: 0...queue.packets[index].allocated, using: &generator)
                queue.packets[index].count = count
                check(!ring.complete(queue.packets[index].sequence, count: queue.packets[index].allocated + 1))
                check(ring.complete(queue.packets[index].sequence, count: count))
                check(!ring.complete(queue.packets[index].sequence, count: count), "given back twice")
            }
        }
    }

    @Test func `a run is back to back with exactly headroom, rounded size and tailroom`() throws {
        let ring = try Self.ring(headroom: 16, tailroom: 16, alignment: 16)
        let first = try found(ring.allocate(45, size: 1420, lastSize: 999, orFewer: false))
        check(first.stride == 16 + 1424 + 16)
        let second = try found(ring.allocate(1, size: 1, lastSize: 1, orFewer: false))
        check(second.offset == first.offset + 44 * first.stride + 16 + 1008 + 16)
    }

    @Test func `a run never wraps, and a full ring is full`() throws {
        let ring = try Self.ring()
        let half = SessionOptions.minimumCapacity / 2 - 1
        let first = try found(ring.allocate(1, size: half, lastSize: half, orFewer: false))
        let second = try found(ring.allocate(1, size: half, lastSize: half, orFewer: false))
        check(ring.allocate(1, size: 3, lastSize: 3, orFewer: false) == nil)
        ring.release(first.sequence)
        // Two bytes at the end and half the ring at the beginning are free: four packets of two bytes go to the beginning.
        let third = try found(ring.allocate(4, size: 2, lastSize: 2, orFewer: false))
        check(third.offset == 0)
        check(ring.allocate(1, size: half, lastSize: half, orFewer: false) == nil)
        let rest = half - 8
        check(ring.allocate(1, size: rest, lastSize: rest, orFewer: false) != nil)
        check(ring.allocate(1, size: 1, lastSize: 1, orFewer: true) == nil)
        ring.release(second.sequence)
        check(ring.hasRoom(half + 2))
    }

    @Test func `there are only so many slots`() throws {
        let ring = try Self.ring()
        let slots = SessionOptions.minimumCapacity / 64
        let run = try found(ring.allocate(slots + 10, size: 1, lastSize: 1, orFewer: true))
        check(run.count == slots)
        check(ring.allocate(1, size: 1, lastSize: 1, orFewer: false) == nil)
        ring.release(run.sequence)
        check(ring.allocate(1, size: 1, lastSize: 1, orFewer: false) != nil)
    }

    @Test func `room that somebody missed is signalled, once it is enough`() throws {
        let ring = try Self.ring()
        func misses(_ size: Int) -> Bool { ring.allocate(1, size: size, lastSize: size, orFewer: false) == nil }
        let size = 60000
        let first = try found(ring.allocate(1, size: size, lastSize: size, orFewer: false))
        let second = try found(ring.allocate(1, size: 100, lastSize: 100, orFewer: false))
        let third = try found(ring.allocate(1, size: size, lastSize: size, orFewer: false))
        check(misses(30000) && misses(60050))
        ring.release(second.sequence)
        check(!ring.space.clear(), "nothing is free: an older packet is held")
        ring.release(first.sequence)
        check(ring.space.clear())
        ring.space.signal()
        check(misses(60101))
        check(!ring.space.clear(), "whoever misses room takes the news of it back")
        ring.release(third.sequence)
        check(ring.space.clear())
    }

    @Test func `a closed ring gives nothing out, and is drained once nothing is held; an open one never is`() throws {
        let ring = try Self.ring()
        // Nobody holds anything, but somebody may the next moment.
        check(!ring.isDrained)
        let run = ring.allocate(1, size: 100, lastSize: 100, orFewer: false)!
        ring.close()
        check(ring.allocate(1, size: 100, lastSize: 100, orFewer: false) == nil)
        check(!ring.isDrained)
        check(ring.complete(run.sequence, count: 0))
        check(ring.isDrained)
        check(ring.allocate(1, size: 100, lastSize: 100, orFewer: false) == nil)
    }

    @Test func `a pointer that is no held packet is told apart`() throws {
        let ring = try Self.ring(headroom: 8)
        let run = try found(ring.allocate(3, size: 100, lastSize: 100, orFewer: false))
        let start = unsafe ring.packet(at: run.offset)
        unsafe check(ring.sequence(ofPacket: start) == run.sequence)
        unsafe check(ring.sequence(ofPacket: start + run.stride) == run.sequence + 1)
        unsafe check(ring.sequence(ofPacket: start + 3 * run.stride) == nil)
        unsafe check(ring.sequence(ofPacket: start - 8) == nil)
        unsafe check(ring.sequence(ofPacket: start - 4096) == nil)
        unsafe check(ring.sequence(ofPacket: start + (1 << 20)) == nil)
        ring.release(run.sequence + 1)
        unsafe check(ring.sequence(ofPacket: start + run.stride) == nil)
        check(!ring.release(run.sequence + 1))
        check(!ring.release(run.sequence + 3))
        check(!ring.release(-1))
    }
}
