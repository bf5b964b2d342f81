internal import LinuxSystem
internal import NetworkTypes

/// Takes connections and datagrams in at sockets that listen outside of a namespace, and carries them to ports inside of it, where it runs.
final class PortForwarder {
    /// Connections at a time; more wait in the listeners' queues.
    private static let mostConnections = 256
    private let listeners: [(socket: Int32, port: UInt16)]
    private let candidates: [IPAddress]
    private var connections: [ForwardedConnection] = []
    private let datagrams: [DatagramForwarder]

    /// - Parameters:
    ///   - sockets: they listen; they are this object's, and stay open as long as the process.
    ///   - addresses: the tunnel's own, tried where nothing listens on the loopback interface.
    init(_ sockets: [(socket: Int32, port: InsidePort)], addresses: [IPAddress]) {
        let candidates = [.v4(IPv4Address(rawValue: 0x7f00_0001)), .v6(IPv6Address(high: 0, low: 1))] + addresses
        listeners = sockets.filter { $0.port.transport == .tcp }.map { ($0.socket, $0.port.number) }
        datagrams = sockets.filter { $0.port.transport == .udp }.map { socket, port in
            DatagramForwarder(
                DatagramPort(owning: FileDescriptor(owning: socket)), to: candidates.map { Endpoint(address: $0, port: port.number) })
        }
        self.candidates = candidates
    }

    /// What to poll.
    var interests: [DescriptorPoll.Interest] {
        listeners.map { .init($0.socket, reading: connections.count < Self.mostConnections) } + datagrams.flatMap(\.interests)
            + connections.flatMap(\.interests)
    }

    /// Goes as far as it can without waiting.
    /// - Parameter ready: as polled for ``interests``.
    func advance(_ ready: ArraySlice<Bool>) {
        var rest = ready
        let listening = rest.prefix(listeners.count)
        rest = rest.dropFirst(listeners.count)
        for forwarder in datagrams {
            let count = forwarder.interests.count
            forwarder.advance(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        for connection in connections { connection.advance() }
        connections.removeAll(where: \.isOver)
        for (listener, isReady) in zip(listeners, listening) where isReady { accept(listener.socket, listener.port) }
    }

    private func accept(_ listener: Int32, _ port: UInt16) {
        while connections.count < Self.mostConnections, let outside = (try? UnixSocket.accept(listener, nonBlocking: true)) ?? nil {
            connections.append(ForwardedConnection(outside, to: candidates.map { Endpoint(address: $0, port: port) }))
        }
    }
}
