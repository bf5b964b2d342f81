/// An IPv4 address.
public struct IPv4Address: Hashable, Sendable {
    /// The address as a number: 1.2.3.4 is 0x01020304.
    public var rawValue: UInt32

    /// 0.0.0.0.
    public static let unspecified = IPv4Address(rawValue: 0)

    /// From its four bytes as a number, the first one the highest.
    @inlinable
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Reads the four bytes at `bytes`, which are in network order and need no alignment.
    @inlinable
    public init(bytes: UnsafeRawPointer) {
        // SAFETY: the caller vouches for four readable bytes.
        unsafe self.rawValue = UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))
    }

    /// Writes four bytes in network order; `bytes` needs no alignment.
    @inlinable
    public func write(to bytes: UnsafeMutableRawPointer) {
        // SAFETY: the caller vouches for four writable bytes.
        unsafe bytes.storeBytes(of: rawValue.bigEndian, as: UInt32.self)
    }
}

extension IPv4Address: Comparable {
    /// In order of their numbers.
    @inlinable
    public static func < (a: IPv4Address, b: IPv4Address) -> Bool {
        a.rawValue < b.rawValue
    }
}

extension IPv4Address: LosslessStringConvertible {
    /// Reads four decimal octets separated by dots, without leading zeros (which other readers take for octal).
    public init?(_ text: some StringProtocol) {
        self.init(ascii: Array(text.utf8)[...])
    }

    /// Same, from ASCII bytes.
    init?(ascii: ArraySlice<UInt8>) {
        let octets = ascii.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard octets.count == 4 else { return nil }
        var value: UInt32 = 0
        for octet in octets {
            guard let number = DecimalNumber.parse(octet, atMost: 255) else { return nil }
            value = value << 8 | number
        }
        self.init(rawValue: value)
    }

    /// In dotted decimal.
    public var description: String {
        "\(rawValue >> 24).\(rawValue >> 16 & 255).\(rawValue >> 8 & 255).\(rawValue & 255)"
    }
}

/// Decimal numbers as addresses contain them: digits only, no sign, no leading zero.
enum DecimalNumber {
    /// The number that `digits` spells, or nil if it is above `limit` or spelled differently.
    static func parse(_ digits: ArraySlice<UInt8>, atMost limit: UInt32) -> UInt32? {
        guard let first = digits.first, digits.count <= 10, first != UInt8(ascii: "0") || digits.count == 1 else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + UInt64(digit - UInt8(ascii: "0"))
        }
        return value <= UInt64(limit) ? UInt32(value) : nil
    }
}
