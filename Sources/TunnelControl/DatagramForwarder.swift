internal import LinuxSystem
internal import NetworkTypes

/// Takes datagrams in at a socket outside of a namespace and carries them to a port inside of it, where it runs; answers go back to whoever sent.
///
/// Nothing says where a service listens for datagrams: for each sender the first of some places that doesn't refuse one is taken.
final class DatagramForwarder {
    /// Senders at a time; a new one takes the place of the one that was silent longest.
    static let mostSenders = 256
    /// Datagrams taken from one socket before others have their turn.
    private static let turn = 64
    private let outside: DatagramPort
    private let places: [Endpoint]
    private var exchanges: [Endpoint: Exchange] = [:]
    /// Counts datagrams, to know what was used last.
    private var clock: UInt64 = 0

    /// - Parameters:
    ///   - outside: a socket that listens.
    ///   - places: where the service may listen, in the order in which they are tried.
    init(_ outside: consuming DatagramPort, to places: [Endpoint]) {
        self.outside = outside
        self.places = places
    }

    /// What to poll.
    var interests: [DescriptorPoll.Interest] { [.init(outside.rawValue)] + exchanges.values.map { .init($0.descriptor) } }

    /// Goes as far as it can without waiting, or until others should have their turn.
    /// - Parameter ready: as polled for ``interests``.
    func advance(_ ready: ArraySlice<Bool>) {
        for (exchange, isReady) in zip(exchanges.values, ready.dropFirst()) where isReady { carryBack(exchange) }
        guard ready.first ?? false else { return }
        for _ in 0..<Self.turn {
            switch outside.receive() {
            case .datagram(let bytes, let sender): carryForth(bytes, sender)
            case .nothing, .refused: return
            }
        }
    }

    private func carryForth(_ bytes: [UInt8], _ sender: Endpoint) {
        let exchange = exchange(of: sender)
        clock += 1
        exchange.lastUse = clock
        if !exchange.ask(bytes) { exchanges[sender] = nil }
    }

    private func carryBack(_ exchange: Exchange) {
        for _ in 0..<Self.turn {
            switch exchange.receive() {
            case .datagram(let bytes, _): outside.send(bytes, to: exchange.sender)
            case .nothing: return
            // Its next datagram tries all places again: the service may have been started meanwhile.
            case .refused:
                exchanges[exchange.sender] = nil
                return
            }
        }
    }

    private func exchange(of sender: Endpoint) -> Exchange {
        if let known = exchanges[sender] { return known }
        if exchanges.count >= Self.mostSenders, let oldest = exchanges.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            exchanges[oldest.key] = nil
        }
        let new = Exchange(sender, places)
        exchanges[sender] = new
        return new
    }
}

/// What one sender outside has with the service inside.
private final class Exchange {
    let sender: Endpoint
    var lastUse: UInt64 = 0
    /// Where else somebody may listen, nearest last.
    private var otherPlaces: [Endpoint]
    private var socket: DatagramPort?
    /// The last datagram; nil once there was an answer.
    private var question: [UInt8]? = []

    init(_ sender: Endpoint, _ places: [Endpoint]) {
        self.sender = sender
        otherPlaces = places.reversed()
        socket = nil
        goOn()
    }

    var descriptor: Int32 {
        switch socket {
        case .some(let socket): socket.rawValue
        case .none: -1
        }
    }

    /// Sends a datagram to the place where somebody listens, as far as that is known.
    /// - Returns: false when nobody does.
    func ask(_ bytes: [UInt8]) -> Bool {
        if question != nil { question = bytes }
        repeat {
            switch socket {
            case .some(let socket): if socket.send(bytes) { return true }
            case .none: return false
            }
        } while goOn()
        return false
    }

    /// The next answer, or what the question met.
    func receive() -> DatagramPort.Arrival {
        while true {
            let arrival: DatagramPort.Arrival =
                switch socket {
                case .some(let socket): socket.receive()
                case .none: .refused
                }
            switch arrival {
            case .datagram: question = nil
            case .nothing: break
            case .refused: if let question, goOn(), ask(question) { continue }
            }
            return arrival
        }
    }

    /// Turns to the next place that can be reached.
    @discardableResult
    private func goOn() -> Bool {
        while let place = otherPlaces.popLast() {
            guard let port = try? DatagramPort.connect(to: place) else { continue }
            socket = consume port
            return true
        }
        socket = nil
        return false
    }
}
