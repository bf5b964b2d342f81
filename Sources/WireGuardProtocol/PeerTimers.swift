public import NetworkTypes

/// When something has to be done for a peer although nothing arrives: deadlines in one table, and what moves them.
///
/// - A handshake that is not answered within ``Limits/rekeyTimeout`` plus jitter is tried again; after
///   ``Limits/maximumHandshakeTries`` tries it is given up, and the packets that wait for it are dropped.
/// - If data was received and nothing sent for ``Limits/keepaliveTimeout``, an empty packet is sent.
/// - If data was sent and nothing, not even an empty packet, received for ``Limits/newHandshakeTimeout`` plus jitter, a new handshake begins.
/// - ``Limits/zeroKeysAfterTime`` after a session was made, or a handshake given up, its keys are wiped: each session's own, whatever
///   sessions were made since.
/// - If a persistent keepalive is configured, an empty packet is sent when nothing authenticated went either way for that long; it
///   restarts handshakes even after one was given up.
///
/// Source: whitepaper, sections 6.1 to 6.5. A value with no clock of its own; every event is a few comparisons.
public struct PeerTimers: Sendable {
    /// The rows of the table.
    enum Timer: Int, CaseIterable {
        case retransmitHandshake
        case sendKeepalive
        case newHandshake
        case zeroKeys
        case persistentKeepalive
    }

    private var deadlines = InlineArray<5, Instant>(repeating: .distantFuture)
    private var jitter: JitterGenerator

    /// Initiations sent since the last completed handshake, or since a packet last asked for one.
    public private(set) var handshakeTries = 0

    /// The time after which an empty packet is sent if nothing went either way; nil for never. See ``Peer/setPersistentKeepalive(_:at:)``.
    public private(set) var persistentKeepalive: Interval?

    /// Nothing armed.
    ///
    /// - Parameter jitterSeed: any number; it decides the jitter of all later deadlines. Peers should have different ones.
    public init(jitterSeed: UInt64) {
        jitter = JitterGenerator(state: jitterSeed)
    }

    /// The earliest deadline, or ``NetworkTypes/Instant/distantFuture``.
    public var nextDeadline: Instant {
        var earliest = Instant.distantFuture
        for i in deadlines.indices { earliest = min(earliest, deadlines[i]) }
        return earliest
    }

    /// When a new handshake begins if nothing is heard from the peer until then; nil while nothing waits for an answer.
    public var newHandshakeDeadline: Instant? { isArmed(.newHandshake) ? deadline(of: .newHandshake) : nil }

    func isArmed(_ timer: Timer) -> Bool { deadlines[timer.rawValue] != .distantFuture }

    func deadline(of timer: Timer) -> Instant { deadlines[timer.rawValue] }

    private mutating func arm(_ timer: Timer, at deadline: Instant) { deadlines[timer.rawValue] = deadline }

    private mutating func cancel(_ timer: Timer) { deadlines[timer.rawValue] = .distantFuture }

    private mutating func armRetransmission(at now: Instant) {
        arm(.retransmitHandshake, at: now + Limits.rekeyTimeout + jitter.next(below: Limits.rekeyJitter))
    }

    // MARK: Events

    /// Data, not only keepalives, was sent.
    mutating func dataSent(at now: Instant) {
        if !isArmed(.newHandshake) {
            arm(.newHandshake, at: now + Limits.newHandshakeTimeout + jitter.next(below: Limits.rekeyJitter))
        }
    }

    /// Data, not only keepalives, was received and authenticated.
    ///
    /// A keepalive that is due already answers what comes before it too, so the deadline stays.
    mutating func dataReceived(at now: Instant) {
        if !isArmed(.sendKeepalive) { arm(.sendKeepalive, at: now + Limits.keepaliveTimeout) }
    }

    /// Anything was sent that the peer can authenticate: data, a keepalive or a handshake message.
    mutating func authenticatedPacketSent(at now: Instant) {
        cancel(.sendKeepalive)
        authenticatedPacketTraversed(at: now)
    }

