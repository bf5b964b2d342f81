internal import NetworkTypes
internal import TunnelCore
internal import WireGuardProtocol

/// One peer's handshakes as one would tell them: what happened, in the order in which it happened, and what has to follow.
///
/// It sees messages and times only, knows no keys, and shares no code with what it is compared to, but the values of ``Limits``, which a test
/// compares with the whitepaper's.
///
/// - An initiation needs a reason, and five seconds since the last handshake message.
/// - A response makes the *next* session, a consumed response the *current* one; what arrives on *next* makes it current.
/// - Of the peer's initiations only newer ones are taken, fifty a second at most.
/// - Whoever wants to send gets an initiation out in time, also on a session of his that is 120 seconds old, and who receives on one of his that
///   is 165 seconds old; whoever received data answers within ten seconds.
/// - Whoever sent data and got nothing back begins a new handshake fifteen seconds and a jitter later.
/// - A handshake that makes no session is tried again five seconds and a jitter later, and so on: eighteen tries at least.
/// - 540 seconds after a session was made nothing of it is left, nor of an initiation that long after it was sent.
struct HandshakeModel {
    var sessions = PeerSessions()
    /// When `sessions.pending` was sent, and when keys that both ends must share were last changed here.
    var pendingSince = Instant(nanoseconds: 0)
    var keysChangedAt = Instant(nanoseconds: 0)
    private var lastHandshakeMessage: Instant?
    private var latestTimestamp: TAI64N?
    private var lastAccepted: Instant?
    /// Until when a handshake may be tried, because somebody asked for it.
    private var reasonUntil = Instant(nanoseconds: 0)
    /// The first data that was sent and not followed by anything authentic.
    private var unansweredSince: Instant?
    private var lastDataReceived: Instant?
    private var owesInitiationSince: Instant?
    private var owesAnswerSince: Instant?
    /// The first data after which nothing authentic came, and no handshake was begun because of that.
    private var silentSince: Instant?
    /// When a handshake was begun from which no session has come, and how many were since the last that brought one. Who asks anew may have
    /// as many again, which isn't demanded.
    private var triesSince: Instant?
    private var tries = 0
    private var hasPersistentKeepalive = false
    /// The session on which something came so late that a new one was asked for: once for each.
    private var lateSession: UInt32?

    private static let slack = Interval.milliseconds(2)
    private static let retry = Limits.rekeyTimeout + Limits.rekeyJitter
    private static let silence = Limits.newHandshakeTimeout + Limits.rekeyJitter
    /// Eighteen tries, each with its jitter.
    private static let attempts = Interval(nanoseconds: UInt64(Limits.maximumHandshakeTries + 1) * retry.nanoseconds)

    /// A peer of whom nothing is known.
    /// - Parameter keysChangedAt: when the configuration of before was forgotten.
    init(keysChangedAt: Instant = Instant(nanoseconds: 0)) {
        self.keysChangedAt = keysChangedAt
    }

    // MARK: What was configured

    /// Keepalives are wanted whatever is sent, or no longer: what was begun for them is tried to its end.
    mutating func keepsAlive(_ isOn: Bool, at now: Instant) {
        if hasPersistentKeepalive && !isOn { reasonUntil = max(reasonUntil, now + Self.attempts) }
        hasPersistentKeepalive = isOn
    }

    // MARK: What was sent

    /// A packet was given to the tunnel, and there was no session for it.
    /// - Parameter canSend: whether the node knows where the peer is; otherwise it owes nothing.
    mutating func waits(at now: Instant, canSend: Bool) {
        reasonUntil = now + Self.attempts
        if owesInitiationSince == nil && canSend { owesInitiationSince = now }
    }

    /// What was due while the machine slept comes now.
    mutating func wakesUp(at now: Instant) {
        silentSince = nil
        triesSince = nil
        owesInitiationSince = nil
        owesAnswerSince = nil
        reasonUntil = max(reasonUntil, now + Self.attempts)
    }

