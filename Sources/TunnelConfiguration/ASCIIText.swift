internal import NetworkTypes

/// Numbers and prefixes written straight into bytes: an answer about 10 000 peers has 100 000 of them.
/// The texts are those of `description`.
extension [UInt8] {
    mutating func append(_ text: StaticString) {
        // SAFETY: a static string's bytes live as long as the program.
        unsafe append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(decimal number: UInt64) {
        if number >= 10 { append(decimal: number / 10) }
        append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
    }

    /// Without leading zeros, lower case.
    mutating func append(hexadecimal number: UInt16) {
        if number >= 16 { append(hexadecimal: number >> 4) }
        let digit = UInt8(truncatingIfNeeded: number & 15)
        append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }

    mutating func append(_ address: IPv4Address) {
        var shift: UInt32 = 24
        while shift > 0 {
            append(decimal: UInt64(address.rawValue >> shift & 0xff))
            append(UInt8(ascii: "."))
            shift -= 8
        }
        append(decimal: UInt64(address.rawValue & 0xff))
    }

    /// The longest run of two or more zero groups becomes `::`, the first of equals (RFC 5952, section 4.2).
    mutating func append(_ address: IPv6Address) {
        func group(_ i: Int) -> UInt16 {
            UInt16(truncatingIfNeeded: (i < 4 ? address.high : address.low) >> UInt64(48 - 16 * (i & 3)))
        }
        var (runStart, runEnd) = (8, 8)
        var i = 0
        while i < 8 {
            var end = i
            while end < 8, group(end) == 0 { end += 1 }
            if end - i >= 2, end - i > runEnd - runStart { (runStart, runEnd) = (i, end) }
            i = end + 1
        }
        i = 0
        while i < 8 {
            if i == runStart {
                append("::")
                i = runEnd
                continue
            }
            if i > 0, i != runEnd { append(UInt8(ascii: ":")) }
            append(hexadecimal: group(i))
            i += 1
        }
    }

    mutating func append(_ prefix: IPPrefix) {
        switch prefix.address {
        // The form of IPv4-mapped addresses is the description's business.
        case .v6(let address) where address.isIPv4Mapped: append(contentsOf: prefix.description.utf8)
        case .v6(let address):
            append(address)
            append(UInt8(ascii: "/"))
            append(decimal: UInt64(prefix.length))
        case .v4(let address):
            append(address)
            append(UInt8(ascii: "/"))
            append(decimal: UInt64(prefix.length))
        }
    }
}
