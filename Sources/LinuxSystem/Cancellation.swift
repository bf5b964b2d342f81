internal import NetworkTypes

/// Something that is under way can be given up with it: readable from then on. Any thread.
public final class Cancellation: Sendable {
    private let event: EventDescriptor
    private let lastEvent: EventDescriptor

    public init() throws(SystemError) {
        event = try EventDescriptor()
        lastEvent = try EventDescriptor()
    }

    /// To be polled beside what is waited for. It belongs to this object.
    public var descriptor: Int32 { event.rawValue }

    /// The same for what takes back what was done: that is given up only where somebody else takes back all of it.
    public var lastDescriptor: Int32 { lastEvent.rawValue }

    /// What is under way is given up, and taken back.
    public func cancel() { event.signal() }

    /// Even what was done so far needn't be taken back: whoever comes next does.
    public func abandon() {
        lastEvent.signal()
        event.signal()
    }

    /// What takes back what was done is given up, and nothing else is.
    public func abandonUndoing() { lastEvent.signal() }

    /// Ready for the next that is to be given up. Only while nothing is under way.
    public func reset() {
        event.clear()
        lastEvent.clear()
    }

    /// Whether it was cancelled or abandoned.
    public var isCancelled: Bool { event.wait(for: .milliseconds(0)) }
    /// Whether what takes back is given up as well.
    public var isAbandoned: Bool { lastEvent.wait(for: .milliseconds(0)) }
}
