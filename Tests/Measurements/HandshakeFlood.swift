internal import LinuxSystem
internal import NetworkTypes
import SeededRandom
internal import TunnelConfiguration
internal import WireGuardCrypto
internal import WireGuardProtocol

/// Loads a WireGuard responder of any make over the network, from many source ports, and counts its answers. A client of the protocol
/// as others would write one: it knows the responder's public key, and is configured there with as many peers as it plays.
enum HandshakeFlood {
    private enum Kind: String {
        /// Handshakes of the configured peers, a bounded number under way at a time: how many are completed?
        case handshakes
        /// Initiations of nobody, whose first MAC is right: each costs a scalar multiplication, or a cookie.
        case mac1
        /// Initiations of which nothing is right.
        case garbage
    }

    /// The keys of the peers that are played: the same ones for the same seed.
    static func keys(_ arguments: Arguments) -> [PrivateKey] {
        var generator = SplitMix64(seed: UInt64(arguments.number("seed", default: 1)))
        return (0..<arguments.number("peers", default: 1000)).map { _ in PrivateKey.random(using: &generator) }
    }

    /// Prints the peers as the responder is to be configured with them.
    static func printPeers(_ arguments: Arguments) -> Bool {
        for (number, key) in keys(arguments).enumerated() {
            let address = IPv4Address(rawValue: 0x0a64_0000 + UInt32(number))
            print("[Peer]\nPublicKey = \(key.publicKey.base64)\nAllowedIPs = \(address)/32\n")
        }
        return true
    }

    static func run(_ arguments: Arguments) -> Bool {
        guard let kind = Kind(rawValue: arguments.text("kind", default: "handshakes")),
            let target = Endpoint(arguments.text("to")), let responder = try? PublicKey(base64: arguments.text("key"))
        else {
            print(
                "usage: measure flood --to ADDRESS:PORT --key PUBLICKEY --kind handshakes|mac1|garbage [--peers N] [--seconds S] [--rate N]"
            )
            return false
        }
        do {
            var flood = try Flood(target, sockets: arguments.number("sockets", default: 64))
            let seconds = arguments.number("seconds", default: 3)
            switch kind {
            case .handshakes:
                let messages = initiations(keys(arguments), to: responder, count: arguments.number("messages", default: 20_000))
                flood.handshakes(messages, seconds: seconds, inFlight: arguments.number("in-flight", default: 64))
            case .mac1, .garbage:
                flood.pour(
                    junk(hasMAC1: kind == .mac1, to: responder), seconds: seconds, rate: arguments.number("rate", default: 20_000))
            }
            flood.report()
            return true
        } catch {
            print("measure: \(error)")
            return false
        }
    }

    /// Initiations in turn of all peers, each peer's later than its one before.
    private static func initiations(_ keys: [PrivateKey], to responder: PublicKey, count: Int) -> [[UInt8]] {
        var generator = SystemRandomNumberGenerator()
        let identities = keys.map { LocalIdentity(privateKey: $0) }
        let remotes = identities.map { RemoteIdentity(publicKey: responder, presharedKey: .zero, local: $0) }
        let now = Clock.unixNanoseconds
        return (0..<count).compactMap { number in
            let (peer, round) = (number % keys.count, number / keys.count)
            let creation = InitiationCreation(
                local: identities[peer], remote: remotes[peer], senderIndex: UInt32(number),
                timestamp: TAI64N(unixNanoseconds: now + UInt64(round) * 1_000_000_000), using: &generator)
            guard let created = try? creation.perform() else { return nil }
            return unsafe created.message.withUnsafeBytes { unsafe [UInt8]($0) }
        }
    }

    /// Initiations that lead nowhere.
    private static func junk(hasMAC1: Bool, to responder: PublicKey) -> [[UInt8]] {
        var generator = SplitMix64(seed: 3)
        // Whitepaper, section 5.4.4.
        let label = unsafe Array("mac1----".utf8) + responder.withUnsafeBytes { unsafe [UInt8]($0) }
        var key = [UInt8](repeating: 0, count: 32)
        unsafe key.withUnsafeMutableBytes { key in
            unsafe label.withUnsafeBytes { unsafe BLAKE2s.hash($0, into: key.baseAddress!) }
        }
        return (0..<4096).map { _ in
            var message: [UInt8] = [1, 0, 0, 0] + (0..<144).map { _ in UInt8.random(in: 0...255, using: &generator) }
            guard hasMAC1 else { return message }
            unsafe message.withUnsafeMutableBytes { bytes in
                unsafe key.withUnsafeBytes { key in
                    unsafe BLAKE2s.hash(
                        UnsafeRawBufferPointer(rebasing: bytes[..<116]), key: key, digestLength: 16, into: bytes.baseAddress! + 116)
                }
            }
            return message
        }
    }
}

