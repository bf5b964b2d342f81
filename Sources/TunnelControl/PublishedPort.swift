internal import LinuxSystem
public import NetworkTypes

/// A port inside of a tunnel's own namespace that can be reached from outside.
public struct PublishedPort: Hashable, Sendable {
    /// Where connections are taken in, outside.
    public var outside: Endpoint
    /// Where they go, inside.
    public var inside: UInt16

    /// Reads `8080:80`, `80` (the same port outside), `ADDRESS:8080:80` or `[ADDRESS]:8080:80`; without an address only this machine can
    /// connect (127.0.0.1).
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else {
            guard let port = UInt16(text), port > 0 else { return nil }
            self.init(outside: Endpoint(address: Self.loopback, port: port), inside: port)
            return
        }
        guard let inside = UInt16(text[text.index(after: colon)...]), inside > 0 else { return nil }
        let place = text[..<colon]
        if let port = UInt16(place), port > 0 {
            self.init(outside: Endpoint(address: Self.loopback, port: port), inside: inside)
        } else {
            guard let outside = Endpoint(place), outside.port > 0 else { return nil }
            self.init(outside: outside, inside: inside)
        }
    }

    init(outside: Endpoint, inside: UInt16) {
        self.outside = outside
        self.inside = inside
    }

    private static let loopback = IPAddress.v4(IPv4Address(rawValue: 0x7f00_0001))

    /// Listens outside.
    func listen() throws(SetupError) -> FileDescriptor {
        do throws(SystemError) {
            return try TCPSocket.listen(at: outside)
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
