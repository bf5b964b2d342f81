/// An address of either family.
public enum IPAddress: Hashable, Sendable {
    /// An IPv4 address.
    case v4(IPv4Address)
    /// An IPv6 address.
    case v6(IPv6Address)

    /// 32 or 128.
    @inlinable
    public var bitWidth: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }

    /// 0.0.0.0 or ::.
    public var isUnspecified: Bool {
        switch self {
        case .v4(let address): address.rawValue == 0
        case .v6(let address): address == .unspecified
        }
    }

    /// 127.0.0.0/8 or ::1.
    public var isLoopback: Bool {
        switch self {
        case .v4(let address): address.rawValue >> 24 == 127
        case .v6(let address): address == .loopback
        }
    }

    /// 224.0.0.0/4 or ff00::/8.
    public var isMulticast: Bool {
        switch self {
        case .v4(let address): address.rawValue >> 28 == 0xe
        case .v6(let address): address.high >> 56 == 0xff
        }
    }

    /// 169.254.0.0/16 or fe80::/10.
    public var isLinkLocal: Bool {
        switch self {
        case .v4(let address): address.rawValue >> 16 == 0xa9fe
        case .v6(let address): address.high >> 54 == 0xfe80 >> 6
        }
    }

    /// The address with all but its first `length` bits cleared.
    ///
    /// - Precondition: `length` is within 0…``bitWidth``.
    func masked(to length: Int) -> IPAddress {
        precondition(length >= 0 && length <= bitWidth)
        // Smart shifts by the full width give 0, so a length of 0 needs no case of its own.
        switch self {
        case .v4(let address):
            return .v4(IPv4Address(rawValue: address.rawValue & ~(UInt32.max >> UInt32(length))))
        case .v6(let address):
            let high = address.high & ~(UInt64.max >> UInt64(min(length, 64)))
            let low = address.low & ~(UInt64.max >> UInt64(max(length - 64, 0)))
            return .v6(IPv6Address(high: high, low: low))
        }
    }
}

extension IPAddress: Comparable {
    /// IPv4 before IPv6, then by number.
    public static func < (a: IPAddress, b: IPAddress) -> Bool {
        switch (a, b) {
        case (.v4(let a), .v4(let b)): a < b
        case (.v6(let a), .v6(let b)): a < b
        case (.v4, .v6): true
        case (.v6, .v4): false
        }
    }
}

extension IPAddress: LosslessStringConvertible {
    /// Reads either family's text; see ``IPv4Address/init(_:)`` and ``IPv6Address/init(_:)``.
    public init?(_ text: some StringProtocol) {
        self.init(ascii: Array(text.utf8)[...])
    }

    init?(ascii: ArraySlice<UInt8>) {
        if ascii.contains(UInt8(ascii: ":")) {
            guard let address = IPv6Address(ascii: ascii) else { return nil }
            self = .v6(address)
        } else {
            guard let address = IPv4Address(ascii: ascii) else { return nil }
            self = .v4(address)
        }
    }

    /// As RFC 5952 writes it, or in dotted decimal.
    public var description: String {
        switch self {
        case .v4(let address): address.description
        case .v6(let address): address.description
        }
    }
}
