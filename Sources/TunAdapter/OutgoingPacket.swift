/// A packet to be filled and sent, in the hands of whoever allocated it.
///
/// ``Session/send(_:count:flushing:)`` and ``Session/abandon(_:)`` consume it. If it ends otherwise it is abandoned: it is skipped in its place.
public struct OutgoingPacket: ~Copyable, Sendable {
    let session: Session
    let sequence: Int
    private let offset: Int
    /// The bytes that were allocated.
    public let count: Int
    /// What is sent when this value ends.
    var sentCount = 0
    var flushes = true

    init(session: Session, sequence: Int, offset: Int, count: Int) {
        self.session = session
        self.sequence = sequence
        self.offset = offset
        self.count = count
    }

    deinit {
        session.sendRing.complete(sequence, count: sentCount)
        if flushes { session.flush() }
    }

    /// The packet's bytes, in the ring; what is in them before they are written is undefined.
    public var bytes: MutableRawSpan {
        @_lifetime(&self)
        mutating get {
            // SAFETY: the slot is ours as long as `self`, to which the span has exclusive access.
            let span = unsafe MutableRawSpan(_unsafeStart: session.sendRing.packet(at: offset), byteCount: count)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
        @_lifetime(&self)
        _modify {
            // SAFETY: as above.
            var span = unsafe MutableRawSpan(_unsafeStart: session.sendRing.packet(at: offset), byteCount: count)
            yield &span
        }
    }
}
