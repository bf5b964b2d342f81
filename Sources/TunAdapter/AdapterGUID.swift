/// The 128 bits that tell one adapter from all others, for good.
public struct AdapterGUID: Hashable, Sendable {
    /// The first and the last eight bytes, in the order of the text.
    public let high: UInt64
    /// The last eight bytes.
    public let low: UInt64

    /// From its first and its last eight bytes, the first byte the highest.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A random one (RFC 9562, version 4).
    public static func random() -> AdapterGUID {
        var generator = SystemRandomNumberGenerator()
        return AdapterGUID(
            high: generator.next() & ~0xf000 | 0x4000, low: generator.next() & ~(0b11 << 62) | 0b10 << 62)
    }

    /// Reads `{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}`, with the braces or without.
    public init?(_ text: String) {
        var digits = text[...]
        if digits.first == "{", digits.last == "}" { digits = digits.dropFirst().dropLast() }
        let groups = digits.split(separator: "-", omittingEmptySubsequences: false)
        guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12], groups.allSatisfy({ $0.utf8.allSatisfy(Self.isHexDigit) }),
            let high = UInt64(groups[0] + groups[1] + groups[2], radix: 16), let low = UInt64(groups[3] + groups[4], radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"): true
        default: false
        }
    }
}

extension AdapterGUID: CustomStringConvertible {
    /// `{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}`, in lower case.
    public var description: String {
        func hex(_ value: UInt64, _ count: Int) -> String {
            let digits = String(value, radix: 16)
            return String(repeating: "0", count: count - digits.count) + digits
        }
        return "{\(hex(high >> 32, 8))-\(hex(high >> 16 & 0xffff, 4))-\(hex(high & 0xffff, 4))"
            + "-\(hex(low >> 48, 4))-\(hex(low & 0xffff_ffff_ffff, 12))}"
    }
}

extension AdapterGUID {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    /// The characters of ``compactText``: 128 bits, 6 a character.
    static let compactLength = 22

    /// Base64 in the alphabet for URLs, without padding.
    var compactText: String {
        let value = UInt128(high) << 64 | UInt128(low)
        let bytes = (0..<Self.compactLength).map { i in
            // The last character holds the lowest two bits, followed by four zeros.
            let shift = 128 - 6 * (i + 1)
            return Self.alphabet[Int(truncatingIfNeeded: shift >= 0 ? value >> shift : value << -shift) & 0x3f]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    init?(compactText bytes: some Collection<UInt8>) {
        guard bytes.count == Self.compactLength else { return nil }
        var value: UInt128 = 0
        for (i, byte) in bytes.enumerated() {
            guard let digit = Self.alphabet.firstIndex(of: byte) else { return nil }
            if i == Self.compactLength - 1 {
                guard digit & 0xf == 0 else { return nil }
                value = value << 2 | UInt128(digit >> 4)
            } else {
                value = value << 6 | UInt128(digit)
            }
        }
        self.init(high: UInt64(value >> 64), low: UInt64(truncatingIfNeeded: value))
    }
}
