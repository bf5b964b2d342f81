/// The ones' complement sum of 16-bit words that IP, TCP and UDP use. Source: RFC 1071.
///
/// The sum is built in the machine's byte order, which changes nothing but the order of the result's two bytes (section 2.B),
/// and 32 bits at a time with the carries saved up in 64-bit lanes.
public struct InternetChecksum: Sendable, Equatable {
    /// Below 2^34, so that nothing below can overflow: every addition folds first.
    @usableFromInline var partial: UInt64

    /// The sum of nothing.
    @inlinable
    public init() {
        partial = 0
    }

    /// Adds `bytes`, which begin at an even offset of what is summed; an odd length is filled up with a zero byte.
    @inlinable
    public mutating func add(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        // SAFETY: the pointer and count belong to one buffer.
        let sum = unsafe Self.sum(start, count: bytes.count)
        partial = Self.folded32(partial) &+ sum
    }

    /// Adds one 16-bit field, given as a number.
    @inlinable
    public mutating func add(_ word: UInt16) {
        partial = Self.folded32(partial) &+ UInt64(word.bigEndian)
    }

    /// Adds one 32-bit field, given as a number.
    @inlinable
    public mutating func add(_ word: UInt32) {
        partial = Self.folded32(partial) &+ UInt64(word.bigEndian)
    }

    /// Adds the sum of a part that begins at an odd or even offset of what is summed (RFC 1071 section 2.B).
    @inlinable
    public mutating func add(_ part: InternetChecksum, atOddOffset isOdd: Bool = false) {
        let sum = Self.folded16(part.partial)
        partial = Self.folded32(partial) &+ UInt64(isOdd ? sum.byteSwapped : sum)
    }

    /// Adds the pseudo-header of a TCP or UDP packet; `length` counts the transport header and its payload.
    @inlinable
    public mutating func addPseudoHeader(
        source: IPv4Address, destination: IPv4Address, protocolNumber: UInt8, length: Int
    ) {
        add(source.rawValue)
        add(destination.rawValue)
        add(UInt32(protocolNumber))
        add(UInt32(truncatingIfNeeded: length))
    }

    /// Adds the pseudo-header of a TCP, UDP or ICMPv6 packet (RFC 8200 section 8.1).
    @inlinable
    public mutating func addPseudoHeader(
        source: IPv6Address, destination: IPv6Address, protocolNumber: UInt8, length: Int
    ) {
        add(source)
        add(destination)
        add(UInt32(protocolNumber))
        add(UInt32(truncatingIfNeeded: length))
    }

    /// Adds the eight words of an IPv6 address.
    @inlinable
    public mutating func add(_ address: IPv6Address) {
        add(UInt32(truncatingIfNeeded: address.high >> 32))
        add(UInt32(truncatingIfNeeded: address.high))
        add(UInt32(truncatingIfNeeded: address.low >> 32))
        add(UInt32(truncatingIfNeeded: address.low))
    }

    /// The sum itself as a number, not complemented: 0xffff where the bytes include their own right checksum.
    @inlinable
    public var folded: UInt16 {
        UInt16(bigEndian: Self.folded16(partial))
    }

    /// The checksum to put into a header, as a number.
    @inlinable
    public var checksum: UInt16 {
        ~folded
    }

    /// The checksum that follows from `checksum` when one 16-bit word it covers changes (RFC 1624, equation 3).
    @inlinable
    public static func updated(_ checksum: UInt16, replacing old: UInt16, with new: UInt16) -> UInt16 {
        let sum = UInt32(~checksum) + UInt32(~old) + UInt32(new)
        let once = (sum & 0xffff) + sum >> 16
        return ~UInt16(truncatingIfNeeded: once + once >> 16)
    }
}
