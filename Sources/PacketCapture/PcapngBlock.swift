/// One block of a pcapng file while it is written: its type, its body, its options, and its length in front and behind.
///
/// Everything is little-endian, whatever the machine, so that the same packets make the same bytes everywhere; readers tell by the section
/// header's magic. Source: draft-ietf-opsawg-pcapng, sections 3.1 and 3.5.
struct PcapngBlock {
    enum Kind: UInt32 {
        case sectionHeader = 0x0a0d_0d0a
        case interfaceDescription = 1
        case interfaceStatistics = 5
        case enhancedPacket = 6
        case decryptionSecrets = 10
    }

    private var bytes: [UInt8] = []

    /// A block with nothing in it.
    /// - Parameter bodyCount: about how many bytes it will have, so that room is made once.
    init(_ kind: Kind, bodyCount: Int = 64) {
        bytes.reserveCapacity(bodyCount + 64)
        append(kind.rawValue)
        // The length, known in the end.
        append(UInt32(0))
    }

    /// Writes a number's bytes, the lowest first.
    mutating func append(_ number: some FixedWidthInteger) {
        for shift in stride(from: 0, to: number.bitWidth, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    /// Writes bytes, and zeros up to a multiple of four.
    mutating func append(_ data: some Collection<UInt8>) {
        bytes.append(contentsOf: data)
        bytes.append(contentsOf: repeatElement(0, count: -data.count & 3))
    }

    /// An option of at most 65,535 bytes; what is longer is cut.
    mutating func append(option code: UInt16, _ value: some Collection<UInt8>) {
        let value = value.prefix(Int(UInt16.max))
        append(code)
        append(UInt16(value.count))
        append(value)
    }

    /// An option with a text, cut between characters where it is too long.
    mutating func append(option code: UInt16, _ text: String) {
        var bytes = text.utf8.prefix(Int(UInt16.max))
        // What goes on in the middle of a character begins with the bits 10.
        while bytes.endIndex < text.endIndex, text.utf8[bytes.endIndex] & 0xc0 == 0x80 { bytes.removeLast() }
        append(option: code, bytes)
    }

    /// An option with a number.
    mutating func append(option code: UInt16, number: some FixedWidthInteger) {
        append(code)
        append(UInt16(number.bitWidth / 8))
        append(number)
        if number.bitWidth % 32 != 0 { bytes.append(contentsOf: repeatElement(0, count: -(number.bitWidth / 8) & 3)) }
    }

    /// A timestamp, of which the higher half comes first.
    mutating func append(timestamp nanoseconds: UInt64) {
        append(UInt32(truncatingIfNeeded: nanoseconds >> 32))
        append(UInt32(truncatingIfNeeded: nanoseconds))
    }

    /// The end of the options.
    mutating func endOptions() { append(UInt32(0)) }

    /// The whole block.
    consuming func finished() -> [UInt8] {
        let count = UInt32(bytes.count + 4)
        append(count)
        for index in 0..<4 { bytes[4 + index] = UInt8(truncatingIfNeeded: count >> (8 * index)) }
        return bytes
    }
}
