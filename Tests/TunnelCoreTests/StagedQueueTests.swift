import Testing

@testable import TunnelCore

@Suite struct StagedQueueTests {
    func append(_ packet: [UInt8], to queue: inout StagedQueue) -> Int {
        unsafe packet.withUnsafeBytes { unsafe queue.append($0) }
    }

    @Test func `packets come out as they went in`() {
        var queue = StagedQueue()
        #expect(queue.isEmpty)
        for value in 0..<100 as Range<UInt8> { #expect(append([value, value], to: &queue) == 0) }
        #expect(queue.count == 100)
        for value in 0..<100 as Range<UInt8> { #expect(queue.popFirst() == [value, value]) }
        #expect(queue.popFirst() == nil && queue.isEmpty)
    }

    @Test func `the 129th packet pushes the first one out`() {
        var queue = StagedQueue()
        for value in 0..<128 as Range<UInt8> { #expect(append([value], to: &queue) == 0) }
        #expect(append([200], to: &queue) == 1)
        #expect(queue.count == 128 && queue.popFirst() == [1])
    }

    @Test func `large packets push out as many as they need`() {
        var queue = StagedQueue()
        let large = [UInt8](repeating: 1, count: 65_535)
        for _ in 0..<4 { #expect(append(large, to: &queue) == 0) }
        #expect(queue.count == 4)
        #expect(append([2], to: &queue) == 0, "four bytes are left")
        #expect(append([3, 3, 3, 3], to: &queue) == 1)
        #expect(queue.count == 5)
        #expect(append(large, to: &queue) == 1)
        queue.removeAll()
        #expect(queue.isEmpty && append(large, to: &queue) == 0)
    }
}
