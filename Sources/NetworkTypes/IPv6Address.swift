/// An IPv6 address, without a zone (see ``Endpoint/zone``).
public struct IPv6Address: Hashable, Sendable {
    /// The first 64 bits as a number: the network half of most addresses.
    public var high: UInt64
    /// The last 64 bits as a number.
    public var low: UInt64

    /// `::`.
    public static let unspecified = IPv6Address(high: 0, low: 0)
    /// `::1`.
    public static let loopback = IPv6Address(high: 0, low: 1)

    /// From its first and its last eight bytes, the first byte the highest.
    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads the sixteen bytes at `bytes`, which are in network order and need no alignment.
    @inlinable
    public init(bytes: UnsafeRawPointer) {
        // SAFETY: the caller vouches for sixteen readable bytes.
        unsafe self.high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
        unsafe self.low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// Writes sixteen bytes in network order; `bytes` needs no alignment.
    @inlinable
    public func write(to bytes: UnsafeMutableRawPointer) {
        // SAFETY: the caller vouches for sixteen writable bytes.
        unsafe bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
        unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }

    /// Whether this is an IPv4 address in IPv6 clothes, ::ffff:0:0/96.
    @inlinable
    public var isIPv4Mapped: Bool {
        high == 0 && low >> 32 == 0xffff
    }

    /// One of the eight 16-bit groups, 0 being the leftmost.
    func group(_ index: Int) -> UInt16 {
        let half = index < 4 ? high : low
        return UInt16(truncatingIfNeeded: half >> UInt64(48 - 16 * (index & 3)))
    }
}

extension IPv6Address: Comparable {
    /// In order of their numbers.
    @inlinable
    public static func < (a: IPv6Address, b: IPv6Address) -> Bool {
        a.high != b.high ? a.high < b.high : a.low < b.low
    }
}

extension IPv6Address: LosslessStringConvertible {
    /// Reads the forms of RFC 4291 section 2.2: groups, one `::`, and an IPv4 address in place of the last two groups.
    public init?(_ text: some StringProtocol) {
        self.init(ascii: Array(text.utf8)[...])
    }

    /// Same, from ASCII bytes.
    init?(ascii: ArraySlice<UInt8>) {
        let colon = UInt8(ascii: ":")
        var fields = ascii.split(separator: colon, omittingEmptySubsequences: false)
        guard fields.count >= 3 else { return nil }
        // A leading or trailing "::" yields two empty fields where one in the middle yields one.
        if fields[0].isEmpty {
            guard fields[1].isEmpty else { return nil }
            fields.removeFirst()
        }
        if let last = fields.last, last.isEmpty, fields.count >= 2 {
            guard fields[fields.count - 2].isEmpty else { return nil }
            fields.removeLast()
        }
        var groups: [UInt16] = []
        var gap: Int?
        for (position, field) in fields.enumerated() {
            if field.isEmpty {
                guard gap == nil else { return nil }
                gap = groups.count
            } else if field.contains(UInt8(ascii: ".")) {
                guard position == fields.count - 1, let tail = IPv4Address(ascii: field) else { return nil }
                groups.append(UInt16(tail.rawValue >> 16))
                groups.append(UInt16(tail.rawValue & 0xffff))
            } else {
                guard let group = Self.parseGroup(field) else { return nil }
                groups.append(group)
            }
        }
        if let gap {
            guard groups.count < 8 else { return nil }
            groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap)
        }
        guard groups.count == 8 else { return nil }
        self.init(
            high: groups[..<4].reduce(0) { $0 << 16 | UInt64($1) },
            low: groups[4...].reduce(0) { $0 << 16 | UInt64($1) })
    }

    /// One to four hexadecimal digits.
    private static func parseGroup(_ digits: ArraySlice<UInt8>) -> UInt16? {
        guard (1...4).contains(digits.count) else { return nil }
        var value: UInt16 = 0
        for digit in digits {
            let number: UInt8
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = digit - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): number = digit - UInt8(ascii: "A") + 10
            default: return nil
            }
            value = value << 4 | UInt16(number)
        }
        return value
    }

    /// The one text form that RFC 5952 recommends.
    public var description: String {
        if isIPv4Mapped { return "::ffff:\(IPv4Address(rawValue: UInt32(truncatingIfNeeded: low)))" }
        // The longest run of zero groups, the first of equals, is written "::", but never a single group (section 4.2).
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, group(end) == 0 { end += 1 }
            if end - start > max(best.count, 1) { best = start..<end }
            start = end + 1
        }
        func text(_ range: Range<Int>) -> String {
            range.map { String(group($0), radix: 16) }.joined(separator: ":")
        }
        return best.isEmpty ? text(0..<8) : text(0..<best.lowerBound) + "::" + text(best.upperBound..<8)
    }
}
