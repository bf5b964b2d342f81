public import NetworkTypes
import WireGuardCrypto

/// The two keys of one session and what is counted with them: a nonce for each message sent, and which messages were received.
///
/// A keypair stays at one address from ``allocate(for:at:)`` to ``deallocate(_:)``, so the data path uses it through a pointer. It is not
/// thread-safe: everything but ``sendingKey`` and ``receivingKey`` belongs under its owner's lock.
public struct Keypair: ~Copyable {
    /// What the peer addresses its messages to: ours, unique among all sessions and handshakes.
    public let localIndex: UInt32
    /// What we address our messages to: the peer's choice.
    public let remoteIndex: UInt32
    /// Whether we sent the initiation. Only the initiator renews a session because of its age.
    public let isInitiator: Bool
    /// When the keys were derived.
    public let createdAt: Instant

    /// Which of the peer's messages were received.
    public var window = ReplayWindow()

    /// The counter of the next message that is sent.
    public internal(set) var nextCounter: UInt64 = 0

    /// Whether messages may still be sent, age and counter aside. Once false it stays so.
    var isSendable = true

    private let sending: AEADKey
    private let receiving: AEADKey

    private init(_ session: DerivedSession, createdAt: Instant) {
        localIndex = session.localIndex
        remoteIndex = session.remoteIndex
        isInitiator = session.isInitiator
        self.createdAt = createdAt
        sending = session.keys.makeSendingKey()
        receiving = session.keys.makeReceivingKey()
    }

    /// The key of the messages to the peer, as ``WireGuardCrypto/TransportCipher`` takes it. Valid as long as the keypair.
    @unsafe public var sendingKey: UnsafeRawPointer { unsafe sending.unsafeBytes }

    /// The key of the messages from the peer, as ``WireGuardCrypto/TransportCipher`` takes it. Valid as long as the keypair.
    @unsafe public var receivingKey: UnsafeRawPointer { unsafe receiving.unsafeBytes }

    /// A keypair at an address of its own. Whoever takes it out of its ``KeypairRing`` must ``deallocate(_:)`` it.
    @unsafe
    public static func allocate(for session: DerivedSession, at now: Instant) -> UnsafeMutablePointer<Keypair> {
        let pointer = UnsafeMutablePointer<Keypair>.allocate(capacity: 1)
        // SAFETY: just allocated, and nobody else has it.
        unsafe pointer.initialize(to: Keypair(session, createdAt: now))
        return unsafe pointer
    }

    /// Wipes the keys and frees the memory. Nobody may hold the pointer or its keys any more.
    @unsafe
    public static func deallocate(_ keypair: UnsafeMutablePointer<Keypair>) {
        // SAFETY: made by `allocate(for:at:)`; the caller vouches that it is the last user.
        unsafe keypair.deinitialize(count: 1)
        unsafe keypair.deallocate()
    }

    /// Whether a message may be sent now: younger than ``Limits/rejectAfterTime``, counters left, not expired by hand.
    public func canSend(at now: Instant) -> Bool {
        isSendable && nextCounter < Limits.rejectAfterMessages && now.since(createdAt) < Limits.rejectAfterTime
    }

    /// Whether a message may be received now: younger than ``Limits/rejectAfterTime``.
    ///
    /// To be asked before a message is opened; ``window`` is asked afterwards.
    public func canReceive(at now: Instant) -> Bool {
        now.since(createdAt) < Limits.rejectAfterTime
    }

    /// Takes the counters of up to `count` messages that follow each other.
    ///
    /// - Returns: the counters; fewer than `count`, or none, only when ``Limits/rejectAfterMessages`` is reached. They are used up
    ///   whether or not the messages are sent.
    public mutating func reserveCounters(_ count: Int) -> Range<UInt64> {
        let first = nextCounter
        nextCounter = first + min(UInt64(count), Limits.rejectAfterMessages - first)
        return first..<nextCounter
    }

    /// Whether sending on this session should ask for a new one: too many messages, or too old and we are its initiator.
    func needsRenewalAfterSending(at now: Instant) -> Bool {
        isSendable
            && (nextCounter > Limits.rekeyAfterMessages || isInitiator && now.since(createdAt) >= Limits.rekeyAfterTime)
    }

    /// Whether receiving on this session should ask for a new one: as its initiator, just before it's too late.
    func needsRenewalAfterReceiving(at now: Instant) -> Bool {
        isSendable && isInitiator && now.since(createdAt) >= Limits.rekeyOnReceiveAfterTime
    }
}
