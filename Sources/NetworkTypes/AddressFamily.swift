/// IPv4 or IPv6.
public enum AddressFamily: Hashable, CaseIterable, Sendable {
    /// IPv4.
    case v4
    /// IPv6.
    case v6

    /// Bits of an address.
    public var bitWidth: Int { self == .v4 ? 32 : 128 }

    /// 0.0.0.0 or ::.
    public var unspecified: IPAddress {
        switch self {
        case .v4: .v4(IPv4Address(rawValue: 0))
        case .v6: .v6(IPv6Address(high: 0, low: 0))
        }
    }

    /// 0.0.0.0/0 or ::/0.
    public var defaultRoute: IPPrefix { IPPrefix(unspecified, length: 0) }
}

extension IPAddress {
    /// The address's family.
    public var family: AddressFamily {
        switch self {
        case .v4: .v4
        case .v6: .v6
        }
    }
}
