internal import LinuxSystem
internal import NetworkTypes

/// One connection: two sockets, and what is on its way between them.
///
/// Inside it goes to the first of some places where somebody listens; where nobody does, the one outside is told by a reset.
final class ForwardedConnection {
    private static let capacity = 1 << 16
    private let outside: FileDescriptor
    private var inside: FileDescriptor?
    /// Where else somebody may listen, nearest last; nil once somebody does.
    private var otherPlaces: [Endpoint]?
    private var forth = Direction()
    private var back = Direction()

    struct Direction {
        var bytes: [UInt8] = []
        var isAtEnd = false
        var hasTold = false
        var isBroken = false
    }

    init(_ outside: consuming FileDescriptor, to places: [Endpoint]) {
        self.outside = outside
        otherPlaces = places.reversed()
        tryNextPlace()
    }

    var isOver: Bool { forth.isBroken || back.isBroken || forth.hasTold && back.hasTold }

    var interests: [DescriptorPoll.Interest] {
        let end =
            switch inside {
            case .some(let socket): socket.rawValue
            case .none: Int32(-1)
            }
        guard otherPlaces == nil else { return [.init(-1), .init(end, reading: false, writing: true)] }
        return [interest(outside.rawValue, forth, back), interest(end, back, forth)]
    }

    /// An end of which nothing is wanted isn't asked about: it would say again and again that the other side has gone.
    private func interest(_ end: Int32, _ from: Direction, _ to: Direction) -> DescriptorPoll.Interest {
        let (reads, writes) = (from.bytes.isEmpty && !from.isAtEnd, !to.bytes.isEmpty)
        return .init(reads || writes ? end : -1, reading: reads, writing: writes)
    }

    /// Goes as far as it can without waiting.
    func advance() {
        while otherPlaces != nil, !isOver {
            switch connectionProgress {
            case .underWay: return
            case .connected: otherPlaces = nil
            case .failed: tryNextPlace()
            }
        }
        // What reads from a socket that never was connected would say that it is at its end.
        guard !isOver else { return }
        switch inside {
        case .some(let socket):
            Self.move(outside, socket, &forth)
            Self.move(socket, outside, &back)
        case .none: break
        }
    }

    private var connectionProgress: TCPSocket.Progress {
        switch inside {
        case .some(let socket): TCPSocket.progress(of: socket)
        case .none: .failed
        }
    }

    private func tryNextPlace() {
        while let place = otherPlaces?.popLast() {
            guard let socket = try? TCPSocket.connect(to: place) else { continue }
            inside = consume socket
            return
        }
        forth.isBroken = true
        TCPSocket.resetOnClose(outside.rawValue)
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
