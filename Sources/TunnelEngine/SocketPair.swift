import LinuxSystem
import NetworkTypes

/// The UDP sockets of a tunnel: one for each address family, on the same port.
///
/// An address family that the system lacks leaves its socket out; at least one is there. The pair is replaced as a whole when
/// the port changes.
final class SocketPair: Sendable {
    let v4: UDPSocket?
    let v6: UDPSocket?
    /// The port both listen on.
    let port: UInt16

    /// Those of them that aren't closed yet.
    let openSockets: OpenSocketCount

    /// Binds both sockets.
    /// - Parameters:
    ///   - port: 0 lets the kernel choose; then another choice is tried while the other family's port is taken.
    ///   - mark: the firewall mark on what is sent; 0 for none.
    /// - Throws: EADDRINUSE when the port is taken, or the error of IPv4 when neither family works.
    init(port: UInt16, mark: UInt32) throws(SystemError) {
        openSockets = OpenSocketCount()
        var attempt = 0
        while true {
            let (v4, v4Error) = Self.open(.v4, port, mark, openSockets)
            let (v6, v6Error) = Self.open(.v6, v4?.port ?? port, mark, openSockets)
            if let error = v6Error, error.isAddressInUse, port == 0, attempt < 100 {
                attempt += 1
                continue
            }
            for error in [v4Error, v6Error] {
                if let error, !error.isFamilyUnsupported { throw error }
            }
            guard let bound = v4?.port ?? v6?.port else { throw v4Error! }
            self.v4 = v4
            self.v6 = v6
            self.port = bound
            return
        }
    }

    /// No sockets, on a port that is to be taken again.
    init(closedOn port: UInt16) {
        v4 = nil
        v6 = nil
        openSockets = OpenSocketCount()
        self.port = port
    }

    var isClosed: Bool { v4 == nil && v6 == nil }

    private static func open(
        _ family: AddressFamily, _ port: UInt16, _ mark: UInt32, _ openSockets: OpenSocketCount
    ) -> (UDPSocket?, SystemError?) {
        do {
            return (try UDPSocket(family: family, port: port, mark: mark, countedBy: openSockets), nil)
        } catch {
            return (nil, error)
        }
    }

    func setMark(_ mark: UInt32) throws(SystemError) {
        try v4?.setMark(mark)
        try v6?.setMark(mark)
    }
}
