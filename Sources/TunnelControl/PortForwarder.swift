internal import LinuxSystem
internal import NetworkTypes

/// Takes connections in at sockets that listen outside of a namespace, and carries their bytes to ports inside of it, where it runs.
final class PortForwarder {
    /// Connections at a time; more wait in the listeners' queues.
    private static let mostConnections = 256
    private let listeners: [(socket: Int32, port: UInt16)]
    private let candidates: [IPAddress]
    private var connections: [ForwardedConnection] = []

    /// - Parameters:
    ///   - sockets: they listen; they are this object's, and stay open as long as the process.
    ///   - addresses: the tunnel's own, tried where nothing listens on the loopback interface.
    init(_ sockets: [(socket: Int32, port: UInt16)], addresses: [IPAddress]) {
        listeners = sockets
        candidates = [.v4(IPv4Address(rawValue: 0x7f00_0001)), .v6(IPv6Address(high: 0, low: 1))] + addresses
    }

    /// What to poll.
    var interests: [DescriptorPoll.Interest] {
        listeners.map { .init($0.socket, reading: connections.count < Self.mostConnections) } + connections.flatMap(\.interests)
    }

    /// Goes as far as it can without waiting.
    /// - Parameter ready: as polled for ``interests``.
    func advance(_ ready: ArraySlice<Bool>) {
        for connection in connections { connection.advance() }
        connections.removeAll(where: \.isOver)
        for (listener, isReady) in zip(listeners, ready) where isReady { accept(listener.socket, listener.port) }
    }

    private func accept(_ listener: Int32, _ port: UInt16) {
        while connections.count < Self.mostConnections, let outside = (try? UnixSocket.accept(listener, nonBlocking: true)) ?? nil {
            guard let inside = connect(port) else { continue }
            connections.append(ForwardedConnection(outside, inside))
        }
    }

    private func connect(_ port: UInt16) -> FileDescriptor? {
        for address in candidates {
            if let socket = try? TCPSocket.connect(to: Endpoint(address: address, port: port)) { return socket }
        }
        return nil
    }
}

/// One connection: two sockets, and what is on its way between them.
private final class ForwardedConnection {
    private static let capacity = 1 << 16
    private let outside: FileDescriptor
    private let inside: FileDescriptor
    private var forth = Direction()
    private var back = Direction()

    struct Direction {
        var bytes: [UInt8] = []
        var isAtEnd = false
        var hasTold = false
        var isBroken = false
    }

    init(_ outside: consuming FileDescriptor, _ inside: consuming FileDescriptor) {
        self.outside = outside
        self.inside = inside
    }

    var isOver: Bool { forth.isBroken || back.isBroken || forth.hasTold && back.hasTold }

    var interests: [DescriptorPoll.Interest] {
        [interest(outside.rawValue, forth, back), interest(inside.rawValue, back, forth)]
    }

    /// An end of which nothing is wanted isn't asked about: it would say again and again that the other side has gone.
    private func interest(_ end: Int32, _ from: Direction, _ to: Direction) -> DescriptorPoll.Interest {
        let (reads, writes) = (from.bytes.isEmpty && !from.isAtEnd, !to.bytes.isEmpty)
        return .init(reads || writes ? end : -1, reading: reads, writing: writes)
    }

    func advance() {
        Self.move(outside, inside, &forth)
        Self.move(inside, outside, &back)
    }

    private static func move(_ from: borrowing FileDescriptor, _ to: borrowing FileDescriptor, _ direction: inout Direction) {
        while !direction.isBroken {
            if direction.bytes.isEmpty, !direction.isAtEnd {
                var result = TransferResult.wouldBlock
                direction.bytes = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                    // SAFETY: as many bytes are initialized as were read.
                    unsafe result = from.receive(into: UnsafeMutableRawBufferPointer(buffer))
                    if case .moved(let moved) = result { count = moved }
                }
                switch result {
                case .moved(0): direction.isAtEnd = true
                case .moved: break
                case .wouldBlock: return
                case .failed: direction.isBroken = true
                }
            }
            if direction.bytes.isEmpty {
                if direction.isAtEnd, !direction.hasTold {
                    direction.hasTold = true
                    TCPSocket.endWriting(to.rawValue)
                }
                return
            }
            switch unsafe direction.bytes.withUnsafeBytes({ unsafe to.send($0) }) {
            case .moved(let moved): direction.bytes.removeFirst(moved)
            case .wouldBlock: return
            case .failed: direction.isBroken = true
            }
        }
    }
}
