internal import NetworkTypes
internal import WireGuardCrypto

/// Writes the fields of one frame behind those before it.
struct FieldWriter {
    private(set) var bytes: [UInt8] = []
    private let start: Int

    /// Begins a frame behind `bytes`.
    init(_ kind: UInt8, after bytes: consuming [UInt8]) {
        start = bytes.count
        self.bytes = bytes
        self.bytes += [0, 0, 0, 0, kind]
    }

    /// All bytes, with the frame's length in its place.
    consuming func finished() -> [UInt8] {
        let length = UInt32(bytes.count - start - 4)
        for index in 0..<4 { bytes[start + index] = UInt8(truncatingIfNeeded: length >> UInt32(8 * index)) }
        return bytes
    }

    mutating func add(_ tag: UInt8, _ value: some Collection<UInt8>) {
        bytes.append(tag)
        var length = value.count
        while length >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: length) | 0x80)
            length >>= 7
        }
        bytes.append(UInt8(length))
        bytes += value
    }

    mutating func add(_ tag: UInt8, _ text: String) { add(tag, text.utf8) }

    /// A number of fixed size.
    mutating func add<Number: FixedWidthInteger & UnsignedInteger>(_ tag: UInt8, _ number: Number) {
        bytes.append(tag)
        bytes.append(UInt8(Number.bitWidth / 8))
        append(number)
    }

    /// A number of fixed size, if it isn't 0.
    mutating func addUnlessZero(_ tag: UInt8, _ number: some FixedWidthInteger & UnsignedInteger) {
        if number != 0 { add(tag, number) }
    }

    mutating func add(_ tag: UInt8, _ key: PublicKey) {
        unsafe key.withUnsafeBytes { unsafe add(tag, $0) }
    }

    private mutating func append<Number: FixedWidthInteger & UnsignedInteger>(_ number: Number) {
        for index in 0..<(Number.bitWidth / 8) { bytes.append(UInt8(truncatingIfNeeded: number >> Number(8 * index))) }
    }
}

/// One field as it was read.
struct Field {
    let kind: UInt8
    let tag: UInt8
    let value: ArraySlice<UInt8>

    var failure: RecordingStream.Failure { .field(kind: kind, tag: tag) }

    /// All of it as a number of that size.
    func number<Number: FixedWidthInteger & UnsignedInteger>(_: Number.Type = Number.self) throws(RecordingStream.Failure) -> Number {
        guard value.count == Number.bitWidth / 8 else { throw failure }
        return number(at: 0)
    }

    /// A number within; there are bytes enough.
    func number<Number: FixedWidthInteger & UnsignedInteger>(at offset: Int) -> Number {
        (0..<(Number.bitWidth / 8)).reduce(0) { $0 | Number(value[value.startIndex + offset + $1]) << Number(8 * $1) }
    }

    func text() throws(RecordingStream.Failure) -> String {
        guard let text = String(validating: value, as: UTF8.self) else { throw failure }
        return text
    }

    func key() throws(RecordingStream.Failure) -> PublicKey {
        guard value.count == PublicKey.count else { throw failure }
        return PublicKey(bytes: InlineArray { value[value.startIndex + $0] })
    }

    /// An address: 4 or 16 bytes at `offset`, to the end.
    func address(at offset: Int) throws(RecordingStream.Failure) -> IPAddress {
        let bytes = Array(value.dropFirst(offset))
        guard bytes.count == 4 || bytes.count == 16 else { throw failure }
        return unsafe bytes.withUnsafeBytes { bytes in
            // SAFETY: the count was just checked.
            let start = bytes.baseAddress!
            return unsafe bytes.count == 4 ? .v4(IPv4Address(bytes: start)) : .v6(IPv6Address(bytes: start))
        }
    }
}

extension IPAddress {
    /// Its 4 or 16 bytes in network order.
    var bytes: [UInt8] {
        switch self {
        case .v4(let address): (0..<4).map { UInt8(truncatingIfNeeded: address.rawValue >> UInt32(24 - 8 * $0)) }
        case .v6(let address):
            (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? address.high : address.low) >> UInt64(56 - 8 * ($0 % 8))) }
        }
    }
}
