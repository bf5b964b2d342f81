internal import LinuxSystem
public import NetworkTypes

/// A port inside of a tunnel's own namespace: what a service there listens at.
public struct InsidePort: Hashable, Sendable, CustomStringConvertible {
    /// What is carried to it.
    public enum Transport: String, Hashable, Sendable {
        /// Connections.
        case tcp
        /// Datagrams, each sender's for itself.
        case udp
    }

    /// The port's number, never 0.
    public var number: UInt16
    /// What is carried there.
    public var transport: Transport

    init(_ number: UInt16, _ transport: Transport = .tcp) {
        self.number = number
        self.transport = transport
    }

    /// Reads `80`, `80/tcp` or `53/udp`.
    init?(_ text: Substring) {
        let words = text.split(separator: "/", omittingEmptySubsequences: false)
        guard words.count <= 2, let number = UInt16(words[0]), number > 0,
            let transport = words.count == 1 ? .tcp : Transport(rawValue: String(words[1]))
        else { return nil }
        self.init(number, transport)
    }

    /// `80/tcp`.
    public var description: String { "\(number)/\(transport.rawValue)" }
}

/// A port inside of a tunnel's own namespace that can be reached from outside.
public struct PublishedPort: Hashable, Sendable {
    /// Where connections or datagrams are taken in, outside.
    public var outside: Endpoint
    /// Where they go, inside.
    public var inside: InsidePort

    /// Reads `8080:80`, `80` (the same port outside), `ADDRESS:8080:80` or `[ADDRESS]:8080:80`, each with `/udp` behind it for datagrams;
    /// without an address only this machine can connect (127.0.0.1).
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else {
            guard let port = InsidePort(text[...]) else { return nil }
            self.init(outside: Endpoint(address: Self.loopback, port: port.number), inside: port)
            return
        }
        guard let inside = InsidePort(text[text.index(after: colon)...]) else { return nil }
        let place = text[..<colon]
        if let port = UInt16(place), port > 0 {
            self.init(outside: Endpoint(address: Self.loopback, port: port), inside: inside)
        } else {
            guard let outside = Endpoint(place), outside.port > 0 else { return nil }
            self.init(outside: outside, inside: inside)
        }
    }

    init(outside: Endpoint, inside: InsidePort) {
        self.outside = outside
        self.inside = inside
    }

    private static let loopback = IPAddress.v4(IPv4Address(rawValue: 0x7f00_0001))

    /// Listens outside.
    func listen() throws(SetupError) -> FileDescriptor {
        do throws(SystemError) {
            switch inside.transport {
            case .tcp: return try TCPSocket.listen(at: outside)
            case .udp: return try DatagramPort.listen(at: outside).take()
            }
        } catch {
            let step = "publish port \(inside) at \(outside)"
            if error.isAddressInUse { throw SetupError(step, "that port is in use", remedy: "choose another one before the colon") }
            if error.isPermissionDenied {
                throw SetupError(step, "ports below 1024 take a privilege", remedy: "choose a port from 1024 up before the colon")
            }
            throw SetupError(step, "\(error)", remedy: "the address is one of this machine's?")
        }
    }
}
