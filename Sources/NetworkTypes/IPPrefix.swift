/// All addresses that share their first `length` bits, as 10.0.0.0/8 or fd00::/8.
public struct IPPrefix: Hashable, Sendable {
    /// The first address of the prefix: no bit is set beyond `length`.
    public let address: IPAddress
    /// The number of leading bits that matter: 0…32 or 0…128.
    public let length: UInt8

    /// The prefix of `length` bits that contains `address`, whose host bits are dropped.
    ///
    /// - Precondition: `length` is at most the address's bit width.
    public init(_ address: IPAddress, length: UInt8) {
        self.address = address.masked(to: Int(length))
        self.length = length
    }

    /// The prefix that holds only `address`.
    public init(_ address: IPAddress) {
        self.address = address
        self.length = UInt8(address.bitWidth)
    }

    /// Whether `candidate` is of the same family and shares the leading bits.
    public func contains(_ candidate: IPAddress) -> Bool {
        candidate.bitWidth == address.bitWidth && candidate.masked(to: Int(length)) == address
    }

    /// Whether every address of `other` is in this prefix.
    public func contains(_ other: IPPrefix) -> Bool {
        other.length >= length && contains(other.address)
    }

    /// 0.0.0.0/0 or ::/0.
    public var isDefaultRoute: Bool {
        length == 0
    }
}

extension IPPrefix: Comparable {
    /// By first address, then the wider prefix first.
    public static func < (a: IPPrefix, b: IPPrefix) -> Bool {
        a.address != b.address ? a.address < b.address : a.length < b.length
    }
}

extension IPPrefix: LosslessStringConvertible {
    /// Reads "address/length"; a bare address means its full length. Host bits are dropped, as WireGuard does.
    public init?(_ text: some StringProtocol) {
        guard let parsed = IPInterfaceAddress(text) else { return nil }
        self = parsed.network
    }

    /// As `10.8.0.0/24`.
    public var description: String {
        "\(address)/\(length)"
    }
}