/// The sockets of a flood and what came of it.
private struct Flood: ~Copyable {
    private let target: Endpoint
    private let sockets: [UDPSocket]
    private let poller: Poller
    private var queue: DatagramSendQueue
    private var batch = DatagramReceiveBatch(capacity: 16)
    private var sent = 0
    private var responses = 0
    private var cookies = 0
    private var elapsed = 1.0

    init(_ target: Endpoint, sockets count: Int) throws(SystemError) {
        var family = AddressFamily.v4
        if case .v6 = target.address { family = .v6 }
        let poller = try Poller()
        var sockets: [UDPSocket] = []
        for _ in 0..<max(1, count) {
            let socket = try UDPSocket(family: family, port: 0, mark: 0)
            try poller.add(socket.descriptor, token: sockets.count % 64)
            sockets.append(socket)
        }
        self.target = target
        self.poller = poller
        self.sockets = sockets
        queue = DatagramSendQueue(capacity: 64, family: family)
    }

    /// Sends the messages in order, at most `limit` unanswered at a time; what isn't answered in 100 ms is given up.
    mutating func handshakes(_ messages: [[UInt8]], seconds: Int, inFlight limit: Int) {
        let start = Clock.now
        var underWay = 0
        for message in messages {
            guard Clock.now.since(start) < .seconds(UInt64(seconds)) else { break }
            while underWay >= limit {
                let before = responses + cookies
                if receive(waiting: .milliseconds(100)) == 0 { underWay = 0 }
                underWay = max(0, underWay - (responses + cookies - before))
            }
            send(message[...], through: sockets[sent % sockets.count])
            sent += 1
            underWay += 1
        }
        while receive(waiting: .milliseconds(100)) > 0 {}
        elapsed = Double(Clock.now.since(start).nanoseconds) / 1e9
    }

    /// Sends the messages again and again, so many a second, whatever is answered.
    mutating func pour(_ messages: [[UInt8]], seconds: Int, rate: Int) {
        let start = Clock.now
        while true {
            let passed = Clock.now.since(start)
            guard passed < .seconds(UInt64(seconds)) else { break }
            let due = Int(Double(passed.nanoseconds) / 1e9 * Double(rate))
            while sent < due {
                send(messages[sent % messages.count][...], through: sockets[sent / 16 % sockets.count])
                sent += 1
            }
            _ = receive(waiting: .milliseconds(1))
        }
        elapsed = Double(Clock.now.since(start).nanoseconds) / 1e9
    }

    private mutating func send(_ message: ArraySlice<UInt8>, through socket: UDPSocket) {
        unsafe message.withUnsafeBytes { bytes in
            _ = queue.begin(target, from: nil)
            _ = unsafe queue.append(bytes.baseAddress!, count: bytes.count, trafficClass: 0)
            _ = queue.flush(to: socket, now: Clock.now)
        }
    }

    /// Counts what has come.
    private mutating func receive(waiting limit: Interval) -> Int {
        guard poller.wait(for: limit) != 0 else { return 0 }
        var datagrams = 0
        for socket in sockets {
            while batch.receive(from: socket) > 0 {
                for index in 0..<batch.count {
                    let message = batch.message(at: index)
                    let bytes = unsafe message.bytes
                    for start in stride(from: 0, to: bytes.count, by: message.segmentSize) {
                        datagrams += 1
                        switch unsafe bytes[start] {
                        case MessageKind.handshakeResponse.rawValue: responses += 1
                        case MessageKind.cookieReply.rawValue: cookies += 1
                        default: break
                        }
                    }
                }
            }
        }
        return datagrams
    }

    /// Prints one line of JSON.
    func report() {
        let milliseconds = Int(elapsed * 1000)
        print("{\"sent\": \(sent), \"responses\": \(responses), \"cookies\": \(cookies), \"milliseconds\": \(milliseconds)}")
    }
}
