/// Slots of peers that wait for something, first come, first served. Taking one costs the same however many there are.
///
/// A slot may stand here although its peer no longer waits, or was removed: whoever takes it looks at the peer.
struct SlotQueue {
    private var slots: [UInt32] = []
    private var head = 0

    var isEmpty: Bool { head == slots.count }
    var first: UInt32? { isEmpty ? nil : slots[head] }

    mutating func append(_ slot: UInt32) {
        slots.append(slot)
    }

    @discardableResult
    mutating func popFirst() -> UInt32? {
        guard head < slots.count else { return nil }
        let first = slots[head]
        head += 1
        if head == slots.count {
            slots.removeAll(keepingCapacity: true)
            head = 0
        }
        return first
    }
}
