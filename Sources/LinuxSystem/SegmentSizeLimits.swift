import NetworkTypes

/// Which destinations take no super-datagrams of which size for the time being.
///
/// A table of fixed size with one place for each destination: where two share it, the later one has it, and the other is tried again
/// sooner, which costs a failed system call. It has no memory until something is refused.
@safe
struct SegmentSizeLimits: ~Copyable {
    /// How long a refusal is believed.
    static let retryInterval = Interval.seconds(60)
    private static let capacity = 256

    private struct Limit {
        var destination: IPAddress
        /// Segments of this size or more go one by one.
        var size: Int
        var until: Instant
    }

    private var limits: UnsafeMutablePointer<Limit?>?

    deinit {
        unsafe limits?.deallocate()
    }

    /// Whether super-datagrams with segments of `size` bytes may be tried.
    @inline(__always)
    func allow(_ size: Int, to destination: IPAddress, at now: Instant) -> Bool {
        guard let limits = unsafe limits else { return true }
        guard let limit = unsafe limits[Self.place(of: destination)], limit.destination == destination else { return true }
        return size < limit.size || now >= limit.until
    }

    /// Notes that segments of `size` bytes were refused.
    mutating func refuse(_ size: Int, to destination: IPAddress, at now: Instant) {
        if unsafe limits == nil {
            let new = UnsafeMutablePointer<Limit?>.allocate(capacity: Self.capacity)
            unsafe new.initialize(repeating: nil, count: Self.capacity)
            unsafe limits = new
        }
        let place = Self.place(of: destination)
        var smallest = size
        // SAFETY: a place is below the capacity.
        if let limit = unsafe limits![place], limit.destination == destination, now < limit.until { smallest = min(size, limit.size) }
        unsafe limits![place] = Limit(destination: destination, size: smallest, until: now + Self.retryInterval)
    }

    private static func place(of destination: IPAddress) -> Int {
        let bits: UInt64 =
            switch destination {
            case .v4(let address): UInt64(address.rawValue)
            case .v6(let address): address.high ^ address.low
            }
        // Fibonacci hashing: the upper bits of the product depend on all of the address.
        return Int(truncatingIfNeeded: (bits &* 0x9e37_79b9_7f4a_7c15) >> 56)
    }
}