    mutating func beginsInitiation(at now: Instant) -> String? {
        let omitted = omittedHandshake(at: now) ?? lateInitiation(at: now)
        owesInitiationSince = nil
        if let silentSince, now.since(silentSince) >= Limits.newHandshakeTimeout { self.silentSince = nil }
        triesSince = now
        tries += 1
        defer { lastHandshakeMessage = now }
        if let omitted { return omitted }
        if let lastHandshakeMessage, now.since(lastHandshakeMessage) < Limits.rekeyTimeout {
            return "an initiation \(now.since(lastHandshakeMessage).nanoseconds / 1_000_000) ms after the last handshake message"
        }
        let isUnanswered = unansweredSince.map { now.since($0) >= Limits.newHandshakeTimeout } ?? false
        let answers = lastDataReceived.map { now.since($0) <= Limits.keepaliveTimeout + Self.slack } ?? false
        if isUnanswered || answers { reasonUntil = max(reasonUntil, now + Self.attempts) }
        return now <= reasonUntil || hasPersistentKeepalive ? nil : "an initiation that nobody asked for"
    }

    mutating func sentInitiation(_ index: UInt32, at now: Instant) {
        sessions.pending = index
        pendingSince = now
        lastHandshakeMessage = now
        owesAnswerSince = nil
    }

    mutating func sentResponse(_ session: PeerSessions.Session, at now: Instant) {
        // A try that is due gives way to the answer and is made later; they are counted, not timed.
        if now <= reasonUntil { reasonUntil = reasonUntil + Self.retry }
        sessions.next = session
        sessions.previous = nil
        lastHandshakeMessage = now
        owesAnswerSince = nil
    }

    /// A data message was sent to the peer's index `remoteIndex`.
    mutating func sentData(to remoteIndex: UInt32, counter: UInt64, isKeepalive: Bool, at now: Instant) -> String? {
        let late = lateAnswer(at: now) ?? lateInitiation(at: now)
        owesAnswerSince = nil
        if let late {
            owesInitiationSince = nil
            return late
        }
        guard let current = sessions.current, current.remoteIndex == remoteIndex else {
            return "data on a session that is not the current one"
        }
        let age = now.since(current.createdAt)
        if age >= Limits.rejectAfterTime { return "data on a session that is \(age.nanoseconds / 1_000_000) ms old" }
        if !isKeepalive {
            unansweredSince = unansweredSince ?? now
            silentSince = silentSince ?? now
        }
        if current.isInitiator && age >= Limits.rekeyAfterTime || counter >= Limits.rekeyAfterMessages {
            reasonUntil = max(reasonUntil, now + Self.attempts)
            // However much is sent on the old session meanwhile.
            if !isKeepalive { owesInitiationSince = owesInitiationSince ?? now }
        } else {
            owesInitiationSince = nil
        }
        return nil
    }

    // MARK: What was received

    private mutating func completesHandshake() {
        owesInitiationSince = nil
        triesSince = nil
        tries = 0
    }

    private mutating func heardFromPeer() {
        unansweredSince = nil
        silentSince = nil
    }

    /// A genuine initiation with a timestamp: is it to be accepted?
    mutating func receivesInitiation(_ timestamp: TAI64N, at now: Instant) -> Bool {
        if let latestTimestamp, timestamp <= latestTimestamp { return false }
        if let lastAccepted, now.since(lastAccepted) < Limits.initiationInterval { return false }
        latestTimestamp = timestamp
        lastAccepted = now
        heardFromPeer()
        return true
    }

    /// The response to the pending initiation was consumed.
    mutating func establish(_ session: PeerSessions.Session, at now: Instant) {
        sessions.pending = nil
        sessions.previous = sessions.next ?? sessions.current
        sessions.next = nil
        sessions.current = session
        heardFromPeer()
        completesHandshake()
    }

    /// A data message was authentic and new.
    mutating func receivedData(on localIndex: UInt32, isKeepalive: Bool, at now: Instant) -> String? {
        let session = [sessions.current, sessions.previous, sessions.next].first { $0?.localIndex == localIndex } ?? nil
        guard let session else { return "data was taken on a session that is gone" }
        let age = now.since(session.createdAt)
        if sessions.next?.localIndex == localIndex {
            sessions.previous = sessions.current
            sessions.current = sessions.next
            sessions.next = nil
            // Whoever answers our own initiation now would take the place of a session that both ends have.
            sessions.pending = nil
            completesHandshake()
        }
        heardFromPeer()
        if let current = sessions.current, current.isInitiator, now.since(current.createdAt) >= Limits.rekeyOnReceiveAfterTime {
            reasonUntil = max(reasonUntil, now + Self.attempts)
            if lateSession != current.localIndex && owesInitiationSince == nil { owesInitiationSince = now }
            lateSession = current.localIndex
        }
        if !isKeepalive {
            lastDataReceived = now
            if owesAnswerSince == nil { owesAnswerSince = now }
        }
        return age >= Limits.rejectAfterTime ? "data was taken on a session that is \(age.nanoseconds / 1_000_000) ms old" : nil
    }

