/// One received packet, an IP packet with all its checksums right, in the hands of whoever received it.
///
/// It is released when this value ends; the compiler sees to it that nobody uses it afterwards or releases it twice.
public struct ReceivedPacket: ~Copyable, Sendable {
    private let session: Session
    private let sequence: Int
    private let offset: Int
    /// Its bytes.
    public let count: Int

    init(session: Session, sequence: Int, offset: Int, count: Int) {
        self.session = session
        self.sequence = sequence
        self.offset = offset
        self.count = count
    }

    deinit {
        session.receiveRing.release(sequence)
    }

    /// The packet, in the ring.
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            // SAFETY: the slot is ours as long as `self`, on which the span depends.
            let span = unsafe RawSpan(_unsafeStart: session.receiveRing.packet(at: offset), byteCount: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The packet, in the ring, to be changed in place.
    public var mutableBytes: MutableRawSpan {
        @_lifetime(&self)
        mutating get {
            // SAFETY: as above; the exclusive access to `self` makes it the only one.
            let span = unsafe MutableRawSpan(_unsafeStart: session.receiveRing.packet(at: offset), byteCount: count)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }
}
