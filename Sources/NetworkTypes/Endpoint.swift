/// Where a UDP datagram comes from or goes to.
public struct Endpoint: Hashable, Sendable {
    /// Where to send to.
    public var address: IPAddress
    /// The UDP port, in host byte order.
    public var port: UInt16
    /// The index of the interface that an IPv6 link-local address belongs to; 0 for none.
    public var zone: UInt32

    /// An endpoint; `zone` 0 for an address that needs none.
    @inlinable
    public init(address: IPAddress, port: UInt16, zone: UInt32 = 0) {
        self.address = address
        self.port = port
        self.zone = zone
    }
}

extension Endpoint: LosslessStringConvertible {
    /// Reads "1.2.3.4:51820", "[2001:db8::1]:51820" or, with a decimal zone, "[fe80::1%2]:51820".
    public init?(_ text: some StringProtocol) {
        let ascii = Array(text.utf8)
        guard let colon = ascii.lastIndex(of: UInt8(ascii: ":")),
            let port = DecimalNumber.parse(ascii[(colon + 1)...], atMost: UInt32(UInt16.max))
        else { return nil }
        var host = ascii[..<colon]
        guard host.first == UInt8(ascii: "[") else {
            guard let address = IPv4Address(ascii: host) else { return nil }
            self.init(address: .v4(address), port: UInt16(port))
            return
        }
        guard host.count >= 2, host.last == UInt8(ascii: "]") else { return nil }
        host = host.dropFirst().dropLast()
        var zone: UInt32 = 0
        if let percent = host.firstIndex(of: UInt8(ascii: "%")) {
            guard let written = DecimalNumber.parse(host[(percent + 1)...], atMost: .max) else { return nil }
            zone = written
            host = host[..<percent]
        }
        guard let address = IPv6Address(ascii: host) else { return nil }
        self.init(address: .v6(address), port: UInt16(port), zone: zone)
    }

    /// As `203.0.113.7:51820` or `[2001:db8::7]:51820`.
    public var description: String {
        switch address {
        case .v4(let address): "\(address):\(port)"
        case .v6(let address): zone == 0 ? "[\(address)]:\(port)" : "[\(address)%\(zone)]:\(port)"
        }
    }
}
