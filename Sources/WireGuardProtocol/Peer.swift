public import NetworkTypes

/// One peer of a tunnel: its sessions, the handshake in progress and its timers, without I/O, clock, randomness or lock of its own.
///
/// # Contract
///
/// The owner holds peers in a table, together with what this type knows nothing of: endpoint, allowed IPs, statistics, the packets
/// that wait for a session ("staged"), and one table of receiver indices for all peers. It calls every method under one lock and passes
/// `now`, which never goes backwards. What each method returns has to be acted on at once: ``PeerActions`` in the order of its members, and
/// ``ReleasedIndices`` by unregistering. Keypairs are used through pointers while the lock is held; without it only their keys may
/// be used, and then released keypairs must be taken over rather than freed.
///
/// **Sending data.** ``sendingKeypair(at:)``; if nil, stage the packets and call ``beginHandshake(at:isRetry:)``. Else reserve counters,
/// seal, send, and call ``didSend(carryingData:at:)`` once for the batch.
///
/// **Receiving data.** Find the keypair by receiver index; ask ``Keypair/canReceive(at:)``, open, and only then ask ``Keypair/window``.
/// Once for a batch: if ``isUnconfirmed(_:)``, call ``confirm(at:unixNanoseconds:)`` and send what is staged; then ``didReceive(carryingData:at:)``.
///
/// **Initiating.** When ``beginHandshake(at:isRetry:)`` returns true: register a fresh index for this peer, make an ``InitiationCreation``
/// and perform it without the lock. Then ``send(_:at:)-(CreatedInitiation,_)`` and send its message. If anything fails, unregister the index; the
/// timers try again. When the response comes: ``pendingHandshake`` must have its receiver index; perform a ``ResponseConsumption`` without
/// the lock, then ``establish(_:at:unixNanoseconds:)``, let the index lead to `keypairs.current`, and send what is staged, or else a
/// keepalive: the responder waits for it.
///
/// **Responding.** Perform an ``InitiationOpening`` without the lock, look the peer up by public key, ``OpenedInitiation/authenticate(as:)``,
/// then ``accept(_:at:)-(AuthenticatedInitiation,_)``. Register a fresh index, perform a ``ResponseCreation`` without the lock, then ``send(_:at:)-(CreatedResponse,_)``, let
/// the index lead to `keypairs.next`, and send its message.
///
/// Before any handshake message is worked on, its first MAC is checked (``CookieChecker``). What is done without the lock is checked
/// against changes made meanwhile when its result comes back: ``Refusal/state``.
///
/// **Timers.** Call ``timersExpired(at:)`` at ``nextDeadline`` or soon after; it may be called at any time.
public struct Peer: ~Copyable {
    /// The peer's keys. See ``replaceRemote(_:)``.
    public private(set) var remote: RemoteIdentity

    /// The peer's sessions.
    public private(set) var keypairs = KeypairRing()

    /// The initiation that was sent last and not yet answered. Its index leads to this peer.
    public private(set) var pendingHandshake: InitiatorHandshake?
    /// When it was sent: its age is its own, whatever is answered meanwhile.
    private var pendingSince = Instant(nanoseconds: 0)

    /// When the last handshake completed, in nanoseconds of the Unix epoch; nil if none has.
    public private(set) var lastHandshake: UInt64?

    /// The deadlines; changed by this type's methods.
    public private(set) var timers: PeerTimers

    private var cookie = PeerCookie()

    /// When a handshake message was last sent, or begun to be made.
    private var lastHandshakeSent: Instant?

    /// The timestamp of the last accepted initiation. Survives sessions, or old initiations could be replayed.
    private var latestTimestamp: TAI64N?
    private var lastInitiationAccepted: Instant?

    /// Whether a new session was asked for because data came on one near its end; once for each session.
    private var hasAskedOnReceiving = false

    /// A peer without a session.
    ///
    /// - Parameters:
    ///   - remote: who it is.
    ///   - jitterSeed: random; it decides the jitter of this peer's timers.
    public init(remote: RemoteIdentity, jitterSeed: UInt64) {
        self.remote = remote
        timers = PeerTimers(jitterSeed: jitterSeed)
    }

    /// The earliest time at which ``timersExpired(at:)`` has something to do, or ``NetworkTypes/Instant/distantFuture``.
    public var nextDeadline: Instant { timers.nextDeadline }

    /// What has become due. See ``PeerTimers`` for the rules.
    public mutating func timersExpired(at now: Instant) -> PeerActions {
        timers.expire(at: now)
    }

    /// Sends an empty packet whenever nothing went either way for `interval`; the first one at once if there was none before.
    ///
    /// - Parameters:
    ///   - interval: nil or zero for never.
    ///   - now: the time of the change.
    public mutating func setPersistentKeepalive(_ interval: Interval?, at now: Instant) {
        timers.setPersistentKeepalive(interval, at: now)
    }

