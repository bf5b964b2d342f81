internal import LinuxSystem
internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelCore
internal import WireGuardCrypto
internal import WireGuardProtocol

/// Thousands of whole peers that all begin a handshake with one responder at the same moment, as after its restart, and go on as peers do:
/// they answer cookies, ask again after five seconds, and confirm their sessions. How long until all are connected?
enum HandshakeCrowd {
    static func run(_ arguments: Arguments) -> Bool {
        guard let target = Endpoint(arguments.text("to")), let responder = try? PublicKey(base64: arguments.text("key")) else {
            print("usage: measure crowd --to ADDRESS:PORT --key PUBLICKEY [--peers N] [--seconds S]")
            return false
        }
        do {
            var crowd = try Crowd(HandshakeFlood.keys(arguments), responder, at: target)
            crowd.live(seconds: arguments.number("seconds", default: 60))
            crowd.report()
            return true
        } catch {
            print("measure: \(error)")
            return false
        }
    }
}

/// The peers of a crowd, each a tunnel of its own behind one of a few sockets.
private struct Crowd: ~Copyable {
    private static let socketCount = 64

    private final class Member {
        var tunnel: Tunnel
        var isConnected = false

        init(_ tunnel: consuming Tunnel) {
            self.tunnel = tunnel
        }
    }

    private let target: Endpoint
    private let sockets: [UDPSocket]
    private let poller: Poller
    private var queue = DatagramSendQueue(capacity: 64, family: .v4)
    private var batch = DatagramReceiveBatch(capacity: 16)
    private let cipher = TransportCipher(.libsodium)
    private var generator = BufferedSystemRandom()
    private var members: [Member] = []
    /// Whose the receiver indices are.
    private var owners: [UInt32: Int] = [:]
    private var sent = 0
    private var cookies = 0
    private var connectedAt: [Interval] = []
    private var start = Clock.now

    init(_ keys: [PrivateKey], _ responder: PublicKey, at target: Endpoint) throws(SystemError) {
        self.target = target
        let poller = try Poller()
        var sockets: [UDPSocket] = []
        for number in 0..<Self.socketCount {
            let socket = try UDPSocket(family: .v4, port: 0, mark: 0)
            try poller.add(socket.descriptor, token: number)
            sockets.append(socket)
        }
        self.poller = poller
        self.sockets = sockets
        let time = TimePoint(now: Clock.now, unixNanoseconds: Clock.unixNanoseconds)
        for (number, key) in keys.enumerated() {
            var tunnel = Tunnel(mtu: 1420, seed: UInt64(number))
            var peer = PeerUpdate(publicKey: responder)
            peer.endpoint = target
            var update = TunnelUpdate()
            update.privateKey = .some(key)
            update.peers = [peer]
            tunnel.apply(update, at: time)
            members.append(Member(tunnel))
        }
    }

    /// All begin, and go on until they are connected or the time is over.
    mutating func live(seconds: Int) {
        start = Clock.now
        let end = start + .seconds(UInt64(seconds))
        for (number, member) in members.enumerated() {
            member.tunnel.beginHandshakes(atMost: 1, at: now)
            attend(number)
            // Their own work is not to keep them from reading: each is a machine of its own.
            if number % 64 == 63 { receive(waiting: .milliseconds(0)) }
        }
        while connectedAt.count < members.count, Clock.now < end {
            receive(waiting: .milliseconds(20))
            let now = Clock.now
            for (number, member) in members.enumerated() where !member.isConnected && member.tunnel.nextDeadline <= now { attend(number) }
        }
    }

    private var now: TimePoint { TimePoint(now: Clock.now, unixNanoseconds: Clock.unixNanoseconds) }

    /// What a member's timers ask for.
    private mutating func attend(_ number: Int) {
        let attention = members[number].tunnel.attend(at: now, using: &generator)
        carryOut(attention, of: number)
    }

