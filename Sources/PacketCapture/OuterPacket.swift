public import NetworkTypes

/// The IP packet that a datagram was or will be: header of IP, header of UDP, payload. The tunnel sees only the payload, so the headers are
/// made from the addresses that its socket gave or was given; what the kernel chooses (identification, TTL, flow label) stands at usual values.
///
/// Source: RFC 791, RFC 8200, RFC 768.
public enum OuterPacket {
    static let udpHeaderCount = 8
    static let hopLimit: UInt8 = 64
    static let udp: UInt8 = 17

    /// The packet's bytes, checksums right; of a datagram of which only the beginning is there UDP's is left out, as zero.
    /// - Parameters:
    ///   - source: an unspecified address where it isn't known; also taken for one if its family isn't the destination's.
    ///   - trafficClass: IPv4's type of service, or IPv6's traffic class.
    ///   - payload: the datagram, or its beginning.
    ///   - payloadCount: bytes of the whole datagram; nil: it is whole.
    public static func bytes(
        from source: Endpoint, to destination: Endpoint, trafficClass: UInt8, payload: some Collection<UInt8>, payloadCount: Int? = nil
    ) -> [UInt8] {
        let isWhole = payload.count >= payloadCount ?? 0
        let udpCount = udpHeaderCount + max(payload.count, payloadCount ?? 0)
        var packet: [UInt8] = []
        packet.reserveCapacity(IPPacketHeader.ipv6Length + udpCount)
        var checksum = InternetChecksum()
        switch destination.address {
        case .v4(let to):
            var from = IPv4Address.unspecified
            if case .v4(let address) = source.address { from = address }
            appendIPv4(from, to, trafficClass, count: udpCount, &packet)
            checksum.addPseudoHeader(source: from, destination: to, protocolNumber: udp, length: udpCount)
        case .v6(let to):
            var from = IPv6Address.unspecified
            if case .v6(let address) = source.address { from = address }
            appendIPv6(from, to, trafficClass, count: udpCount, &packet)
            checksum.addPseudoHeader(source: from, destination: to, protocolNumber: udp, length: udpCount)
        }
        let start = packet.count
        for number in [source.port, destination.port, UInt16(clamping: udpCount), 0] { append(number, &packet) }
        packet.append(contentsOf: payload)
        guard isWhole else { return packet }
        unsafe packet.withUnsafeBytes { bytes in
            // SAFETY: the packet has a UDP header from `start` on.
            unsafe checksum.add(UnsafeRawBufferPointer(rebasing: bytes[start...]))
        }
        // Zero would say that there is none.
        set(checksum.checksum == 0 ? 0xffff : checksum.checksum, at: start + 6, &packet)
        return packet
    }

    private static func appendIPv4(_ source: IPv4Address, _ destination: IPv4Address, _ type: UInt8, count: Int, _ packet: inout [UInt8]) {
        let headerCount = IPPacketHeader.ipv4MinimumLength
        packet += [0x45, type]
        append(UInt16(clamping: headerCount + count), &packet)
        packet += [0, 0, 0, 0, hopLimit, udp, 0, 0]
        for address in [source, destination] {
            append(UInt16(truncatingIfNeeded: address.rawValue >> 16), &packet)
            append(UInt16(truncatingIfNeeded: address.rawValue), &packet)
        }
        var checksum = InternetChecksum()
        // SAFETY: the packet is the header so far.
        unsafe packet.withUnsafeBytes { unsafe checksum.add($0) }
        set(checksum.checksum, at: 10, &packet)
    }

    private static func appendIPv6(_ source: IPv6Address, _ destination: IPv6Address, _ type: UInt8, count: Int, _ packet: inout [UInt8]) {
        packet += [0x60 | type >> 4, type << 4, 0, 0]
        append(UInt16(clamping: count), &packet)
        packet += [udp, hopLimit]
        for half in [source.high, source.low, destination.high, destination.low] {
            for shift in stride(from: 48, through: 0, by: -16) { append(UInt16(truncatingIfNeeded: half >> UInt64(shift)), &packet) }
        }
    }

    private static func append(_ number: UInt16, _ packet: inout [UInt8]) {
        packet.append(UInt8(number >> 8))
        packet.append(UInt8(truncatingIfNeeded: number))
    }

    private static func set(_ number: UInt16, at offset: Int, _ packet: inout [UInt8]) {
        packet[offset] = UInt8(number >> 8)
        packet[offset + 1] = UInt8(truncatingIfNeeded: number)
    }
}