    // MARK: Data

    /// The session to send on; nil if there is none that may be used, and a handshake is needed first.
    ///
    /// It stays valid until a method of this peer returns it among ``ReleasedIndices``.
    @unsafe
    public func sendingKeypair(at now: Instant) -> UnsafeMutablePointer<Keypair>? {
        guard let current = unsafe keypairs.current, unsafe current.pointee.canSend(at: now) else { return nil }
        return unsafe current
    }

    /// A batch of data messages or keepalives was sent on the current session.
    ///
    /// - Parameters:
    ///   - carryingData: whether any of them was more than a keepalive.
    ///   - now: when they were sent.
    public mutating func didSend(carryingData: Bool, at now: Instant) -> PeerActions {
        timers.authenticatedPacketSent(at: now)
        if carryingData { timers.dataSent(at: now) }
        if let current = unsafe keypairs.current, unsafe current.pointee.needsRenewalAfterSending(at: now) {
            return .initiateHandshake
        }
        return []
    }

    /// A batch of messages that were authentic and new was received, on any session.
    ///
    /// - Parameters:
    ///   - carryingData: whether any of them was more than a keepalive.
    ///   - now: when they came.
    public mutating func didReceive(carryingData: Bool, at now: Instant) -> PeerActions {
        timers.authenticatedPacketReceived(at: now)
        if carryingData { timers.dataReceived(at: now) }
        if !hasAskedOnReceiving, let current = unsafe keypairs.current,
            unsafe current.pointee.needsRenewalAfterReceiving(at: now)
        {
            hasAskedOnReceiving = true
            return .initiateHandshake
        }
        return []
    }

    /// Whether a message that was just received on `keypair` proves that the initiator has the session: then ``confirm(at:unixNanoseconds:)``.
    public func isUnconfirmed(_ keypair: UnsafeMutablePointer<Keypair>) -> Bool {
        unsafe keypair == keypairs.next
    }

    /// An authentic message was received on `keypairs.next`: from now on it is the current session, and what is staged can be sent.
    ///
    /// - Parameters:
    ///   - now: when it came.
    ///   - unixNanoseconds: the wall clock, for ``lastHandshake``.
    public mutating func confirm(at now: Instant, unixNanoseconds: UInt64) -> ReleasedIndices {
        handshakeCompleted(unixNanoseconds: unixNanoseconds)
        return keypairs.promoteNext(handshakeIndex: forgetPending())
    }

    /// Wipes the handshake in progress: whoever answers it late would take the place of a session that both ends have.
    private mutating func forgetPending() -> UInt32? {
        defer { pendingHandshake = nil }
        return pendingHandshake?.localIndex
    }

    private mutating func handshakeCompleted(unixNanoseconds: UInt64) {
        timers.handshakeCompleted()
        hasAskedOnReceiving = false
        lastHandshake = unixNanoseconds
    }

    // MARK: Handshake as initiator

    /// Asks for a new session.
    ///
    /// - Parameters:
    ///   - now: the time of the wish.
    ///   - isRetry: false if something new needs it, which restarts the count of tries; true for ``PeerActions/retryHandshake``.
    /// - Returns: whether an initiation is to be made now. If not, one was sent less than ``Limits/rekeyTimeout`` ago, and a timer will ask again.
    public mutating func beginHandshake(at now: Instant, isRetry: Bool) -> Bool {
        if !isRetry { timers.handshakeRequested() }
        if let lastHandshakeSent, now.since(lastHandshakeSent) < Limits.rekeyTimeout {
            timers.handshakePostponed(after: lastHandshakeSent)
            return false
        }
        lastHandshakeSent = now
        timers.handshakeInitiated(at: now, isNewTry: true)
        return true
    }

    /// An initiation is about to be sent: completes its message and waits for the response, no longer for an earlier one's.
    ///
    /// - Throws: ``Refusal/state`` if the peer's keys have changed since it was begun.
    public mutating func send(_ initiation: inout CreatedInitiation, at now: Instant) throws(Refusal) -> ReleasedIndices {
        guard initiation.remote === remote else { throw .state }
        let replaced = pendingHandshake?.localIndex
        pendingHandshake = initiation.handshake
        pendingSince = now
        lastHandshakeSent = now
        timers.secretsMade(at: now)
        cookie.addMAC2(to: &initiation.message, at: now)
        timers.authenticatedPacketSent(at: now)
        timers.handshakeInitiated(at: now, isNewTry: false)
        return ReleasedIndices(handshakeIndex: replaced)
    }

