internal import NetworkTypes

/// The sessions of one peer, at most three: the one that is used, the one before it and the one to come.
///
/// - *current* is what we send on.
/// - *previous* was current; messages that were sent before the peer changed over still arrive on it.
/// - *next* was derived by us as responder. Only a message received on it proves that the initiator has it too, so until then we keep
///   sending on *current*.
///
/// The ring owns its keypairs. What it lets go of is returned as ``ReleasedIndices``, so that the owner of the index table can
/// unregister it before the memory goes. Source: the behaviour of other implementations; the whitepaper says only that sessions overlap
/// (section 6.1 and 6.3).
@safe
public struct KeypairRing: ~Copyable {
    // SAFETY: each pointer is a keypair that only this ring frees, by handing it out in `ReleasedIndices`.

    /// What is sent on.
    @unsafe public private(set) var current: UnsafeMutablePointer<Keypair>?
    /// What was sent on before.
    @unsafe public private(set) var previous: UnsafeMutablePointer<Keypair>?
    /// What waits for the initiator's first message.
    @unsafe public private(set) var next: UnsafeMutablePointer<Keypair>?

    init() {
        unsafe current = nil
        unsafe previous = nil
        unsafe next = nil
    }

    deinit {
        unsafe _ = ReleasedIndices(current, previous, next)
    }

    /// Puts a new keypair in its place: *current* if we initiated, else *next*.
    @unsafe mutating func insert(_ new: UnsafeMutablePointer<Keypair>) -> ReleasedIndices {
        if unsafe new.pointee.isInitiator {
            // The peer answered, so it has the keys. When both ends initiated at once, the other session (our *next*) is what the peer
            // sends on: it is kept for receiving rather than the older current.
            let (oldPrevious, oldCurrent) = unsafe (previous, current)
            unsafe current = new
            if let waiting = unsafe next {
                unsafe previous = waiting
                unsafe next = nil
                return unsafe ReleasedIndices(oldPrevious, oldCurrent)
            }
            unsafe previous = oldCurrent
            return unsafe ReleasedIndices(oldPrevious)
        }
        let (oldNext, oldPrevious) = unsafe (next, previous)
        unsafe next = new
        unsafe previous = nil
        return unsafe ReleasedIndices(oldNext, oldPrevious)
    }

    /// Moves *next* to *current*, because a message was received on it.
    mutating func promoteNext(handshakeIndex: UInt32?) -> ReleasedIndices {
        guard let confirmed = unsafe next else { return ReleasedIndices(handshakeIndex: handshakeIndex) }
        let oldPrevious = unsafe previous
        unsafe previous = current
        unsafe current = confirmed
        unsafe next = nil
        return unsafe ReleasedIndices(oldPrevious, handshakeIndex: handshakeIndex)
    }

    /// Nothing is sent any more on what is there; received messages still open until they are too old.
    mutating func stopSending() {
        unsafe current?.pointee.isSendable = false
        unsafe next?.pointee.isSendable = false
    }

    /// When the oldest keypair in the ring was made.
    var oldest: Instant? {
        let made = unsafe [current?.pointee.createdAt, previous?.pointee.createdAt, next?.pointee.createdAt]
        return made.compactMap { $0 }.min()
    }

    /// Takes out the keypairs that were made `age` ago or earlier.
    mutating func remove(olderThan age: Interval, at now: Instant, handshakeIndex: UInt32?) -> ReleasedIndices {
        unsafe ReleasedIndices(
            Self.take(&current, age, now), Self.take(&previous, age, now), Self.take(&next, age, now), handshakeIndex: handshakeIndex)
    }

    private static func take(
        _ place: inout UnsafeMutablePointer<Keypair>?, _ age: Interval, _ now: Instant
    ) -> UnsafeMutablePointer<Keypair>? {
        guard let keypair = unsafe place, unsafe now.since(keypair.pointee.createdAt) >= age else { return nil }
        unsafe place = nil
        return unsafe keypair
    }

    /// Empties the ring.
    mutating func removeAll(handshakeIndex: UInt32?) -> ReleasedIndices {
        let all = unsafe ReleasedIndices(current, previous, next, handshakeIndex: handshakeIndex)
        unsafe current = nil
        unsafe previous = nil
        unsafe next = nil
        return all
    }
}