    private mutating func carryOut(_ attention: Attention, of number: Int) {
        var attention = attention
        while true {
            for datagram in attention.datagrams { send(datagram.bytes, of: number) }
            attention.datagrams = []
            guard let step = attention.steps.popLast() else { break }
            let more = members[number].tunnel.resume(step.perform(), at: now, using: &generator)
            attention.datagrams += more.datagrams
            attention.steps += more.steps
        }
        confirm(number)
    }

    /// Sends what a new session's first message is: an empty one, which tells the responder that it holds.
    private mutating func confirm(_ number: Int) {
        let member = members[number]
        guard member.tunnel.needsSending else { return }
        var messages: [[UInt8]] = []
        unsafe withUnsafeTemporaryAllocation(byteCount: Tunnel.largestOwedMessage, alignment: 64) { room in
            while let message = unsafe member.tunnel.nextOwed(into: room, at: now) {
                let job = message.job
                var jobs = [job.cipherJob]
                unsafe jobs.withUnsafeMutableBufferPointer { unsafe cipher.perform($0.baseAddress!, count: 1) }
                messages.append(unsafe [UInt8](UnsafeRawBufferPointer(start: job.message, count: job.messageCount)))
            }
        }
        member.tunnel.finishOutbound(at: now)
        for message in messages { send(message, of: number) }
        guard !member.isConnected, !messages.isEmpty else { return }
        member.isConnected = true
        connectedAt.append(Clock.now.since(start))
    }

    private mutating func send(_ bytes: [UInt8], of number: Int) {
        if bytes[0] == MessageKind.handshakeInitiation.rawValue { owners[Self.word(bytes, at: 4)] = number }
        let socket = sockets[number % Self.socketCount]
        sent += 1
        unsafe bytes.withUnsafeBytes { memory in
            _ = queue.begin(target, from: nil)
            _ = unsafe queue.append(memory.baseAddress!, count: memory.count, trafficClass: 0)
            _ = queue.flush(to: socket, now: Clock.now)
        }
    }

    private mutating func receive(waiting limit: Interval) {
        guard poller.wait(for: limit) != 0 else { return }
        for socket in sockets {
            while batch.receive(from: socket) > 0 {
                for index in 0..<batch.count {
                    let message = batch.message(at: index)
                    let bytes = unsafe message.bytes
                    for first in stride(from: 0, to: bytes.count, by: message.segmentSize) {
                        let end = min(first + message.segmentSize, bytes.count)
                        take(unsafe [UInt8](bytes[first..<end]))
                    }
                }
            }
        }
    }

    private mutating func take(_ bytes: [UInt8]) {
        guard bytes.count >= 12 else { return }
        let offset: Int
        switch bytes[0] {
        case MessageKind.handshakeResponse.rawValue: offset = 8
        case MessageKind.cookieReply.rawValue:
            offset = 4
            cookies += 1
        default: return
        }
        guard let number = owners[Self.word(bytes, at: offset)],
            let datagram = unsafe bytes.withUnsafeBytes({ unsafe HandshakeDatagram($0, from: target, at: nil) }),
            let step = members[number].tunnel.receive(datagram, at: now)
        else { return }
        var attention = Attention()
        attention.steps = [step]
        carryOut(attention, of: number)
    }

    private static func word(_ bytes: [UInt8], at offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * UInt32($1)) }
    }

    /// Prints one line of JSON.
    func report() {
        func milliseconds(_ share: Double) -> String {
            let index = Int((Double(members.count) * share).rounded(.up)) - 1
            return index < connectedAt.count ? "\(connectedAt[max(0, index)].nanoseconds / 1_000_000)" : "null"
        }
        print(
            "{\"connected\": \(connectedAt.count), \"of\": \(members.count), \"half_ms\": \(milliseconds(0.5)), \"99_ms\": \(milliseconds(0.99)), \"all_ms\": \(milliseconds(1)), \"cookies\": \(cookies), \"sent\": \(sent)}"
        )
    }
}