    /// The response to ``pendingHandshake`` has been consumed: its session is now `keypairs.current`, under the handshake's index.
    ///
    /// - Parameters:
    ///   - session: what the response has made.
    ///   - now: when it came.
    ///   - unixNanoseconds: the wall clock, for ``lastHandshake``.
    /// - Throws: ``Refusal/state`` if another handshake or other keys have taken its place meanwhile.
    public mutating func establish(
        _ session: DerivedSession, at now: Instant, unixNanoseconds: UInt64
    ) throws(Refusal) -> ReleasedIndices {
        guard session.isInitiator, session.remote === remote, pendingHandshake?.localIndex == session.localIndex else {
            throw .state
        }
        pendingHandshake = nil
        timers.authenticatedPacketReceived(at: now)
        timers.secretsMade(at: now)
        handshakeCompleted(unixNanoseconds: unixNanoseconds)
        return unsafe keypairs.insert(Keypair.allocate(for: session, at: now))
    }

    // MARK: Handshake as responder

    /// An initiation was proven to be the peer's: is it also new?
    ///
    /// - Throws: ``Refusal/replay``, ``Refusal/flood``, or ``Refusal/state`` if the peer's keys have changed since it was opened.
    public mutating func accept(_ initiation: AuthenticatedInitiation, at now: Instant) throws(Refusal) {
        guard initiation.remote === remote else { throw .state }
        if let latestTimestamp, initiation.timestamp <= latestTimestamp { throw .replay }
        if let lastInitiationAccepted, now.since(lastInitiationAccepted) < Limits.initiationInterval { throw .flood }
        latestTimestamp = initiation.timestamp
        lastInitiationAccepted = now
        timers.authenticatedPacketReceived(at: now)
    }

    /// How far the timestamp of an initiation is behind the greatest that was accepted of this peer; nil if it is greater.
    public func lag(of initiation: AuthenticatedInitiation) -> Interval? {
        guard let latestTimestamp, initiation.timestamp <= latestTimestamp else { return nil }
        return latestTimestamp.since(initiation.timestamp)
    }

    /// A response is about to be sent: completes its message; its session is now `keypairs.next`.
    ///
    /// - Throws: ``Refusal/state`` if the peer's keys have changed since the initiation was opened.
    public mutating func send(_ response: inout CreatedResponse, at now: Instant) throws(Refusal) -> ReleasedIndices {
        guard response.session.remote === remote else { throw .state }
        // Our own initiation, if any, could cross with the session that this makes.
        lastHandshakeSent = now
        cookie.addMAC2(to: &response.message, at: now)
        timers.secretsMade(at: now)
        timers.authenticatedPacketSent(at: now)
        return unsafe keypairs.insert(Keypair.allocate(for: response.session, at: now))
    }

    // MARK: Cookies and keys

    /// Takes a cookie reply, whose receiver index leads to this peer: the next handshake message will carry the cookie.
    ///
    /// - Throws: ``Refusal/cookie``.
    public mutating func accept(_ reply: CookieReply, at now: Instant) throws(Refusal) {
        try cookie.accept(reply, from: remote, at: now)
    }

    /// The preshared key has changed, or our own private key; in the latter case call ``expireSessions()`` too.
    ///
    /// - Precondition: the public key is the same.
    public mutating func replaceRemote(_ remote: RemoteIdentity) {
        precondition(remote.publicKey == self.remote.publicKey, "Another public key is another peer.")
        self.remote = remote
    }

    /// Nothing is sent on the present sessions any more, and a new handshake may begin at once.
    public mutating func expireSessions() -> ReleasedIndices {
        keypairs.stopSending()
        lastHandshakeSent = nil
        return ReleasedIndices(handshakeIndex: forgetPending())
    }

    /// Forgets the sessions that were made ``Limits/zeroKeysAfterTime`` ago or earlier, and an unanswered handshake of that age; keys and
    /// ephemeral secrets are wiped.
    public mutating func zeroKeys(at now: Instant) -> ReleasedIndices {
        var handshakeIndex: UInt32?
        var oldest: Instant?
        if pendingHandshake != nil {
            if now.since(pendingSince) >= Limits.zeroKeysAfterTime {
                handshakeIndex = forgetPending()
            } else {
                oldest = pendingSince
            }
        }
        let released = keypairs.remove(olderThan: Limits.zeroKeysAfterTime, at: now, handshakeIndex: handshakeIndex)
        if let remaining = keypairs.oldest { oldest = min(oldest ?? remaining, remaining) }
        if let oldest { timers.secretsMade(at: oldest) }
        return released
    }

    /// Forgets all sessions and the handshake in progress, and no timer is armed any more: for an interface that goes down, or a peer that is
    /// removed.
    public mutating func stop() -> ReleasedIndices {
        timers.stop()
        lastHandshakeSent = nil
        cookie.clear()
        return keypairs.removeAll(handshakeIndex: forgetPending())
    }
}
