public import NetworkTypes

/// The protocol's constants, in the whitepaper's words (section 6.1 unless noted).
public enum Limits {
    /// A session that has sent this many messages asks for a new one.
    @inlinable public static var rekeyAfterMessages: UInt64 { 1 << 60 }

    /// The first counter that may never be sent or accepted: 2^64 - 2^13 - 1.
    ///
    /// The distance to 2^64 is what keeps the arithmetic of a ``ReplayWindow`` of 2^13 bits from wrapping.
    @inlinable public static var rejectAfterMessages: UInt64 { .max - (1 << 13) }

    /// The initiator of a session this old asks for a new one when it sends.
    @inlinable public static var rekeyAfterTime: Interval { .seconds(120) }

    /// A session this old neither sends nor receives.
    @inlinable public static var rejectAfterTime: Interval { .seconds(180) }

    /// For how long one keeps trying to get a handshake through before the packets that wait for it are dropped.
    @inlinable public static var rekeyAttemptTime: Interval { .seconds(90) }

    /// The least time between two initiations to one peer, and how long an answer is waited for.
    @inlinable public static var rekeyTimeout: Interval { .seconds(5) }

    /// The jitter that is added to ``rekeyTimeout`` is below this, so that two peers that collided don't collide again.
    @inlinable public static var rekeyJitter: Interval { .milliseconds(334) }

    /// A peer that has received data and has nothing to say answers with an empty packet after this time.
    @inlinable public static var keepaliveTimeout: Interval { .seconds(10) }

    /// How many initiations one sends before giving up: ``rekeyAttemptTime`` at one every ``rekeyTimeout``.
    @inlinable public static var maximumHandshakeTries: Int {
        Int(rekeyAttemptTime.nanoseconds / rekeyTimeout.nanoseconds)
    }

    /// An initiator that *receives* on a session this old asks for a new one, once.
    ///
    /// It is the last age at which a handshake and its answer still fit before ``rejectAfterTime``.
    @inlinable public static var rekeyOnReceiveAfterTime: Interval {
        Interval(nanoseconds: rejectAfterTime.nanoseconds - (keepaliveTimeout + rekeyTimeout).nanoseconds)
    }

    /// One asks for a new session if the peer has been silent this long after data was sent to it.
    @inlinable public static var newHandshakeTimeout: Interval { keepaliveTimeout + rekeyTimeout }

    /// All keys are wiped if no new session was made for this long (section 6.3: three times ``rejectAfterTime``).
    @inlinable public static var zeroKeysAfterTime: Interval {
        Interval(nanoseconds: 3 * rejectAfterTime.nanoseconds)
    }

    /// How long a cookie is good for, and the secret it was made from (section 5.4.7).
    @inlinable public static var cookieLifetime: Interval { .seconds(120) }

    /// The least time between two initiations that are accepted from one peer: fifty a second.
    @inlinable public static var initiationInterval: Interval { .milliseconds(20) }

    /// Payloads are padded with zeros to a multiple of this many bytes (section 5.4.6).
    @inlinable public static var paddingMultiple: Int { 16 }
}