    /// Anything authentic was received: data, a keepalive or a handshake message.
    mutating func authenticatedPacketReceived(at now: Instant) {
        cancel(.newHandshake)
        authenticatedPacketTraversed(at: now)
    }

    private mutating func authenticatedPacketTraversed(at now: Instant) {
        if let persistentKeepalive { arm(.persistentKeepalive, at: now + persistentKeepalive) }
    }

    /// A packet asks for a handshake: the tries are counted from here.
    mutating func handshakeRequested() {
        handshakeTries = 0
    }

    /// An initiation is about to be made or was sent.
    mutating func handshakeInitiated(at now: Instant, isNewTry: Bool) {
        if isNewTry { handshakeTries += 1 }
        armRetransmission(at: now)
    }

    /// A handshake is needed but the last one began at `start`, too recently: makes sure that it will be asked for again.
    mutating func handshakePostponed(after start: Instant) {
        if !isArmed(.retransmitHandshake) { armRetransmission(at: start) }
    }

    /// A response was accepted, or the first packet arrived on a session that we answered for.
    mutating func handshakeCompleted() {
        cancel(.retransmitHandshake)
        handshakeTries = 0
    }

    /// Keys were derived, or an ephemeral one made. Older ones that are still there go first; then ``Peer/zeroKeys(at:)`` asks for these.
    mutating func secretsMade(at now: Instant) {
        if !isArmed(.zeroKeys) { arm(.zeroKeys, at: now + Limits.zeroKeysAfterTime) }
    }

    /// Changes the persistent keepalive. One that was not there before is due at once, as elsewhere.
    ///
    /// - Parameter interval: nil or zero switches it off.
    mutating func setPersistentKeepalive(_ interval: Interval?, at now: Instant) {
        persistentKeepalive = interval.flatMap { $0.nanoseconds > 0 ? $0 : nil }
        guard let persistentKeepalive else { return cancel(.persistentKeepalive) }
        let latest = isArmed(.persistentKeepalive) ? now + persistentKeepalive : now
        arm(.persistentKeepalive, at: min(deadline(of: .persistentKeepalive), latest))
    }

    /// Everything is off, the persistent keepalive's interval stays.
    mutating func stop() {
        for timer in Timer.allCases { cancel(timer) }
        handshakeTries = 0
    }

    // MARK: Deadlines

    /// What has become due; the deadlines that are returned are no longer armed, or armed anew.
    mutating func expire(at now: Instant) -> PeerActions {
        var actions: PeerActions = []
        if now < nextDeadline { return actions }
        if take(.retransmitHandshake, at: now) {
            if handshakeTries >= Limits.maximumHandshakeTries {
                cancel(.sendKeepalive)
                secretsMade(at: now)
                actions.insert(.dropStaged)
            } else {
                actions.formUnion([.retryHandshake, .clearSourceAddress])
            }
        }
        if take(.sendKeepalive, at: now) { actions.insert(.sendKeepalive) }
        if take(.newHandshake, at: now) { actions.formUnion([.initiateHandshake, .clearSourceAddress]) }
        if take(.zeroKeys, at: now) { actions.insert(.zeroKeys) }
        if take(.persistentKeepalive, at: now) {
            actions.insert(.sendKeepalive)
            // Sending moves the deadline once more; if nothing could be sent, it still comes round.
            authenticatedPacketTraversed(at: now)
        }
        return actions
    }

    private mutating func take(_ timer: Timer, at now: Instant) -> Bool {
        guard deadline(of: timer) <= now else { return false }
        cancel(timer)
        return true
    }
}

/// SplitMix64: evenly spread numbers from a seed, for jitter only.
struct JitterGenerator: Sendable {
    var state: UInt64

    mutating func next(below bound: Interval) -> Interval {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        z ^= z >> 31
        return Interval(nanoseconds: z.multipliedFullWidth(by: bound.nanoseconds).high)
    }
}
