internal import NetworkTypes

/// Which peer's timers are due next: a binary heap of (deadline, slot), each slot in it at most once with its earliest deadline.
///
/// A deadline that moves *later* leaves its entry where it is: the entry comes up, the peer says its true deadline and is
/// scheduled again. So the data path, whose every batch moves some deadline later, touches the heap only when one moves earlier.
struct DeadlineQueue {
    private struct Entry {
        var deadline: Instant
        var slot: UInt32
    }

    private var heap: [Entry] = []
    /// For each slot the deadline under which it stands in the heap; `distantFuture`: it doesn't.
    private var scheduled: [Instant] = []

    /// The earliest deadline of all, or `distantFuture`.
    ///
    /// It may belong to an entry that has been replaced by an earlier one or forgotten: then coming up early is all that happens.
    var next: Instant { heap.first?.deadline ?? .distantFuture }

    /// Entries, stale ones included.
    var count: Int { heap.count }

    /// Makes sure that `slot` comes up no later than `deadline`.
    mutating func schedule(_ slot: UInt32, at deadline: Instant) {
        while scheduled.count <= Int(slot) { scheduled.append(.distantFuture) }
        guard deadline < scheduled[Int(slot)] else { return }
        scheduled[Int(slot)] = deadline
        heap.append(Entry(deadline: deadline, slot: slot))
        siftUp(heap.count - 1)
    }

    /// Forgets `slot`.
    mutating func cancel(_ slot: UInt32) {
        if Int(slot) < scheduled.count { scheduled[Int(slot)] = .distantFuture }
    }

    /// A slot whose deadline has come at `now`, taken out of the queue; nil when none has.
    mutating func popDue(at now: Instant) -> UInt32? {
        while let first = heap.first, first.deadline <= now {
            let last = heap.removeLast()
            if !heap.isEmpty {
                heap[0] = last
                siftDown(0)
            }
            // An entry that an earlier one replaced, or whose slot was forgotten, is stale.
            guard scheduled[Int(first.slot)] == first.deadline else { continue }
            scheduled[Int(first.slot)] = .distantFuture
            return first.slot
        }
        return nil
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].deadline < heap[parent].deadline else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].deadline < heap[least].deadline {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
