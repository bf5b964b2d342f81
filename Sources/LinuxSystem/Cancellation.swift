internal import NetworkTypes

/// Something that is under way can be given up with it: readable from then on. Any thread.
public final class Cancellation: Sendable {
    private let event: EventDescriptor

    public init() throws(SystemError) {
        event = try EventDescriptor()
    }

    /// To be polled beside what is waited for. It belongs to this object.
    public var descriptor: Int32 { event.rawValue }

    public func cancel() { event.signal() }

    /// Ready for the next that is to be given up. Only while nothing is under way.
    public func reset() { event.clear() }

    public var isCancelled: Bool { event.wait(for: .milliseconds(0)) }
}