    // MARK: Time

    /// What should have happened by now, of a peer that can be reached and a node that was not asleep.
    mutating func overdue(at now: Instant, canSend: Bool) -> String? {
        guard canSend else {
            owesAnswerSince = nil
            owesInitiationSince = nil
            silentSince = nil
            triesSince = nil
            return nil
        }
        if let omitted = omittedHandshake(at: now) {
            silentSince = nil
            triesSince = nil
            return omitted
        }
        if let late = lateInitiation(at: now) {
            owesInitiationSince = nil
            return late
        }
        if let since = owesAnswerSince, now > since + Limits.keepaliveTimeout + Self.slack {
            defer { owesAnswerSince = nil }
            return lateAnswer(at: now)
        }
        return nil
    }

    private func lateInitiation(at now: Instant) -> String? {
        guard let since = owesInitiationSince, now > max(since, lastHandshakeMessage ?? since) + Self.retry + Self.slack else { return nil }
        return "a packet waits or a session is old, and no initiation was sent within \(Self.retry.nanoseconds / 1_000_000) ms"
    }

    private func lateAnswer(at now: Instant) -> String? {
        guard let since = owesAnswerSince, now > since + Limits.keepaliveTimeout + Self.slack else { return nil }
        let due = since + Limits.keepaliveTimeout
        let isUsable = sessions.current.map { $0.createdAt <= due && due.since($0.createdAt) < Limits.rejectAfterTime }
        return isUsable == true && !givesUp(after: since) ? "data was received, and nothing was sent for ten seconds" : nil
    }

    /// Whether the last try may have been given up after `start`: with it goes the answer that was owed then, as the kernel's does.
    private func givesUp(after start: Instant) -> Bool {
        guard tries >= Limits.maximumHandshakeTries, let triesSince else { return false }
        return start <= triesSince + Self.retry + Self.slack
    }

    /// A handshake that should have begun by now: because data is unanswered, or because the last try is. After any handshake message one waits.
    private func omittedHandshake(at now: Instant) -> String? {
        func isOver(_ interval: Interval, since start: Instant?) -> Bool {
            guard let start else { return false }
            return now > max(start + interval, (lastHandshakeMessage ?? start) + Self.retry) + Self.slack
        }
        if isOver(Self.silence, since: silentSince) {
            return "data was sent, nothing came back, and no handshake was begun within \(Self.silence.nanoseconds / 1_000_000) ms"
        }
        if tries < Limits.maximumHandshakeTries, isOver(Self.retry, since: triesSince) {
            return "a handshake brought no session, and was not tried again within \(Self.retry.nanoseconds / 1_000_000) ms"
        }
        return nil
    }

    /// Compares with what the tunnel has; returns what is wrong.
    /// - Parameter isAwake: whether the node's timers ran until now.
    mutating func compare(_ found: PeerSessions, at now: Instant, isAwake: Bool) -> String? {
        if isAwake, found.pending != nil, found.pending == sessions.pending, now.since(pendingSince) > Limits.zeroKeysAfterTime {
            return "an ephemeral key that is \(now.since(pendingSince).nanoseconds / 1_000_000_000) s old"
        }
        if found == sessions { return nil }
        func isOver(_ session: PeerSessions.Session?) -> Bool {
            session.map { now.since($0.createdAt) >= Limits.zeroKeysAfterTime } ?? false
        }
        if isOver(sessions.current) { sessions.current = nil }
        if isOver(sessions.previous) { sessions.previous = nil }
        if isOver(sessions.next) { sessions.next = nil }
        if now.since(pendingSince) >= Limits.zeroKeysAfterTime, found.pending == nil { sessions.pending = nil }
        if found == sessions { return nil }
        let expected = sessions
        sessions = found
        return "expected \(expected), found \(found)"
    }
}
