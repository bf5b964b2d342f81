package import NetworkTypes

/// Things that will happen, by time and then in the order in which they were scheduled: virtual time jumps from one to the next.
package struct EventQueue {
    private struct Event {
        var time: Instant
        var number: Int
        var action: () -> Void

        func comes(before other: Event) -> Bool {
            time != other.time ? time < other.time : number < other.number
        }
    }

    private var heap: [Event] = []
    private var scheduled = 0

    package init() {}

    package var nextTime: Instant? { heap.first?.time }

    package mutating func schedule(at time: Instant, _ action: @escaping () -> Void) {
        heap.append(Event(time: time, number: scheduled, action: action))
        scheduled += 1
        var child = heap.count - 1
        while child > 0, heap[child].comes(before: heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    package mutating func popFirst() -> (() -> Void)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first.action }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].comes(before: heap[least]) {
                least = child
            }
            guard least != parent else { return first.action }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
