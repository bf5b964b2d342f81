internal import WireGuardCrypto

/// Why a text is not a key.
public enum KeyTextError: Error, Hashable, Sendable {
    /// The text has this many bytes; base64 keys have 44 and hexadecimal ones 64.
    case length(Int)
    /// The byte at this offset is not one of the encoding's.
    case character(at: Int)
    /// The text has 44 characters, but the last one is not `=`: it doesn't stand for 32 bytes.
    case padding
    /// The last character but one carries bits beyond the 32nd byte, so a character got lost or changed.
    case trailingBits
}

/// The two texts of a 32-byte key: base64 in files and at the terminal, hexadecimal in the UAPI.
///
/// Decoding and encoding take the same steps for every key, since private keys come through here as well; what is decoded
/// stands in a buffer that is wiped before it goes.
enum KeyText {
    /// Bytes of a key.
    static let keySize = 32
    /// Characters of a key in base64, the padding included.
    static let base64Size = (keySize + 2) / 3 * 4
    /// Characters of a key in hexadecimal.
    static let hexSize = keySize * 2

    /// Gives the bytes that `text` stands for to `body`, and wipes them.
    static func withBytes<R>(
        base64 text: ArraySlice<UInt8>, _ body: (UnsafeRawBufferPointer) -> R
    ) -> Result<R, KeyTextError> {
        guard text.count == base64Size else { return .failure(.length(text.count)) }
        guard text.last == UInt8(ascii: "=") else { return .failure(.padding) }
        return unsafe withWipedBuffer { key in
            var invalid: Int32 = 0
            var trailing: Int32 = 0
            for group in 0..<(base64Size / 4) {
                let isLast = group == base64Size / 4 - 1
                var value: Int32 = 0
                for i in 0..<(isLast ? 3 : 4) {
                    let bits = sextet(text[text.startIndex + group * 4 + i])
                    invalid |= bits
                    value |= (bits & 63) << Int32(18 - 6 * i)
                }
                unsafe key[group * 3] = UInt8(truncatingIfNeeded: value >> 16)
                unsafe key[group * 3 + 1] = UInt8(truncatingIfNeeded: value >> 8)
                if isLast { trailing = value & 0xff } else { unsafe key[group * 3 + 2] = UInt8(truncatingIfNeeded: value) }
            }
            guard invalid >= 0 else {
                return .failure(.character(at: text.prefix(base64Size - 1).firstIndex { sextet($0) < 0 }! - text.startIndex))
            }
            guard trailing == 0 else { return .failure(.trailingBits) }
            return unsafe .success(body(UnsafeRawBufferPointer(key)))
        }
    }

    /// Gives the bytes that `text` stands for to `body`, and wipes them.
    static func withBytes<R>(hex text: ArraySlice<UInt8>, _ body: (UnsafeRawBufferPointer) -> R) -> Result<R, KeyTextError> {
        guard text.count == hexSize else { return .failure(.length(text.count)) }
        return unsafe withWipedBuffer { key in
            var invalid: Int32 = 0
            for i in 0..<keySize {
                let high = nibble(text[text.startIndex + 2 * i])
                let low = nibble(text[text.startIndex + 2 * i + 1])
                invalid |= high | low
                unsafe key[i] = UInt8(truncatingIfNeeded: (high & 15) << 4 | low & 15)
            }
            guard invalid >= 0 else { return .failure(.character(at: text.firstIndex { nibble($0) < 0 }! - text.startIndex)) }
            return unsafe .success(body(UnsafeRawBufferPointer(key)))
        }
    }

    /// The 44 characters of a key.
    static func base64(_ key: UnsafeRawBufferPointer) -> SecretText {
        precondition(key.count == keySize)
        var text: [UInt8] = []
        text.reserveCapacity(base64Size)
        for group in 0..<(base64Size / 4) {
            let isLast = group == base64Size / 4 - 1
            var value = unsafe Int32(key[group * 3]) << 16 | Int32(key[group * 3 + 1]) << 8
            if !isLast { value |= unsafe Int32(key[group * 3 + 2]) }
            for i in 0..<(isLast ? 3 : 4) { text.append(character(value >> Int32(18 - 6 * i) & 63)) }
        }
        text.append(UInt8(ascii: "="))
        return SecretText(text)
    }

    /// Appends the 64 characters of a key, lower case.
    static func appendHex(_ key: UnsafeRawBufferPointer, to text: inout [UInt8]) {
        precondition(key.count == keySize)
        // One append for all: ten thousand peers are twenty thousand keys.
        unsafe withUnsafeTemporaryAllocation(byteCount: hexSize, alignment: 16) { digits in
            for i in 0..<keySize {
                // SAFETY: two digits for each of the key's bytes; wiped before they go.
                let byte = unsafe Int32(key[i])
                unsafe digits[2 * i] = digit(byte >> 4)
                unsafe digits[2 * i + 1] = digit(byte & 15)
            }
            unsafe text.append(contentsOf: digits)
            unsafe wipe(digits)
        }
    }

    private static func withWipedBuffer<R>(_ body: (UnsafeMutableRawBufferPointer) -> R) -> R {
        unsafe withUnsafeTemporaryAllocation(byteCount: keySize, alignment: 16) { buffer in
            // SAFETY: the buffer is used within this call only and zeroed on the way in and out.
            unsafe buffer.initializeMemory(as: UInt8.self, repeating: 0)
            defer { unsafe wipe(buffer) }
            return unsafe body(buffer)
        }
    }

    // Branchless on the character: (a - 1 - c) & (c - (b + 1)) is negative exactly when c lies in a...b.
    private static func within(_ c: Int32, _ first: UInt8, _ last: UInt8) -> Int32 {
        ((Int32(first) - 1 - c) & (c - Int32(last) - 1)) >> 8
    }

    /// The six bits of a base64 character; negative if it isn't one.
    private static func sextet(_ character: UInt8) -> Int32 {
        let c = Int32(character)
        return -1 + (within(c, UInt8(ascii: "A"), UInt8(ascii: "Z")) & (c - 64))
            + (within(c, UInt8(ascii: "a"), UInt8(ascii: "z")) & (c - 70))
            + (within(c, UInt8(ascii: "0"), UInt8(ascii: "9")) & (c + 5))
            + (within(c, UInt8(ascii: "+"), UInt8(ascii: "+")) & 63)
            + (within(c, UInt8(ascii: "/"), UInt8(ascii: "/")) & 64)
    }

    /// The four bits of a hexadecimal digit of either case; negative if it isn't one.
    private static func nibble(_ character: UInt8) -> Int32 {
        let c = Int32(character)
        return -1 + (within(c, UInt8(ascii: "0"), UInt8(ascii: "9")) & (c - 47))
            + (within(c, UInt8(ascii: "a"), UInt8(ascii: "f")) & (c - 86))
            + (within(c, UInt8(ascii: "A"), UInt8(ascii: "F")) & (c - 54))
    }

    private static func character(_ bits: Int32) -> UInt8 {
        let offset = Int32(UInt8(ascii: "A")) + ((25 - bits) >> 8 & 6) - ((51 - bits) >> 8 & 75)
        return UInt8(truncatingIfNeeded: bits + offset - ((61 - bits) >> 8 & 15) + ((62 - bits) >> 8 & 3))
    }

    private static func digit(_ bits: Int32) -> UInt8 {
        UInt8(truncatingIfNeeded: bits + Int32(UInt8(ascii: "0")) + ((9 - bits) >> 8 & 39))
    }
}
