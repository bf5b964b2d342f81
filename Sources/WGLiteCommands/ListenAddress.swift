public import ArgumentParser
public import NetworkTypes

/// Where `wg-lite serve` listens: `ADDRESS:PORT`, `[ADDRESS]:PORT` or `unix:PATH`.
public enum ListenAddress: Hashable, Sendable {
    case internet(Endpoint)
    /// The path of a local socket.
    case local(String)

    /// The port that exporters of WireGuard's metrics use.
    public static let defaultPort: UInt16 = 9586
    public static let standard = ListenAddress.internet(Endpoint(address: .v4(IPv4Address(rawValue: 0x7f00_0001)), port: defaultPort))

    /// Whether only programs on this machine come in.
    public var isPrivate: Bool {
        switch self {
        case .local: true
        case .internet(let endpoint):
            switch endpoint.address {
            case .v4(let address): address.rawValue >> 24 == 127
            case .v6(let address): address.high == 0 && address.low == 1
            }
        }
    }
}

extension ListenAddress: ExpressibleByArgument, CustomStringConvertible {
    public init?(argument: String) {
        if argument.hasPrefix("unix:") {
            let path = String(argument.dropFirst("unix:".count))
            // sun_path has 108 bytes, the last of which is zero (unix(7)).
            guard (1...107).contains(path.utf8.count) else { return nil }
            self = .local(path)
            return
        }
        guard let endpoint = Endpoint(argument), endpoint.port != 0 else { return nil }
        self = .internet(endpoint)
    }

    public var description: String {
        switch self {
        case .internet(let endpoint): "\(endpoint)"
        case .local(let path): "unix:\(path)"
        }
    }

    public var defaultValueDescription: String { description }
}
