internal import NetworkTypes

/// How many handshakes a source may ask for: a token bucket for each IPv4 address and each IPv6 /64.
///
/// Only sources that have proven their address with a cookie come here, so an attacker cannot fill the table with made-up ones;
/// it is bounded all the same. Source: WireGuard's rate limiter, 20 a second in bursts of 5.
struct HandshakeRateLimiter {
    static let interval = Interval.milliseconds(1000 / 20)
    static let burst: UInt64 = 5
    /// Sources remembered at most; more are refused until older ones have been forgotten.
    static let maximumSources = 8192
    /// A source that was quiet this long has a full bucket again and is forgotten.
    static let forgetAfter = Interval.seconds(1)

    private enum Source: Hashable {
        case v4(UInt32)
        case v6(UInt64)
    }

    private struct Bucket {
        /// Nanoseconds' worth of tokens.
        var tokens: UInt64
        var updated: Instant
    }

    private var buckets: [Source: Bucket] = [:]
    private var sweptAt = Instant(nanoseconds: 0)

    /// Whether `address` may ask for another handshake at `now`; if so, a token is taken.
    mutating func allow(_ address: IPAddress, at now: Instant) -> Bool {
        if now.since(sweptAt) >= Self.forgetAfter {
            buckets = buckets.filter { now.since($0.value.updated) < Self.forgetAfter }
            sweptAt = now
        }
        let full = Self.interval.nanoseconds * Self.burst
        let source = Self.source(of: address)
        guard var bucket = buckets[source] else {
            guard buckets.count < Self.maximumSources else { return false }
            buckets[source] = Bucket(tokens: full - Self.interval.nanoseconds, updated: now)
            return true
        }
        bucket.tokens = min(full, bucket.tokens + now.since(bucket.updated).nanoseconds)
        bucket.updated = now
        let isAllowed = bucket.tokens >= Self.interval.nanoseconds
        if isAllowed { bucket.tokens -= Self.interval.nanoseconds }
        buckets[source] = bucket
        return isAllowed
    }

    private static func source(of address: IPAddress) -> Source {
        switch address {
        case .v4(let v4): .v4(v4.rawValue)
        case .v6(let v6): .v6(v6.high)
        }
    }
}
