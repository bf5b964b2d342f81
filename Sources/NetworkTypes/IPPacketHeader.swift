/// What the data path needs to know of an inner IP packet, read and checked once.
public struct IPPacketHeader: Sendable, Hashable {
    /// Why bytes are not an IP packet.
    public enum Malformation: Sendable, Hashable {
        /// Fewer bytes than the version's fixed header has.
        case tooShort
        /// The version is neither 4 nor 6.
        case version
        /// The IPv4 header length is below 20 bytes or reaches past the total length.
        case headerLength
        /// The total length is below the header's or past the bytes at hand.
        case totalLength
    }

    /// Whom the packet is from.
    public let source: IPAddress
    /// Whom it is for.
    public let destination: IPAddress
    /// Header and payload in bytes, without what padding may follow: up to 65535 (IPv4) or 65575 (IPv6).
    public let totalLength: Int
    /// The fixed header and, for IPv4, its options, in bytes. IPv6 extension headers count as payload.
    public let headerLength: Int
    /// The IPv4 protocol, or IPv6's first next header.
    public let protocolNumber: UInt8
    /// The type of service or traffic class: six bits of DSCP, two of ECN.
    public let trafficClass: UInt8

    /// Bytes of an IPv4 header without options.
    public static let ipv4MinimumLength = 20
    /// Bytes of the fixed IPv6 header.
    public static let ipv6Length = 40

    /// Whether it is an IPv6 packet; else it is one of IPv4.
    @inlinable
    public var isIPv6: Bool {
        if case .v6 = destination { true } else { false }
    }

    /// Its congestion notification (RFC 3168), the two lowest bits of the traffic class.
    @inlinable
    public var ecn: ECNCodepoint {
        ECNCodepoint(trafficClass: trafficClass)
    }

    @inlinable
    init(
        source: IPAddress, destination: IPAddress, totalLength: Int, headerLength: Int, protocolNumber: UInt8, trafficClass: UInt8
    ) {
        self.source = source
        self.destination = destination
        self.totalLength = totalLength
        self.headerLength = headerLength
        self.protocolNumber = protocolNumber
        self.trafficClass = trafficClass
    }

    /// The header at the beginning of `bytes`, or nil if they are not a whole IP packet; ``parse(_:)`` says why.
    @inlinable
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard case .success(let header) = unsafe Self.parse(bytes) else { return nil }
        self = header
    }

    /// Reads the header at the beginning of `bytes`. Bytes past the total length are allowed: WireGuard pads.
    /// An IPv4 header checksum is not verified; the receiving stack does that.
    @inlinable
    public static func parse(_ bytes: UnsafeRawBufferPointer) -> Result<IPPacketHeader, Malformation> {
        unsafe parse(bytes, of: bytes.count)
    }

    /// The header of a packet of which only the beginning is at hand, or nil if that is not one.
    @inlinable
    public init?(beginning bytes: UnsafeRawBufferPointer) {
        guard case .success(let header) = unsafe Self.parse(bytes, of: .max) else { return nil }
        self = header
    }

    /// Reads the header at the beginning of `bytes`, which are the first of `count` bytes.
    @inlinable
    static func parse(_ bytes: UnsafeRawBufferPointer, of count: Int) -> Result<IPPacketHeader, Malformation> {
        guard let start = bytes.baseAddress, bytes.count >= ipv4MinimumLength else { return .failure(.tooShort) }
        // SAFETY: every offset below is within the count checked just before it.
        let first = unsafe start.load(as: UInt8.self)
        switch first >> 4 {
        case 4:
            let headerLength = Int(first & 15) &* 4
            let totalLength = unsafe Int(UInt16(bigEndian: start.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
            guard headerLength >= ipv4MinimumLength else { return .failure(.headerLength) }
            guard totalLength <= count, totalLength >= ipv4MinimumLength else { return .failure(.totalLength) }
            guard headerLength <= totalLength else { return .failure(.headerLength) }
            return unsafe .success(
                IPPacketHeader(
                    source: .v4(IPv4Address(bytes: start + 12)), destination: .v4(IPv4Address(bytes: start + 16)),
                    totalLength: totalLength, headerLength: headerLength,
                    protocolNumber: start.load(fromByteOffset: 9, as: UInt8.self),
                    trafficClass: start.load(fromByteOffset: 1, as: UInt8.self)))
        case 6:
            guard bytes.count >= ipv6Length else { return .failure(.tooShort) }
            let payload = unsafe Int(UInt16(bigEndian: start.loadUnaligned(fromByteOffset: 4, as: UInt16.self)))
            let totalLength = ipv6Length &+ payload
            guard totalLength <= count else { return .failure(.totalLength) }
            return unsafe .success(
                IPPacketHeader(
                    source: .v6(IPv6Address(bytes: start + 8)), destination: .v6(IPv6Address(bytes: start + 24)),
                    totalLength: totalLength, headerLength: ipv6Length,
                    protocolNumber: start.load(fromByteOffset: 6, as: UInt8.self),
                    trafficClass: UInt8(
                        truncatingIfNeeded: UInt16(bigEndian: start.loadUnaligned(as: UInt16.self)) &>> 4)))
        default:
            return .failure(.version)
        }
    }

    /// Sets the ECN bits of the packet that this header was read from, and corrects an IPv4 header's checksum (RFC 1624).
    ///
    /// `packet` must be the bytes that this header was read from: at least ``headerLength`` of them are there.
    @inlinable
    public func setECN(_ codepoint: ECNCodepoint, in packet: UnsafeMutableRawPointer) {
        guard codepoint != ecn else { return }
        // SAFETY: a checked header has at least 20 bytes.
        let old = unsafe UInt16(bigEndian: packet.loadUnaligned(as: UInt16.self))
        if isIPv6 {
            // Version 4 bits, traffic class 8, flow label: ECN stands at bits 4 and 5 of the first word.
            let new = old & ~0x0030 | UInt16(codepoint.rawValue) << 4
            unsafe packet.storeBytes(of: new.bigEndian, as: UInt16.self)
        } else {
            let new = old & ~0x0003 | UInt16(codepoint.rawValue)
            let checksum = unsafe UInt16(bigEndian: packet.loadUnaligned(fromByteOffset: 10, as: UInt16.self))
            let updated = InternetChecksum.updated(checksum, replacing: old, with: new)
            unsafe packet.storeBytes(of: new.bigEndian, as: UInt16.self)
            unsafe packet.storeBytes(of: updated.bigEndian, toByteOffset: 10, as: UInt16.self)
        }
    }
}

extension IPPacketHeader.Malformation: Error {}
