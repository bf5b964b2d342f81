public import NetworkTypes
public import WireGuardCrypto

/// The evidence of a whole tunnel at one instant: what ``TunnelSnapshot`` leaves out, because other programs compare that.
public struct TunnelFacts: Sendable {
    /// When the facts were collected. Ages are taken on its monotonic part.
    public var time: TimePoint
    /// Our public key; nil without a private one.
    public var publicKey: PublicKey?
    /// How often each reason to drop was met.
    public var drops: DropCounters
    /// The last example of each reason that was met and that has one.
    public var examples: [DropExample]
    /// Handshakes of those who know our public key and are no peers, the latest last: at most ``RecentSenders/capacity``.
    public var unknownPeers: [UnknownSender]
    /// Handshake messages that were made for another public key than ours, the latest last: at most ``RecentSenders/capacity``.
    public var misaddressed: [UnknownSender]
    /// The greatest wall clock time, in nanoseconds of the Unix epoch, that stood in an initiation of ours; nil before the first one. A clock
    /// that is behind it makes peers refuse us.
    public var greatestTimestampSent: UInt64?
    /// Peers in the order of their slots.
    public var peers: [PeerFacts]
}

/// Somebody whose handshake messages can't be let in.
public struct UnknownSender: Hashable, Sendable {
    /// Where the last of them came from.
    public var sender: Endpoint
    /// The public key that it claims; nil where the message was not made for us, and so could not be opened.
    public var publicKey: PublicKey?
    /// How many there were, and when the last.
    public var tally: Tally
}

/// The last few senders of messages that could not be let in, each once.
public struct RecentSenders: Sendable {
    /// How many are kept; the one that was quiet longest gives way.
    public static let capacity = 8

    private(set) var senders: [UnknownSender] = []

    /// Notes a message. Senders that claim a key are told apart by it, others by where they are.
    mutating func add(_ sender: Endpoint, _ publicKey: PublicKey?, at now: Instant) {
        var entry = UnknownSender(sender: sender, publicKey: publicKey, tally: Tally())
        if let known = senders.firstIndex(where: { publicKey == nil ? $0.sender == sender : $0.publicKey == publicKey }) {
            entry.tally = senders.remove(at: known).tally
        } else if senders.count == Self.capacity {
            senders.removeFirst()
        }
        entry.tally.add(at: now)
        senders.append(entry)
    }
}
