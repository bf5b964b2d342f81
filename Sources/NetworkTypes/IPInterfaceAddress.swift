/// An interface's own address with the length of the prefix that it is on, as 10.8.0.1/24: host bits are kept.
public struct IPInterfaceAddress: Hashable, Sendable {
    /// The address, with its host bits.
    public let address: IPAddress
    /// The number of leading bits that name the network: 0…32 or 0…128.
    public let prefixLength: UInt8

    /// - Precondition: `prefixLength` is at most the address's bit width.
    public init(_ address: IPAddress, prefixLength: UInt8) {
        precondition(Int(prefixLength) <= address.bitWidth)
        self.address = address
        self.prefixLength = prefixLength
    }

    /// The prefix that the address is on.
    public var network: IPPrefix {
        IPPrefix(address, length: prefixLength)
    }

    /// Whether bits beyond the prefix length are set: 10.8.0.1/24 but not 10.8.0.0/24.
    public var hasHostBits: Bool {
        network.address != address
    }
}

extension IPInterfaceAddress: LosslessStringConvertible {
    /// Reads "address/length"; a bare address means its full length.
    public init?(_ text: some StringProtocol) {
        let ascii = Array(text.utf8)
        let slash = ascii.firstIndex(of: UInt8(ascii: "/"))
        guard let address = IPAddress(ascii: ascii[..<(slash ?? ascii.endIndex)]) else { return nil }
        var length = UInt32(address.bitWidth)
        if let slash {
            guard let written = DecimalNumber.parse(ascii[(slash + 1)...], atMost: length) else { return nil }
            length = written
        }
        self.init(address, prefixLength: UInt8(length))
    }

    /// As `10.8.0.1/24`.
    public var description: String {
        "\(address)/\(prefixLength)"
    }
}
