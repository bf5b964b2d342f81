internal import NetworkTypes
internal import TunnelCore
internal import WireGuardCrypto
internal import WireGuardProtocol

/// A tunnel without sockets and clock, whose handshake steps are performed at once: what the engine does, on one processor.
struct SimulatedTunnel: ~Copyable {
    var tunnel = Tunnel(mtu: 1420, seed: 1)
    let key: PrivateKey
    private var generator = SystemRandomNumberGenerator()
    private let identity: LocalIdentity
    private var gate: HandshakeGate

    init(_ key: PrivateKey, at time: TimePoint) {
        self.key = key
        identity = LocalIdentity(privateKey: key)
        gate = HandshakeGate(at: time.now, using: &generator)
        var update = TunnelUpdate()
        update.privateKey = .some(key)
        tunnel.apply(update, at: time)
    }

    /// The endpoint of the peer with a number.
    static func endpoint(_ number: Int) -> Endpoint {
        Endpoint(address: .v4(IPv4Address(rawValue: 0x0b00_0000 + UInt32(number))), port: 51820)
    }

    /// The inner address of the peer with a number.
    static func inner(_ number: Int) -> UInt32 { 0x0a00_0000 + UInt32(number) }

    /// Adds a peer and the prefixes that lead to it.
    mutating func add(_ peer: PublicKey, number: Int, prefixes: [IPPrefix]? = nil, at time: TimePoint) {
        var change = PeerUpdate(publicKey: peer)
        change.endpoint = Self.endpoint(number)
        change.allowedIPs = (prefixes ?? [IPPrefix(.v4(IPv4Address(rawValue: Self.inner(number))), length: 32)]).map { AllowedIPChange($0) }
        var update = TunnelUpdate()
        update.peers = [change]
        tunnel.apply(update, at: time)
    }

    /// Asks for a session with the peer that takes an address; returns the datagrams that this makes.
    mutating func initiate(to address: UInt32, at time: TimePoint) -> [OutgoingDatagram] {
        unsafe withUnsafeTemporaryAllocation(byteCount: 128, alignment: 16) { memory in
            let packet = unsafe memory.baseAddress! + 16
            unsafe InnerPacket.write(to: packet, count: 32, from: Self.inner(0), to: address, port: 1)
            guard let slot = tunnel.route(.v4(IPv4Address(rawValue: address))) else { return }
            _ = unsafe tunnel.prepare(packet, count: 32, to: slot, at: time)
        }
        tunnel.finishOutbound(at: time)
        return attend(time)
    }

    /// Takes a handshake message as it comes from the network; returns the datagrams that this makes.
    mutating func receive(_ bytes: [UInt8], from sender: Endpoint, at time: TimePoint) -> [OutgoingDatagram] {
        guard let datagram = unsafe bytes.withUnsafeBytes({ unsafe HandshakeDatagram($0, from: sender, at: nil) }),
            case .admit = gate.judge(datagram, for: identity, isUnderLoad: false, at: time.now, using: &generator),
            let step = tunnel.receive(datagram, at: time)
        else { return [] }
        var attention = Attention()
        attention.steps = [step]
        carryOut(&attention, time)
        return attention.datagrams + attend(time)
    }

    private mutating func attend(_ time: TimePoint) -> [OutgoingDatagram] {
        var attention = tunnel.attend(at: time, using: &generator)
        carryOut(&attention, time)
        sendOwed(time)
        return attention.datagrams
    }

    /// What waited for a session is made ready and goes nowhere.
    private mutating func sendOwed(_ time: TimePoint) {
        unsafe withUnsafeTemporaryAllocation(byteCount: Tunnel.largestOwedMessage, alignment: 16) { room in
            while unsafe tunnel.nextOwed(into: room, at: time) != nil {}
        }
        tunnel.finishOutbound(at: time)
    }

    private mutating func carryOut(_ attention: inout Attention, _ time: TimePoint) {
        while let step = attention.steps.popLast() {
            let more = tunnel.resume(step.perform(), at: time, using: &generator)
            attention.datagrams += more.datagrams
            attention.steps += more.steps
        }
    }
}
