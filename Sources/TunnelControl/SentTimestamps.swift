internal import LinuxSystem
internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelCore
internal import WireGuardCrypto

/// The latest time that we told a peer in an initiation: if the clock is behind it, peers take new ones for replays. Kept in the runtime
/// directory from one run of a tunnel to the next, for a clock may go back in between.
struct SentTimestamps: Hashable {
    /// Nanoseconds of the Unix epoch; 0 before there was one.
    private(set) var latest: UInt64 = 0
    /// How far the wall clock was ahead of the monotonic one, at most; behind it on a machine that has run for longer than its clock says.
    private var offset: Int64?

    /// Takes what is known now.
    /// - Parameter lastSent: when an initiation was last sent.
    /// - Returns: how far the clock is behind; nil if it isn't.
    mutating func observe(at time: TimePoint, lastSent: Instant?) -> Interval? {
        let difference = Int64(truncatingIfNeeded: time.unixNanoseconds &- time.now.nanoseconds)
        let offset = max(offset ?? difference, difference)
        self.offset = offset
        // By the offset of then, not by a wall clock that has gone back since.
        if let lastSent { latest = max(latest, lastSent.nanoseconds &+ UInt64(bitPattern: offset)) }
        // Whole seconds: two clocks that are read one after the other differ a little.
        guard latest > time.unixNanoseconds + 1_000_000_000 else { return nil }
        return Interval(nanoseconds: latest - time.unixNanoseconds)
    }

    /// What an earlier run has kept.
    /// - Parameter key: whose timestamps they are; those of another key don't matter.
    mutating func recall(_ text: String, of key: PublicKey) {
        let words = text.split(separator: " ")
        guard words.count == 2, words[0] == key.base64, let time = UInt64(words[1]) else { return }
        latest = max(latest, time)
    }

    /// What to keep.
    func text(of key: PublicKey) -> String { "\(key.base64) \(latest)" }

    /// The file in the directory of records. It stays when the tunnel goes.
    static func fileName(_ interface: String) -> String { "clock.\(interface)" }
}
